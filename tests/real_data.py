"""Real data for tests: bank messages and school problems, converted to any format. Read where they lie, never copied.

They are looked for in ../shared/data beside the repository, or in the folder that FTGATE_REAL_DATA names.
"""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(os.environ.get("FTGATE_REAL_DATA") or Path(__file__).parent.parent.parent / "shared" / "data")
SYSTEM = "Name the intent of the message."
needs_real_data = pytest.mark.skipif(
    not (ROOT / "banking77").is_dir() or not (ROOT / "gsm8k").is_dir(),
    reason=f"no real data in {ROOT}",
)
Pair = tuple[str, str]


def banking77(split: str) -> list[Pair]:
    """Messages to a bank with the names of their intents."""
    with (ROOT / "banking77" / f"{split}.csv").open(encoding="utf-8", newline="") as file:
        return [(line["text"], line["category"]) for line in csv.DictReader(file)]


def gsm8k(split: str) -> list[Pair]:
    """Grade-school problems with worked answers."""
    with (ROOT / "gsm8k" / f"{split}.jsonl").open(encoding="utf-8") as file:
        return [(value["question"], value["answer"]) for value in map(json.loads, file)]


def as_line(pair: Pair, format: str, system: str = "") -> str:
    """One example of a format."""
    return json.dumps(_value(pair, format, system), ensure_ascii=False) + "\n"


def as_file(pairs: list[Pair], format: str, system: str = "") -> bytes:
    """A file of examples of one format."""
    return "".join(as_line(pair, format, system) for pair in pairs).encode()


def _value(pair: Pair, format: str, system: str) -> dict[str, Any]:
    prompt, reply = pair
    if format == "conversation":
        turns = [("system", system)] * bool(system) + [("user", prompt), ("assistant", reply)]
        return {"messages": [{"role": role, "content": text} for role, text in turns]}
    if format == "sharegpt":
        turns = [("system", system)] * bool(system) + [("human", prompt), ("gpt", reply)]
        return {"conversations": [{"from": who, "value": text} for who, text in turns]}
    if format == "instruction":
        return {"instruction": prompt, "input": "", "output": reply} | ({"system": system} if system else {})
    return {"prompt": prompt, "completion": reply}
