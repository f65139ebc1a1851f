"""`ftgate tokens`: examples as the trainer sees them, on the bundled model."""

import json
from pathlib import Path

import pytest

from tests.commands import Command, commanding

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture
def ftgate(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return commanding(capfd)


def line(*turns: tuple[str, str], **more: object) -> str:
    return json.dumps({"messages": [{"role": role, "content": content} for role, content in turns], **more})


GOOD = line(("user", "hello"), ("assistant", "yes"))
LONG = line(("user", "hello " * 60), ("assistant", "yes"))
BEGUN = line(("user", "a"), ("assistant", "b<|im_end|>c"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "data.jsonl"
    file.write_text("\n".join([GOOD, "", "{bad", BEGUN, GOOD, LONG]) + "\n")
    return file


def test_one_example_without_any_settings(ftgate: Command, data: Path) -> None:
    said = ftgate("tokens", data, "--line", "5")
    assert said.code == 0 and said.err == ""
    assert "│ <|im_start|>assistant⏎\n│ ⟦yes<|im_end|>⟧■⏎" in said.out
    assert "· bundled:tiny" in said.out


def test_the_same_as_json(ftgate: Command, data: Path) -> None:
    said = ftgate("tokens", data, "--line", "1", "--output-format", "json")
    plain = json.loads(said.out)
    (row,) = plain["rows"]
    assert (plain["line"], plain["base_model"], plain["limit"]) == (1, "bundled:tiny", 2048)
    assert "".join(each["text"] for each in row["stretches"] if each["trained"]) == "yes<|im_end|>"
    assert sum(each["tokens"] for each in row["stretches"]) == row["tokens"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("2", "data.jsonl:2: The line is blank"),
        ("3", "data.jsonl:3: Not valid JSON"),
        ("7", "there is no line 7: it has 6"),
    ],
)
def test_a_line_without_example_is_told(ftgate: Command, data: Path, number: str, words: str) -> None:
    said = ftgate("tokens", data, "--line", number)
    assert said.code == 2 and words in said.err and said.out == ""


def test_what_is_refused_and_what_is_dropped_fails(ftgate: Command, data: Path, tmp_path: Path) -> None:
    said = ftgate("tokens", data, "--line", "4")
    assert said.code == 1 and "not trained: the reply has <|im_end|> in its midst" in said.out
    (tmp_path / "ftgate.yaml").write_text(
        "base_model: bundled:tiny\ndata:\n  train: [data.jsonl]\ntraining:\n  max_length: 32\n"
    )
    said = ftgate("tokens", data, "--line", "6")
    assert said.code == 1 and "more than 32: ftgate drops this line" in said.out and "✂" in said.out


def test_the_summary_of_a_file(ftgate: Command, data: Path) -> None:
    said = ftgate("tokens", data)
    assert said.code == 1
    assert "4 examples, 3 rows, " in said.out and "1 line cannot be read" in said.out
    assert "not trained: lines 4: the reply has" in said.out and "longest: line 6 (" in said.out
    plain = json.loads(ftgate("tokens", data, "--output-format", "json").out)
    assert plain["examples"] == 4 and [each["line"] for each in plain["refused"]] == [4]
    data.write_text(GOOD + "\n")
    assert ftgate("tokens", data).code == 0


def test_settings_and_models_that_are_not_there(ftgate: Command, data: Path, tmp_path: Path) -> None:
    for arguments, words in (
        (["--settings", "none.yaml"], "none.yaml: no such file"),
        (["--base-model", "./nothing"], "no config.json of ./nothing"),
        (["--base-model", "bundled:none"], "no config.json of bundled:none"),
    ):
        said = ftgate("tokens", data, *arguments)
        assert said.code in (2, 4) and words in said.err
    said = ftgate("tokens", tmp_path / "none.jsonl")
    assert said.code == 2 and "no such file" in said.err


def test_a_model_of_one_s_own(ftgate: Command, data: Path, tmp_path: Path) -> None:
    """Its template, and not ours, decides; weights are not needed."""
    import shutil

    from ftgate.edges.base_model import bundled_folder

    shutil.copytree(bundled_folder(), tmp_path / "own", ignore=shutil.ignore_patterns("*.safetensors"))
    template = tmp_path / "own" / "chat_template.jinja"
    template.write_text(template.read_text().replace("<|im_start|>", "<|im_start|>~"))
    (tmp_path / "own" / "generation_config.json").write_text('{"eos_token_id": null}')
    said = ftgate("tokens", data, "--line", "1", "--base-model", "./own")
    assert said.code == 0 and "│ <|im_start|>~assistant⏎\n│ ⟦yes<|im_end|>⟧■" in said.out


def test_hostile_text_is_inert(ftgate: Command, tmp_path: Path) -> None:
    file = tmp_path / "h.jsonl"
    file.write_text(line(("user", "\x1b]0;x\x07\n::error::x"), ("assistant", "##[error]\x1b[2J")) + "\n")
    said = ftgate("tokens", file, "--line", "1")
    assert "\x1b" not in said.out and "\x07" not in said.out and "##[" not in said.out
    assert not any(each.startswith("::") for each in said.out.splitlines())
