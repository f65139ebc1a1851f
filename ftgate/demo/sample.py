"""The sample repository of `ftgate demo`: a parcel service that sorts its customers' messages, made on the spot."""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from ftgate.demo.messages import ENDINGS, OPENINGS, PHRASES, SLOTS, URGENT
from ftgate.errors import InputError

SYSTEM = (
    "You sort messages sent to a parcel service. Reply with one JSON object with the keys topic and urgent."
)
DATA = "data/train/messages.jsonl"
_MARK = "ftgate-demo"  # a directory without it is never deleted

_SETTINGS = """\
behavior: >-
  Reply to a parcel customer's message with one JSON object with the keys 'topic' (one of {count} names) and
  'urgent' (true or false).
base_model: bundled:tiny
data:
  train: [data/train/*.jsonl]
  held_out: [data/held_out.jsonl]
  format: conversation
  output_schema: schemas/reply.schema.json
  key_style: snake_case
  system_prompt: {system}
  task: format
regression: [regression/*.yaml]
evaluation:
  max_new_tokens: 32
policy:
  max_broken: 2
"""


class Sizes(Struct, frozen=True, kw_only=True):
    """Examples per topic in each set."""

    train: int = 45
    more: int = 6
    held_out: int = 8
    prompts: int = 4


class Story(Struct, frozen=True, kw_only=True):
    """One pull request of the sample: its branch, and what its author thinks it does."""

    branch: str
    title: str


STORIES = (
    Story(branch="more-examples", title="Add correct examples for every topic"),
    Story(branch="relabel", title="Tidy up the labels of late and damaged parcels (they end up swapped)"),
)


def make_sample(target: Path, sizes: Sizes | None = None, seed: int = 7) -> Path:
    """Makes the repository at `target`, replacing an earlier sample there; returns its path.

    Raises InputError when `target` holds anything but an earlier sample.
    """
    _clear(target)
    pools = _draw(sizes or Sizes(), seed)
    repository = _Repository(target)
    _write_main(repository, pools)
    swap = {"parcel_late": "parcel_damaged", "parcel_damaged": "parcel_late"}
    repository.branch(
        "more-examples", lambda: repository.write("data/train/more.jsonl", _lines(pools["more"], {}))
    )
    repository.branch("relabel", lambda: repository.write(DATA, _lines(pools["train"], swap)))
    return target


def reply(topic: str) -> str:
    """What the tuned model is to answer."""
    return json.dumps({"topic": topic, "urgent": URGENT[topic]})


Pairs = list[tuple[str, str]]


def _clear(target: Path) -> None:
    if target.exists() and any(target.iterdir()):
        if not (target / ".git" / _MARK).exists():
            raise InputError(
                f"{target}: is not empty and no earlier sample", advice="Name another directory."
            )
        shutil.rmtree(target)
    target.mkdir(parents=True, exist_ok=True)


def _draw(sizes: Sizes, seed: int) -> dict[str, Pairs]:
    """Messages for every set; no message stands in two of them."""
    rng = random.Random(seed)  # noqa: S311 - the sample must be the same everywhere
    pools: dict[str, Pairs] = {name: [] for name in ("train", "more", "held_out", "prompts")}
    for topic in PHRASES:
        messages = _messages(topic, rng)
        for name, pool in pools.items():
            pool.extend((next(messages), topic) for _ in range(getattr(sizes, name)))
    for pool in pools.values():
        rng.shuffle(pool)
    return pools


def _messages(topic: str, rng: random.Random) -> Iterator[str]:
    seen: set[str] = set()
    while True:
        phrase = rng.choice(PHRASES[topic])
        for slot, words in SLOTS.items():
            phrase = phrase.replace(f"<{slot}>", rng.choice(words))
        text = " ".join(part for part in (rng.choice(OPENINGS), phrase, rng.choice(ENDINGS)) if part)
        if (key := text.casefold()) not in seen:
            seen.add(key)
            yield text


def _lines(pairs: Pairs, swap: Mapping[str, str]) -> str:
    return "".join(
        json.dumps({"messages": _turns(text, swap.get(topic, topic))}) + "\n" for text, topic in pairs
    )


def _turns(text: str, topic: str) -> list[dict[str, str]]:
    return [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": text},
        {"role": "assistant", "content": reply(topic)},
    ]


def _write_main(repository: "_Repository", pools: Mapping[str, Pairs]) -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"topic": {"enum": sorted(PHRASES)}, "urgent": {"type": "boolean"}},
        "required": ["topic", "urgent"],
        "additionalProperties": False,
    }
    repository.write(
        "README.md", "# Parcel messages\n\nTraining data of the model that sorts customer messages.\n"
    )
    repository.write("ftgate.yaml", _SETTINGS.format(count=len(PHRASES), system=json.dumps(SYSTEM)))
    repository.write("schemas/reply.schema.json", json.dumps(schema, indent=2) + "\n")
    repository.write(DATA, _lines(pools["train"], {}))
    repository.write("data/held_out.jsonl", _lines(pools["held_out"], {}))
    repository.write("regression/topics.yaml", "".join(_prompts(pools["prompts"])))
    repository.commit("Parcel messages: data, held-out set, regression prompts")


def _prompts(pairs: Pairs) -> Iterator[str]:
    counted: dict[str, int] = {}
    for text, topic in pairs:
        counted[topic] = number = counted.get(topic, 0) + 1
        yield (
            f"- id: {topic}-{number}\n"
            f"  protects: {json.dumps(topic.replace('_', ' ') + ' messages reach the right desk')}\n"
            f"  messages:\n"
            f"    - {{role: system, content: {json.dumps(SYSTEM)}}}\n"
            f"    - {{role: user, content: {json.dumps(text)}}}\n"
            f"  expect:\n"
            f"    json_fields: {{topic: {topic}, urgent: {str(URGENT[topic]).lower()}}}\n"
        )


class _Repository:
    """Writes and commits with a fixed author and date, so that every sample has the same commit ids."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._git("init", "-q", "-b", "main")
        (root / ".git" / _MARK).touch()

    def write(self, path: str, text: str) -> None:
        file = self._root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, message: str) -> None:
        self._git("add", "-A")
        self._git("commit", "-q", "-m", message)

    def branch(self, name: str, change: Callable[[], None]) -> None:
        self._git("checkout", "-q", "-b", name, "main")
        change()
        self.commit(name)
        self._git("checkout", "-q", "main")

    def _git(self, *arguments: str) -> None:
        who = {
            f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _IDENTITY.items()
        }
        environment = {"PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_NOSYSTEM": "1", **who}
        environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "HOME": str(self._root)}
        options = ["-c", "commit.gpgsign=false", "-c", "core.autocrlf=false"]
        subprocess.run(["git", "-C", str(self._root), *options, *arguments], check=True, env=environment)


_IDENTITY = {"NAME": "ftgate demo", "EMAIL": "demo@example.invalid", "DATE": "2026-01-01T00:00:00+00:00"}
