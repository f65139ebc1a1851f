"""What a run finds in a commit is what the same bytes give line by line, file by file or in batches."""

import io
import json
import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.edges.jsonl import read_jsonl
from ftgate.stages.inputs import training_data
from ftgate.stages.sift import homed, in_order, sift
from ftgate.stages.validate import examine
from ftgate.values.dataset import Example
from ftgate.values.digest import digest_bytes
from ftgate.values.finding import Finding
from ftgate.values.settings import DataSettings, Settings
from tests.edges.reading import GOOD, PRETTY, turns
from tests.fakes import FakeRepository, FakeWorld

ODD = [b"\n", b"{\n", PRETTY, b"\xff\n", turns(("user", "x")), b'{"a": 1}\n', turns(("pirate", "x"))]
SETTINGS = Settings(data=DataSettings(train=("data/*.jsonl",), system_prompt="s1"))


def content(seed: int, count: int = 300) -> bytes:
    """Lines with repeats, contradictions, tools, labels, secrets, and bad ones in between."""
    chance = random.Random(seed)
    made = [] if chance.random() < 0.5 else [GOOD.replace(b"\n", b"\r\n")]
    for _ in range(count):
        number = chance.randrange(count // 2)
        words = " ".join(str(random.Random(number * 50 + at).randrange(999)) for at in range(20))
        prompt = f"{words} {chance.choice(('today', 'now'))} joe@mail.shop.org"
        system = [("system", f"s{chance.randrange(2)}")] if chance.random() < 0.9 else []
        made.append(turns(*system, ("user", prompt), ("assistant", f"reply {chance.randrange(3)}")))
        if chance.random() < 0.1:
            made.append(chance.choice(ODD))
        if chance.random() < 0.05:
            row = {
                "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
                "source": "x",
            }
            made.append(json.dumps(row).encode() + b"\n")
    return b"".join(made).rstrip(b"\n") if chance.random() < 0.5 else b"".join(made)


@pytest.mark.parametrize("seed", range(6))
def test_a_commit_is_checked_like_its_files(tmp_path: Path, seed: int) -> None:
    settings = SETTINGS if seed % 2 else replace(SETTINGS, data=replace(SETTINGS.data, format="conversation"))
    files = {f"data/{name}.jsonl": content(10 * seed + at) for at, name in enumerate("ab")}
    ports = FakeWorld(FakeRepository(main=files), tmp_path).ports
    dataset = training_data(ports, "main", settings, "ftgate.yaml", "main")
    held_out = dataset.examples[::9]
    context = Context(data=SETTINGS.data, declared=True, held_out=held_out, max_length=60)
    found = examine(dataset, Checks(context), ports.progress, "ftgate.yaml")

    streams = [read_jsonl(path, io.BytesIO(data), settings.data.format) for path, data in files.items()]
    assert (dataset.files, found) == sift(streams, Checks(context))

    checks, examples = Checks(context), []
    alone: list[Finding] = []
    for path, data in files.items():
        for thing in read_jsonl(path, io.BytesIO(data), settings.data.format):
            if isinstance(thing, Example):
                examples.append(thing)
            alone.extend(checks.see(thing) if isinstance(thing, Example) else [thing])
    assert tuple(examples) == dataset.examples
    assert set(found) == set(in_order([*alone, *homed(checks.finish(), dataset.files, "ftgate.yaml")]))
    told = {finding.check for finding in found}
    assert {
        "contradiction",
        "near-duplicate",
        "contamination",
        "system-prompt",
        "secrets",
        "json",
        "format",
    } <= told


def test_every_line_that_the_reader_speaks_about_is_known_by_its_bytes(tmp_path: Path) -> None:
    rows = [GOOD, PRETTY, GOOD, b"{]\n", b"\xff\n", GOOD, b"[1]\n", GOOD.rstrip(b"\n")]
    ports = FakeWorld(FakeRepository(main={"data/a.jsonl": b"".join(rows)}), tmp_path).ports
    dataset = training_data(ports, "main", SETTINGS, "ftgate.yaml", "main")
    wanted, line = {}, 1
    for row in rows:
        if row is not GOOD:
            wanted["data/a.jsonl", line] = digest_bytes(row.rstrip(b"\n"))
        line += row.count(b"\n")
    assert dataset.refused == wanted
