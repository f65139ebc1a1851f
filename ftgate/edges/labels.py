"""Completions that people have rated: JSONL of ftgate's own shape, or a published JUDGE-BENCH file."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median_low
from typing import Any

import jiter
from msgspec import Struct

from ftgate.errors import InputError
from ftgate.values.dataset import Message
from ftgate.values.evaluation import Completion, Prompt

_KEYS = {"prompt", "messages", "completion", "reference", "criteria", "protects", "score", "scores", "judge"}
_SHAPE = (
    'A line is {"prompt": "...", "completion": "...", "reference": "...", "score": 1 to 5}; scores of several people '
    'are "scores": [4, 5, 4].'
)
_CONTEXT = re.compile(
    r"Question: (?P<prompt>.*?)\n\\?Solution: (?P<reference>.*?)\n\nGENERATED RESPONSE:\n(?P<completion>.*?)"
    r"(?:\nJudge the generated response:\s*)?\Z",
    re.S,
)
_SHOWN = 10


class Label(Struct, frozen=True, kw_only=True):
    """A completion and what people gave it, 1..5: their lower median. `judge` is a judge's score where it is known."""

    prompt: Prompt
    completion: Completion
    score: int
    judge: int | None = None


def read_labels(path: Path) -> list[Label]:
    """All labels of a file. Raises InputError with every line that is none, and for a file without any."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    labels: list[Label] = []
    wrong: list[str] = []
    for place, plain in _published(path, content) or _lines(content):
        made = _label(place, plain) if isinstance(plain, Mapping) else "not a JSON object"
        if isinstance(made, Label):
            labels.append(made)
        else:
            wrong.append(f"{path}:{place}: {made}")
    if wrong or not labels:
        more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        raise InputError("\n".join([*wrong[:_SHOWN], *more]) or f"{path}: no label", advice=_SHAPE)
    return labels


def _lines(content: bytes) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            try:
                yield number, jiter.from_json(line, catch_duplicate_keys=True, allow_inf_nan=False)
            except ValueError:
                yield number, None


def _label(place: int, plain: Mapping[str, Any]) -> Label | str:
    if strange := sorted(map(str, plain.keys() - _KEYS)):
        return f"unknown key {strange[0]!r}"
    for key in ("prompt", "completion", "reference", "criteria", "protects"):
        if not isinstance(plain.get(key) or "", str):
            return f"{key} must be a text"
    messages = _messages(plain)
    if messages is None or plain.get("completion") is None:
        return "needs prompt (or messages) and completion"
    scores = plain.get("scores", [plain["score"]] if "score" in plain else [])
    if not isinstance(scores, list) or not scores or not all(map(_is_score, scores)):
        return "needs score from 1 to 5, or scores, a list of them"
    if plain.get("judge") is not None and not _is_score(plain["judge"]):
        return "judge must be a score from 1 to 5"
    criteria = plain.get("criteria")
    prompt = Prompt(
        id=f"label-{place}",
        kind="regression",
        protects=plain.get("protects") or "what people rated",
        messages=messages,
        expect={"judge": {"criteria": criteria} if criteria else True},
        reference=plain.get("reference"),
    )
    text = plain["completion"]
    completion = Completion(text=text, finish="stop", tokens=len(text.split()))
    return Label(prompt=prompt, completion=completion, score=median_low(scores), judge=plain.get("judge"))


def _messages(plain: Mapping[str, Any]) -> tuple[Message, ...] | None:
    if isinstance(plain.get("prompt"), str):
        return (Message(role="user", content=plain["prompt"]),)
    turns = plain.get("messages")
    if not isinstance(turns, list) or not turns:
        return None
    if not all(isinstance(t, dict) and {type(t.get("role")), type(t.get("content"))} == {str} for t in turns):
        return None
    return tuple(Message(role=turn["role"], content=turn["content"]) for turn in turns)


def _is_score(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5


def _published(path: Path, content: bytes) -> list[tuple[int, Any]] | None:
    """The instances of a JUDGE-BENCH file (Bavaresco et al. 2024) with a question, a solution and a rating 1 to 5."""
    if path.suffix != ".json":
        return None
    try:
        plain = json.loads(content)
        metric = next(a["metric"] for a in plain["annotations"] if (a.get("worst"), a.get("best")) == (1, 5))
        return [(number, _instance(each, metric)) for number, each in enumerate(plain["instances"], start=1)]
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError) as error:
        raise InputError(f"{path}: neither JSONL nor a rated JUDGE-BENCH file", advice=_SHAPE) from error


def _instance(plain: Mapping[str, Any], metric: str) -> dict[str, Any] | None:
    found = _CONTEXT.search(plain["instance"])
    scores = plain["annotations"][metric]["individual_human_scores"]
    return {**found.groupdict(), "scores": scores} if found else None
