"""What is no JSONL as a whole is told once, by what it is."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

from ftgate.edges.jsonl import read_jsonl
from ftgate.values.finding import Finding
from ftgate.values.settings import Limits
from tests.edges.reading import GOOD, read


def zipped() -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr("f.jsonl", GOOD * 100)
    return into.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (gzip.compress(GOOD * 100), "compressed (gzip)"),
        (bz2.compress(GOOD * 100), "compressed (bzip2)"),
        (lzma.compress(GOOD * 100), "compressed (xz)"),
        (zipped(), "a ZIP archive"),
        (b"PAR1\x15\x04\n\x15" + bytes(range(256)), "Parquet"),
    ],
)
def test_packed_files_are_named_and_read_no_further(data: bytes, kind: str) -> None:
    examples, (finding,), file = read(data)
    assert examples == []
    assert (finding.line, finding.message) == (1, f"The file is {kind}, not JSONL.")
    assert file.bytes == len(data)


@pytest.mark.parametrize(
    ("data", "why", "advice"),
    [
        (GOOD.replace(b"\n", b"\r") * 100, "it holds carriage returns", "End lines with LF only."),
        (b"[" + b",".join([GOOD.strip()] * 100) + b"]\n", "it begins an array", "on a line of its own"),
        (GOOD.replace(b'"q"', b'"' + b"q" * 2000 + b'"'), "was not read.", "raise data.limits.line_bytes"),
    ],
)
def test_a_line_that_is_too_long_is_told_by_what_it_probably_is(data: bytes, why: str, advice: str) -> None:
    (finding,) = [
        thing
        for thing in read_jsonl("f.jsonl", io.BytesIO(data), limits=Limits(line_bytes=1000))
        if isinstance(thing, Finding) and thing.line == 1 and "longer" in thing.message
    ]
    assert why in finding.message and advice in finding.advice


def test_a_cut_line_and_the_next_one_are_told_to_be_fused() -> None:
    _, (finding,), _ = read(GOOD + GOOD[:30] + GOOD)
    assert (finding.line, finding.column) == (2, 31)
    assert "two lines may be fused" in finding.message
