"""What is compiled takes what the libraries take, and nothing else; sanitizers watch it read hostile bytes."""

import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ftgate.edges import plain_rows
from ftgate.edges.example_schema import ExampleSchema
from ftgate.edges.jsonl import read_jsonl
from ftgate.edges.plain_rows import FORMS, NATIVE
from ftgate.values.batch import Batch
from ftgate.values.dataset import Format
from hatch_build import compiled
from tests.edges.plain_mutants import compare, mutants
from tests.edges.test_jsonl import MATRIX
from tests.edges.test_plain_blocks import HIDDEN
from tests.edges.test_plain_rows import TWICE, line

ROOT = Path(__file__).parents[2]
needs_native = pytest.mark.skipif(NATIVE is None, reason="nothing is compiled: no C compiler, or FTGATE_PURE")


def test_it_is_compiled_where_there_is_a_compiler() -> None:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    headers = Path(sysconfig.get_paths()["include"]) / "Python.h"
    if not shutil.which(compiler) or not headers.is_file() or os.environ.get("FTGATE_PURE"):
        pytest.skip("no C compiler, no headers of Python, or FTGATE_PURE")
    assert NATIVE is not None, "pip install -e . says why nothing was compiled"


@needs_native
def test_it_takes_what_the_libraries_take() -> None:
    assert NATIVE is not None
    took = sum(compare(NATIVE, mutant) for mutant in islice(mutants(7), 3000))
    assert 1000 < took < 2900


@needs_native
@pytest.mark.parametrize("case", [*HIDDEN, *TWICE, *MATRIX])
def test_what_hides_from_it(case: str) -> None:
    assert NATIVE is not None
    data = (
        HIDDEN[case].encode() if case in HIDDEN else line(TWICE[case]) if case in TWICE else MATRIX[case][0]
    )
    for one in data.split(b"\n")[:2000]:
        if len(one) < 1_000_000:
            compare(NATIVE, one)


@needs_native
@pytest.mark.parametrize("case", MATRIX)
def test_a_file_is_the_same_without_it(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = [things(MATRIX[case][0])]
    monkeypatch.setattr(plain_rows, "NATIVE", None)
    read.append(things(MATRIX[case][0]))
    assert read[0] == read[1]


def things(data: bytes) -> list[Any]:
    """What batches say of a file, with the columns that checks look at."""
    said: list[Any] = []
    for thing in read_jsonl("f.jsonl", io.BytesIO(data)).batches():
        if isinstance(thing, Batch):
            rows = range(len(thing))
            said += [
                thing.lines,
                thing.offsets,
                thing.roles,
                thing.flat,
                thing.ends,
                thing.prompts,
                thing.replies,
            ]
            said += [[thing.example(row) for row in rows]]
        else:
            said.append(thing)
    return said


@needs_native
@pytest.mark.parametrize("every", [1, 2, 1000])
def test_lines_that_a_schema_refuses_are_not_taken_again_and_again(
    every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = {"properties": {"messages": {"maxItems": 2}}}
    schema = ExampleSchema("s.json", json.dumps(judged).encode())
    turn = '{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}'
    good, bad = line(turn), line(f"{turn}, {turn}")
    data = b"".join(bad if number % every == 0 else good for number in range(3000))
    taken: list[int] = []
    native = NATIVE
    assert native is not None

    def block(*given: Any) -> Any:
        found = native.block(*given)
        taken.append(len(found[1]))
        return found

    monkeypatch.setattr(plain_rows, "NATIVE", SimpleNamespace(block=block, accepted=native.accepted))
    stream = read_jsonl("f.jsonl", io.BytesIO(good + data), schema=schema)
    said = [thing for thing in stream.batches() if not isinstance(thing, Batch)]
    assert len(said) == len(range(0, 3000, every))
    assert stream.file.examples == 3001 - len(said)
    assert sum(taken) <= 2 * 3001


@needs_native
@pytest.mark.parametrize(
    "wrong",
    [
        (),
        (1, {}, b""),
        ((b"m", b"r", b"c"), {}, b""),
        ((b"m", b"r", b"c", ("user",)), {}, b""),
        ((b"m", b"r", b"c", ((b"user", b"user"),)), {}, b""),
        ((b"m", b"r", b"c", ((b"user", "user"),) * 17), {}, b""),
        (FORMS[Format.CONVERSATION].spelled, {}, "text"),
        (FORMS[Format.CONVERSATION].spelled, [], b""),
    ],
)
def test_arguments_that_are_wrong_are_refused(wrong: Any) -> None:
    assert NATIVE is not None
    with pytest.raises((TypeError, ValueError)):
        NATIVE.block(*wrong, 0)
    with pytest.raises((TypeError, ValueError)):
        NATIVE.block(FORMS[Format.CONVERSATION].spelled, {}, b"", -1)


def test_sanitizers_have_nothing_to_say(tmp_path: Path) -> None:
    library = (
        subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=False)
        if shutil.which("cc")
        else None
    )
    if library is None or not Path(library.stdout.strip()).is_absolute():
        pytest.skip("no C compiler with AddressSanitizer")
    extension = tmp_path / "_plain.abi3.so"
    flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-U_FORTIFY_SOURCE", "-g", "-O1")
    assert compiled(ROOT, extension, *flags) == ""
    done = subprocess.run(
        [sys.executable, "-m", "tests.edges.plain_mutants", str(extension), "10"],
        cwd=ROOT,
        env={
            **os.environ,
            "LD_PRELOAD": library.stdout.strip(),
            "ASAN_OPTIONS": "detect_leaks=0",  # of Python itself
            "PYTHONMALLOC": "malloc",  # so that every object is watched
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[0]) > 500
