"""What enters and leaves the process as JSON: schema-checked, versioned. Values never serialise themselves."""

import difflib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from ftgate.errors import InputError
from ftgate.values.baseline import Baseline, Promotion
from ftgate.values.dataset import Message
from ftgate.values.digest import digest
from ftgate.values.evaluation import ArmEvaluation, Prompt
from ftgate.values.run import RUN_SCHEMA, Run
from ftgate.values.run_card import RUN_CARD_SCHEMA, RunCard
from ftgate.values.settings import Settings
from ftgate.values.spot_check import Key, Votes
from ftgate.values.training import Training

T = TypeVar("T")
_DERIVED = ("seal", "comparison", "drift", "slices", "verdict")
DEEPEST = 80
"""Levels of a run.json: those of ftgate's own types, and JSON Schemas within expectations."""

MOST_PARTS = 4_000_000
"""Objects, arrays and members of a run.json: a small file can hold more of them than a machine has memory for."""


class Problem(NamedTuple):
    """Something wrong with plain data: `path` is the keys and indices that lead to it."""

    path: tuple[str | int, ...]
    message: str

    @property
    def where(self) -> str:
        """The path as a person writes it: data.train[0]."""
        text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path)
        return text.lstrip(".")


@cache
def schema(name: str) -> dict[str, Any]:
    """A schema of schemas/ by its name without suffix: from the wheel, or beside the package in a checkout."""
    packaged = resources.files("ftgate") / "schemas" / f"{name}.schema.json"
    source = Path(__file__).parent.parent / "schemas" / f"{name}.schema.json"
    text = packaged.read_text() if packaged.is_file() else source.read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def problems(plain: Any, name: str) -> list[Problem]:
    """Everything in which plain data differs from the named schema, in document order; empty when it conforms."""
    from jsonschema import Draft202012Validator

    found = []
    for error in Draft202012Validator(schema(name)).iter_errors(plain):
        found.extend(_explain(error))
    return sorted(found, key=lambda problem: [str(part) for part in problem.path])


def _explain(error: Any) -> list[Problem]:
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = list(error.schema.get("properties", {}))
        strange = [key for key in error.instance if key not in known]
        return [Problem((*path, key), unknown(str(key), known)) for key in strange]
    if error.validator == "required":
        absent = [key for key in error.validator_value if key not in error.instance]
        missing = [key for key in absent if repr(key) in error.message]
        return [Problem(path, f"the key '{key}' is missing") for key in missing]
    return [Problem(path, error.message)]


def unknown(key: str, known: list[str]) -> str:
    """What to say about a key that nobody knows: the near one, or all of them."""
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(known)}"
    return f"unknown key '{key}'; {hint}"


def settings_of(plain: Mapping[str, Any]) -> Settings:
    """Settings from data that conforms to the settings schema."""
    return msgspec.convert(plain, Settings)


def prompt_of(plain: Mapping[str, Any], source: str) -> Prompt:
    """A regression prompt from data that conforms to the prompts schema; `source` is path:line."""
    return Prompt(
        id=plain["id"],
        kind="regression",
        protects=plain["protects"],
        messages=tuple(Message(role=m["role"], content=m["content"]) for m in plain["messages"]),
        expect=plain["expect"],
        reference=plain.get("reference"),
        source=source,
        tags=tuple(dict.fromkeys(plain.get("tags", ()))),
    )


def to_json(value: Any) -> bytes:
    """Indented JSON with a final newline. NaN cannot occur: values hold None where there is no number."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def run_json(run: Run) -> bytes:
    """run.json of a run, sealed: whoever edits a number in it afterwards is found out when it is read."""
    return to_json(msgspec.structs.replace(run, seal=_evidence_digest(msgspec.json.encode(run))))


def _evidence_digest(content: bytes) -> str:
    """Of what stands there, not of the types: a run that an older ftgate wrote has fewer keys."""
    plain = msgspec.json.decode(content)
    return digest({key: value for key, value in plain.items() if key not in _DERIVED})


def run_of(content: bytes, where: str) -> Run:
    """A run from the bytes of run.json. Raises InputError for anything but a sealed ftgate.run/1."""
    try:
        run = msgspec.json.decode(content, type=Run)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"{where}: not a readable run: {error}",
            advice="Delete the file and run the gate again, or name another directory with --out.",
        ) from error
    if run.schema != RUN_SCHEMA:
        raise InputError(
            f"{where}: schema is {run.schema!r}, this ftgate reads {RUN_SCHEMA!r}",
            advice="Use the ftgate version that wrote it, or run the gate again in a new directory.",
        )
    if run.seal != _evidence_digest(content):
        raise InputError(
            f"{where}: its evidence is not what was written: the seal does not match",
            advice="Somebody edited it. Run the gate again; what was trained and generated is reused.",
        )
    return run


UNREADABLE = (ValueError, KeyError, TypeError, RecursionError, msgspec.DecodeError)
"""What reading a sealed record may raise when it is damaged or forged."""


def foreign_run_of(content: bytes, where: str) -> Run:
    """A run that another machine wrote. Stricter than `run_of`: nothing unknown in it, and nothing nested deep."""
    if sum(content.count(mark) for mark in (b"[", b"{", b",")) > MOST_PARTS:
        raise InputError(f"{where}: not a run that this ftgate writes: it has more than {MOST_PARTS:,} parts")
    run = run_of(content, where)
    if problem := _strange(msgspec.json.decode(content), msgspec.to_builtins(run)):
        raise InputError(f"{where}: not a run that this ftgate writes: {problem}")
    return run


def jobs_of(text: str) -> dict[str, str]:
    """Results by job from `toJSON(needs)` of a workflow. Raises InputError for anything else."""
    try:
        return {name: job.result for name, job in msgspec.json.decode(text, type=dict[str, _Job]).items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"--jobs: not the results of a workflow's jobs: {error}",
            advice="Give it ${{ toJSON(needs) }}, by way of an environment variable.",
        ) from error


class CommentEvent(NamedTuple):
    """A comment that was just written under a pull request. The body is the event's, and proves nothing."""

    comment: int
    pull_request: int
    body: str


def comment_event_of(content: bytes, where: str) -> CommentEvent | None:
    """From the file of an issue_comment event; None when it is an edit, a deletion or about an issue.

    Raises InputError when it is no such event.
    """
    try:
        event = msgspec.json.decode(content, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"{where}: not an issue_comment event: {error}", advice="Run the bot on issue_comment only."
        ) from error
    if event.action != "created" or event.issue.pull_request is None:
        return None
    return CommentEvent(event.comment.id, event.issue.number, event.comment.body or "")


class _EventIssue(msgspec.Struct):
    number: int
    pull_request: dict[str, Any] | None = None


class _EventComment(msgspec.Struct):
    id: int
    body: str | None = None


class _Event(msgspec.Struct):
    action: str
    issue: _EventIssue
    comment: _EventComment


class _Job(msgspec.Struct):
    result: Literal["success", "failure", "cancelled", "skipped"]


def _strange(plain: Any, typed: Any) -> str:
    """The first key that the types do not have, or a nesting that no run has; empty when there is none."""
    left: list[tuple[int, Any, Any]] = [(0, plain, typed)]
    while left:
        depth, given, known = left.pop()
        if depth > DEEPEST:
            return f"nested deeper than {DEEPEST}"
        if isinstance(given, dict):
            if unknown_keys := [key for key in given if key not in known]:
                return f"unknown key {unknown_keys[0][:100]!r}"
            pairs = [(value, known[key]) for key, value in given.items()]
        else:
            pairs = list(zip(given, known, strict=True))
        left.extend((depth + 1, a, b) for a, b in pairs if a and isinstance(a, dict | list))
    return ""


def training_of(content: bytes) -> Training:
    """A stored training. Raises msgspec.DecodeError."""
    return msgspec.json.decode(content, type=Training)


def arm_of(content: bytes) -> ArmEvaluation:
    """A stored arm. Raises msgspec.DecodeError."""
    return msgspec.json.decode(content, type=ArmEvaluation)


def key_of(content: bytes, where: str) -> Key:
    """The key of a sheet of completions. Raises InputError."""
    return _read(content, Key, where)


def votes_of(content: bytes, where: str) -> Votes:
    """The votes that a sheet exported. Raises InputError."""
    return _read(content, Votes, where)


def _read(content: bytes, type: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(content, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"{where}: cannot be read: {error}", advice="Save it again from the page."
        ) from error


def baseline_of(content: bytes) -> Baseline:
    """A baseline record. Raises msgspec.DecodeError."""
    return msgspec.json.decode(content, type=Baseline)


def promotion_of(content: bytes) -> Promotion:
    """A line of the ledger. Raises msgspec.DecodeError."""
    return msgspec.json.decode(content, type=Promotion)


def sealed(value: Any) -> dict[str, Any]:
    """A record as plain data with the digest of its content: an edited number is found out when it is read."""
    plain = json.loads(msgspec.json.encode(value))
    return {"sha256": digest(plain), "content": plain}


def unsealed(content: bytes) -> bytes:
    """The content of a sealed record. Raises ValueError, KeyError, TypeError or RecursionError when it is not what
    was sealed."""
    plain: dict[str, Any] = json.loads(content)
    if digest(plain["content"]) != plain["sha256"]:
        raise ValueError("its content does not match its digest")
    return json.dumps(plain["content"]).encode()


def run_schema() -> dict[str, Any]:
    """JSON Schema of run.json, derived from the types that are written; schemas/run.schema.json holds it."""
    return _derived(Run, RUN_SCHEMA, "ftgate run")


def run_card_schema() -> dict[str, Any]:
    """JSON Schema of run-card.json; schemas/run-card.schema.json holds it."""
    return _derived(RunCard, RUN_CARD_SCHEMA, "ftgate run card")


def _derived(kind: type[Any], version: str, title: str) -> dict[str, Any]:
    derived = msgspec.json.schema(kind)
    derived["$defs"][kind.__name__]["properties"]["schema"] = {"const": version}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **derived}
