"""Grader JSON and items of OpenAI's Evals, read from files and written as regression prompts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import jiter
from msgspec import Struct

from ftgate.edges.yaml_files import Documents
from ftgate.errors import InputError
from ftgate.graders import problems
from ftgate.graders.expectation import NOT
from ftgate.graders.openai_shapes import Demand, Refused, demands, graders_of, notes, raw, resolve

_ROLES = {"developer": "system"}


class Imported(Struct, frozen=True, kw_only=True):
    """The YAML of the prompts, how many there are, what was refused, and what is not the same as before."""

    text: str
    prompts: int
    refused: tuple[str, ...]
    notes: tuple[str, ...]


class Asking(Struct, frozen=True, kw_only=True):
    """Where the messages come from when the files do not say, and what the prompts protect."""

    user: str | None = None
    system: str | None = None
    protects: str = ""


def import_graders(graders: Path, items: Path, asking: Asking) -> Imported:
    """Prompts for every item. Raises InputError for files that cannot be read, or hold no prompt that fits."""
    plain = _read_json(graders)
    try:
        found = graders_of(plain)
    except Refused as error:
        raise InputError(f"{graders}: {error}") from error
    prompts: list[dict[str, Any]] = []
    refused: dict[str, None] = {}
    said: dict[str, None] = {}
    for number, line, item in _items(items):
        try:
            messages = _messages(plain, item, asking)
            read = []
            for grader in found:
                try:
                    read += demands(grader, item)
                    said |= dict.fromkeys(notes(grader))
                except Refused as error:
                    refused[str(error)] = None
            protects = asking.protects or f"imported from {graders.name}"
            name = str(item["id"]) if str(item.get("id", "")).strip() else f"{items.stem}-{number}"
            prompts += _prompts("-".join(name.split())[:180], protects, messages, read)
        except Refused as error:
            raise InputError(
                f"{items}:{line}: {error}", advice="Say what is asked: --user '{{item.question}}'"
            ) from error
    return Imported(
        text=_yaml(prompts, items) if prompts else "",
        prompts=len(prompts),
        refused=tuple(refused),
        notes=tuple(said),
    )


def _prompts(
    name: str, protects: str, messages: list[dict[str, str]], read: Sequence[Demand]
) -> Iterator[dict[str, Any]]:
    """One prompt, or several where a grader is asked for twice: an expectation names each once."""
    packed: list[dict[str, Any]] = []
    for demand in read:
        home = next((one for one in packed if _fits(one["expect"], demand)), None)
        if home is None:
            suffix = f"-{len(packed) + 1}" if packed else ""
            home = {"id": name + suffix, "protects": protects, "messages": messages, "expect": {}}
            packed.append(home)
        told = home["expect"].setdefault(NOT, {}) if demand.negated else home["expect"]
        told[demand.grader] = demand.argument
        if demand.reference:
            home.setdefault("reference", demand.reference)
    yield from packed


def _fits(expect: Mapping[str, Any], demand: Demand) -> bool:
    told = expect.get(NOT, {}) if demand.negated else expect
    if demand.grader in told:
        return False
    trial = {**expect, NOT: dict(expect.get(NOT, {}))}
    (trial[NOT] if demand.negated else trial)[demand.grader] = demand.argument
    return not problems(trial if trial[NOT] else {key: trial[key] for key in trial if key != NOT})


def _messages(plain: Any, item: Mapping[str, Any], asking: Asking) -> list[dict[str, str]]:
    """What is asked: by the options, the item's own messages, or the input_messages of the run's data source."""
    if asking.user is not None:
        turns: Any = [{"role": "user", "content": asking.user}]
        if asking.system is not None:
            turns.insert(0, {"role": "system", "content": asking.system})
        return [_turn(turn, item, fill=True) for turn in turns]
    if isinstance(item.get("messages"), list) and item["messages"]:
        return [_turn(turn, item, fill=False) for turn in item["messages"]]
    source = plain.get("data_source", plain) if isinstance(plain, Mapping) else {}
    asked = source.get("input_messages") if isinstance(source, Mapping) else None
    if isinstance(asked, Mapping) and isinstance(asked.get("template"), list):
        return [_turn(turn, item, fill=True) for turn in asked["template"]]
    if isinstance(asked, Mapping) and isinstance(asked.get("item_reference"), str):
        turns = raw("{{" + asked["item_reference"] + "}}", item)
        if isinstance(turns, list) and turns:
            return [_turn(turn, item, fill=False) for turn in turns]
    raise Refused("nothing says what is asked: no messages in the item, no input_messages in the eval")


def _turn(turn: Any, item: Mapping[str, Any], *, fill: bool) -> dict[str, str]:
    content = turn.get("content") if isinstance(turn, Mapping) else None
    if isinstance(content, Mapping):
        content = content.get("text")
    if not isinstance(content, str):
        raise Refused("a message has no text")
    role = str(turn.get("role"))
    return {"role": _ROLES.get(role, role), "content": resolve(content, item) if fill else content}


def _items(path: Path) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    """Number from 1, line, and item: a line is {"item": {...}}, or the item itself."""
    number = 0
    for line, content in enumerate(_bytes(path).split(b"\n"), start=1):
        if not content.strip():
            continue
        try:
            value = jiter.from_json(content, catch_duplicate_keys=True, allow_inf_nan=False)
        except ValueError as error:
            raise InputError(f"{path}:{line}: not JSON: {error}") from error
        item = value.get("item", value) if isinstance(value, dict) else None
        if not isinstance(item, dict):
            raise InputError(f"{path}:{line}: an item is a JSON object")
        number += 1
        yield number, line, item
    if not number:
        raise InputError(f"{path}: holds no items")


def _yaml(prompts: list[dict[str, Any]], items: Path) -> str:
    """The text, read back: what is written is what the gate will read."""
    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.allow_unicode = True
    writer.width = 110
    stream = StringIO()
    # Through JSON, so that nothing is the same object twice and becomes an alias.
    for prompt in prompts:
        writer.dump([json.loads(json.dumps(prompt))], stream)
    Documents().prompts(f"{items} (as prompts)", stream.getvalue().encode())
    return stream.getvalue()


def _read_json(path: Path) -> Any:
    try:
        return jiter.from_json(_bytes(path), catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
