"""The table of agreement in docs/serving.md is what is measured: same forms, same tokens, same figures but for what
another processor rounds otherwise."""

import re
from pathlib import Path

import pytest

from ftgate.values.run_card import Agreement
from tests.edges.forms import WARM, WITHIN, measured

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

DOCUMENT = (Path(__file__).parents[2] / "docs" / "serving.md").read_text()
TABLE = DOCUMENT[DOCUMENT.index("| form | same most likely token |") :].partition("\n\n")[0]
ROWS = re.findall(r"^\| (.+?) \| ([\d.]+) % \| ([\d.]+) \|$", TABLE, re.MULTILINE)
TOKENS, NATS = 2, 0.01  # of 104, and per token: what a processor that rounds otherwise may change


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Agreement]:
    return dict(measured(tmp_path_factory.mktemp("forms")))


def test_the_table_has_every_form_and_no_other(found: dict[str, Agreement]) -> None:
    assert [name for name, _, _ in ROWS] == list(found)
    assert len(TABLE.splitlines()) == 2 + len(ROWS), "every row was read"
    [told] = re.findall(r"`python -m tests\.edges\.forms`; (\d+) tokens", DOCUMENT)
    assert {figures.tokens for figures in found.values()} == {int(told)}


@pytest.mark.parametrize(("name", "top1", "nats"), ROWS, ids=[name for name, _, _ in ROWS])
def test_a_figure_of_the_table_is_what_is_measured(
    name: str, top1: str, nats: str, found: dict[str, Agreement]
) -> None:
    figures = found[name]
    [trained] = re.findall(r"\(trained: ([\d.]+)\) \|$", TABLE, re.MULTILINE)
    assert figures.nll_trained == pytest.approx(float(trained), abs=NATS)
    if name == WARM and "avx512_bf16" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor does not pack 4-bit weights anew")
    same = round(figures.top1 * figures.tokens)
    assert abs(same - float(top1) / 100 * figures.tokens) < TOKENS + 0.5
    assert figures.nll_exported == pytest.approx(float(nats), abs=0.5 if name == WARM else NATS)


def test_what_the_table_is_there_to_show_is_so(found: dict[str, Agreement]) -> None:
    order = ["`adapter`", "`merged-dequantised`", WITHIN]
    agreements = [found[name].top1 for name in order]
    assert agreements == sorted(agreements, reverse=True) and agreements[0] == 1
