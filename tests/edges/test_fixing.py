"""What --fix changes and what it never does: twice is once, and every example keeps its bytes."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ftgate import wire
from ftgate.edges import fixing
from ftgate.edges.fixing import fix_file
from ftgate.report.fixes import fix_lines, manifest
from ftgate.values.digest import digest_bytes
from ftgate.values.fix import Fix
from tests.edges.reading import GOOD, PRETTY, read, turns
from tests.edges.test_jsonl import BYTES, WHOLE

BOM = b"\xef\xbb\xbf"
LINE = GOOD.rstrip()
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r", b"", b"\r\r\n", BOM, BOM + b"\n"])
FILES = st.one_of(
    BYTES, st.lists(st.one_of(st.sampled_from([LINE, *WHOLE]), ENDS), max_size=20).map(b"".join)
)


def fixed(data: bytes) -> tuple[bytes, Fix]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "f.jsonl"
        file.write_bytes(data)
        fix = fix_file(Path(folder), "f.jsonl", dry_run=False)
        assert [each.name for each in Path(folder).iterdir()] == ["f.jsonl"]
        return file.read_bytes(), fix


@pytest.mark.parametrize(
    ("data", "wanted", "said"),
    [
        (GOOD * 3, GOOD * 3, "nothing to fix in 1 file"),
        (GOOD + LINE, GOOD * 2, "fixed f.jsonl: final newline added on 1 line (2)"),
        (BOM + GOOD + BOM + GOOD, GOOD * 2, "fixed f.jsonl: byte order mark removed on 2 lines (1-2)"),
        ((LINE + b"\r\n") * 3, GOOD * 3, "fixed f.jsonl: CRLF turned into LF on 3 lines (1-3)"),
        (
            BOM + LINE + b"\r\n" + GOOD + LINE + b"\r",
            GOOD * 3,
            "fixed f.jsonl: byte order mark removed on 1 line (1), CRLF turned into LF on 2 lines (1, 3)"
            " and final newline added on 1 line (3)",
        ),
        ((LINE + b"\r") * 3, (LINE + b"\r") * 3, "nothing to fix in 1 file"),
        (GOOD + b"\r", GOOD, "fixed f.jsonl: CRLF turned into LF on 1 line (2)"),
        (GOOD + b"\0\r\n", GOOD + b"\0\r\n", "left alone f.jsonl: it holds NUL bytes, so it is no JSONL"),
        (b"", b"", "nothing to fix in 1 file"),
    ],
)
def test_what_is_mended_and_what_is_not(data: bytes, wanted: bytes, said: str) -> None:
    content, fix = fixed(data)
    assert content == wanted
    assert list(fix_lines([fix], dry_run=False)) == [said]


def sound(data: bytes) -> dict[int, object]:
    """Every line that is an example, by number, with the value that it holds."""
    split = data.split(b"\n")
    return {e.place.line: json.loads(split[e.place.line - 1].removeprefix(BOM)) for e in read(data)[0]}


@given(FILES)
@settings(max_examples=400, deadline=None)
def test_fixing_twice_changes_nothing_and_no_example_changes(data: bytes) -> None:
    once, fix = fixed(data)
    again, nothing = fixed(once)
    assert again == once and not nothing.changes
    before, after = sound(data), sound(once)
    assert {line: after.get(line) for line in before} == before
    if not fix.left:
        assert (fix.sha256_before, fix.sha256_after) == (digest_bytes(data), digest_bytes(once))
        assert (fix.bytes_before, fix.bytes_after) == (len(data), len(once))
        assert bool(fix.changes) == (data != once)


@given(FILES, st.integers(1, 7))
@settings(max_examples=200, deadline=None)
def test_long_lines_are_mended_in_parts_alike(data: bytes, chunk: int) -> None:
    wanted = fixed(data.replace(BOM, b""))[0]
    before, fixing._CHUNK = fixing._CHUNK, chunk
    try:
        assert fixed(data.replace(BOM, b""))[0] == wanted
    finally:
        fixing._CHUNK = before


def test_every_case_of_the_matrix_keeps_its_examples() -> None:
    from tests.edges.matrix import CASES

    for name, case in CASES.items():
        before, after = sound(case.data), sound(fixed(case.data)[0])
        assert {line: after.get(line) for line in before} == before, name


def test_a_dry_run_writes_nothing_and_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(BOM + LINE)
    told = fix_file(tmp_path, "f.jsonl", dry_run=True)
    assert file.read_bytes() == BOM + LINE
    assert fix_file(tmp_path, "f.jsonl", dry_run=False) == told


def test_the_manifest_keeps_its_contract(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(BOM + LINE + b"\r\n" + LINE)
    (tmp_path / "link.jsonl").symlink_to("a.jsonl")
    fixes = [fix_file(tmp_path, name, dry_run=False) for name in ("link.jsonl", "a.jsonl")]
    content = json.loads(manifest(fixes, dry_run=False))
    Draft202012Validator(wire.schema("fixes")).validate(content)
    assert [file["left"] for file in content["files"]] == ["it is no plain file", ""]
    assert content["files"][1]["sha256_after"] == digest_bytes(GOOD * 2)


def test_only_plain_files_outside_of_git_are_touched(tmp_path: Path) -> None:
    inside = tmp_path / ".git" / "objects"
    inside.mkdir(parents=True)
    (inside / "f.jsonl").write_bytes(LINE)
    os.mkfifo(tmp_path / "pipe")
    assert fix_file(tmp_path, ".git/objects/f.jsonl", dry_run=False).left == "it belongs to git"
    assert fix_file(tmp_path, "pipe", dry_run=False).left == "it is no plain file"


def test_the_mode_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(LINE)
    file.chmod(0o640)
    fix_file(tmp_path, "f.jsonl", dry_run=False)
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_record_over_several_lines_stays_as_it_is() -> None:
    data = GOOD + PRETTY + turns(("user", "a\r\nb"), ("assistant", "c"))
    assert fixed(data)[0] == data
