"""`ftgate split` and what it refuses."""

import json
from pathlib import Path

import pytest

from ftgate.cli.main import main


def data(folder: Path) -> Path:
    file = folder / "all.jsonl"
    turns = (
        {"messages": [{"role": "user", "content": f"q {n}"}, {"role": "assistant", "content": "a"}]}
        for n in range(200)
    )
    file.write_text(
        "".join(json.dumps(turn | {"metadata": {"user": n % 20}}) + "\n" for n, turn in enumerate(turns))
    )
    return file


def test_split_writes_both_files_and_says_the_share(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["split", str(data(tmp_path)), "-o", str(tmp_path / "out"), "--group-by", "metadata.user"]) == 0
    )
    assert "examples, " in capsys.readouterr().out
    users = [
        {json.loads(line)["metadata"]["user"] for line in (tmp_path / "out" / name).read_text().splitlines()}
        for name in ("train.jsonl", "held_out.jsonl")
    ]
    assert not users[0] & users[1] and len(users[0] | users[1]) == 20


def test_split_overwrites_only_when_told_and_never_what_it_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = data(tmp_path), str(tmp_path / "out")
    assert main(["split", str(file), "-o", out]) == 0
    assert main(["split", str(file), "-o", out]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["split", str(file), "-o", out, "--force"]) == 0
    assert main(["split", f"{out}/train.jsonl", "-o", out, "--force"]) == 2
    assert "would be read and written" in capsys.readouterr().err
    assert main(["split", str(tmp_path / "none.jsonl"), "-o", out]) == 2


def test_a_group_that_no_example_has_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = str(data(tmp_path)), tmp_path / "out"
    for name, told in (("metadata.usr", True), ("metadata.user", False)):
        assert main(["split", file, "-o", str(out), "--group-by", name, "--force"]) == 0
        assert ("No example has metadata.usr" in capsys.readouterr().err) is told
    assert main(["split", file, "-o", str(out), "--force"]) == 0
    assert "No example has" not in capsys.readouterr().err
