"""`ftgate review`: what waits, in which order, and what is written."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ftgate.cli.main import cli, main
from ftgate.decide.diverse import farthest_first
from ftgate.values.review import Review, parse_reviews, review_line
from tests.builders import SETTINGS


def repository(folder: Path) -> Path:
    (folder / "data/train").mkdir(parents=True)
    (folder / "ftgate.yaml").write_text(SETTINGS.replace("base_model: fake", "base_model: bundled:tiny"))
    texts = [
        "the parcel is late again today",
        "the parcel is late again now",
        "my cup came broken\u202e",
        "what is the price",
    ]
    lines = [
        {
            "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "x"}],
            "source": "generated",
        }
        for text in texts
    ]
    (folder / "data/train/a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def shas(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines() if ".jsonl:" in line]


def test_the_list_begins_with_what_differs_most(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = repository(tmp_path)
    assert main(["review", "--repo", str(root), "--count", "3"]) == 0
    out = capsys.readouterr().out
    listed = [line.rsplit(":", 1)[1] for line in out.splitlines() if ".jsonl:" in line]
    assert len(listed) == 3 and not {"1", "2"} <= set(listed)
    assert "\u202e" not in out and "<U+202E>" in out


def test_a_review_is_recorded_counts_and_is_void_on_edit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = repository(tmp_path)
    main(["review", "--repo", str(root)])
    first, second, *_ = shas(capsys.readouterr().out)
    assert main(["review", "--repo", str(root), "--accept", first, "--by", "anna"]) == 0
    assert main(["review", "--repo", str(root), "--reject", second, "--by", "bert"]) == 0
    capsys.readouterr()
    main(["review", "--repo", str(root)])
    done = capsys.readouterr()
    assert len(shas(done.out)) == 2 and not {first, second} & set(shas(done.out))
    assert "2 of 4 generated examples have a review (50%)." in done.err
    main(["validate", "--repo", str(root)])
    said = capsys.readouterr().out
    assert "rejected in a review by bert" in said and "have a review" not in said
    data = root / "data/train/a.jsonl"
    data.write_text(data.read_text().replace('"x"', '"y"'))
    main(["validate", "--repo", str(root)])
    assert "0 of 4 generated examples (0.0%) have a review" in capsys.readouterr().out


def test_asked_one_after_the_other(tmp_path: Path) -> None:
    root = repository(tmp_path)
    done = CliRunner().invoke(cli, ["review", "--repo", str(root), "--by", "anna"], input="y\ns\nn\nq\n")
    assert done.exit_code == 0
    kept = parse_reviews("r", (root / "reviews.jsonl").read_bytes()).records
    assert [(one.by, one.verdict) for one in kept] == [("anna", "accepted"), ("anna", "rejected")]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--accept", "0" * 12, "--by", "anna"],
        ["--accept", "ab", "--by", "anna"],
        ["--accept", "0" * 12],
        ["--accept", "a", "--reject", "b"],
    ],
)
def test_what_cannot_be_recorded(tmp_path: Path, arguments: list[str]) -> None:
    assert main(["review", "--repo", str(repository(tmp_path)), *arguments]) == 2
    assert not (tmp_path / "reviews.jsonl").exists()


def test_named_files_need_no_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = repository(tmp_path)
    (root / "ftgate.yaml").unlink()
    assert main(["review", str(root / "data"), "--repo", str(root)]) == 0
    assert len(shas(capsys.readouterr().out)) == 4
    assert main(["review", "--repo", str(root)]) == 2


def test_records_that_cannot_be_read_are_named_and_the_last_word_counts() -> None:
    yes, no = Review(sha256="a", by="x"), Review(sha256="a", by="y", verdict="rejected")
    content = (
        review_line(yes)
        + b"{\n\n[1]\n"
        + b'{"sha256": "b", "by": " "}\n\xff\n'
        + b"[" * 9999
        + b"\n"
        + review_line(no)
    )
    read = parse_reviews("r", content)
    assert (read.records, read.bad_lines) == ((yes, no), (2, 4, 5, 6, 7))
    assert read.last["a"].by == "y"


def test_farthest_first_leaves_out_what_is_alike_until_nothing_else_is_left() -> None:
    sets = [frozenset(text) for text in ("abcd", "abce", "xyz", "xy", "q")]
    assert farthest_first(sets, [], 5) == [0, 2, 4, 1, 3]
    assert farthest_first(sets, [frozenset("xyz")], 2) == [0, 4]
    assert farthest_first([], sets, 3) == []
