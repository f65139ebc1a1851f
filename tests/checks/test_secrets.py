"""What is a secret and what only looks like one. Put together here, so that no scanner takes this file for a leak."""

import pytest

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.checks.numbers import is_card, is_iban
from ftgate.checks.secrets import find_secrets
from tests.checks.examples import answer


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("AWS", "AKIA" + "IOSFODNN7" + "EXAMPLE"),
        ("private key", "-----BEGIN " + "PRIVATE KEY-----"),
        ("private key", "-----BEGIN " + "OPENSSH PRIVATE KEY-----"),
        ("GitHub", "gh" + "p_" + "a1B2" * 9),
        ("GitHub", "github" + "_pat_" + "11ABCDEFG0" * 5),
        ("sk-", "sk" + "-proj-" + "a1B2_c3D4" * 4),
        ("Slack", "xo" + "xb-" + "1234567890-abcdef"),
        ("Google", "AI" + "za" + "Sy0123456789abcdefghijklmnopqrstuvw"[:35]),
        ("Hugging Face", "hf" + "_" + "abcdefghij" * 3 + "klmn"),
        ("JSON web token", "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0." + "a" * 43),
        ("e-mail", "jane.doe+bank@mail.shop.org"),
        ("phone", "+43 660 1234567"),
        ("phone", "(212) 456-7890"),
        ("phone", "+1-212-456-7890"),
        ("card", "5500 0000 0000 0004"),
        ("card", "3400 000000 00009"),
        ("card", "4111111111111111"),
        ("IBAN", "GB82 WEST 1234 5698 7654 32"),
        ("IBAN", "AT611904300234573201"),
    ],
)
def test_secrets_are_found_and_not_printed(kind: str, text: str) -> None:
    ((start, found),) = find_secrets(f"It says: {text}, why?")
    assert (start, kind in found.name) == (9, True)
    (finding,) = [f for f in Checks(Context()).see(answer(f"It says {text}.")) if f.check == "secrets"]
    assert text not in f"{finding.message}{finding.advice}"
    assert "character 9" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "xAKIAIOSFODNN7EXAMPLE",
        "sk-learn-pipelines-are-rather-long",
        "the xoxo-signature-of-a-letter",
        "@app.route and git@github.com:a/b and a@b",
        "jane@example.com, joe@site.test",
        "4111 1111 1111 1112",
        "1234567890123456",
        "48+24=72, 100+200+300, 12:30:45.123456789",
        "0.4111111111111111",
        "DE89 3704 0044 0532 0130 01",
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "550e8400-e29b-41d4-a716-446655440000",
        "in 2019-2020-2021 we sold 1.000.000.000",
    ],
)
def test_look_alikes_are_left_alone(text: str) -> None:
    assert find_secrets(text) == []


def test_secrets_take_linear_time() -> None:
    for piece in (
        "4111 1111 1111 111",
        "a.b-c",
        "a@",
        "+1 2",
        "AKIA",
        "eyJa.",
        "DE89 ",
        "-----BEGIN A ",
        "sk-a1 ",
    ):
        assert len(find_secrets(piece * 20_000)) <= 200


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("4111111111111111", True),
        ("4111111111111112", False),
        ("0000000000000000", False),
        ("6011000990139424", True),
    ],
)
def test_cards(number: str, valid: bool) -> None:
    assert is_card(number) is valid


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("DE89370400440532013000", True),
        ("DE89370400440532013000 AND MORE", True),
        ("DE8937040044053201300", False),
        ("XX89370400440532013000", False),
        ("NL91ABNA0417164300", True),
        ("NL91ABNA0417164301", False),
    ],
)
def test_ibans(text: str, valid: bool) -> None:
    assert is_iban(text) is valid
