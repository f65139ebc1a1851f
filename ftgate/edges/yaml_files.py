"""YAML and JSON that maintainers write: lines kept, duplicate keys refused, every problem reported at once."""

import json
from collections.abc import Iterator, Mapping
from importlib import resources
from io import StringIO
from typing import Any

import jiter
import msgspec
from msgspec.structs import replace

from ftgate import wire
from ftgate.checks import CHECKS
from ftgate.decide.recipe_contradictions import contradictions
from ftgate.edges.example_schema import ExampleSchema
from ftgate.errors import SettingsError
from ftgate.graders import faults
from ftgate.graders.expectation import too_deep
from ftgate.graders.patterns import pattern_problems
from ftgate.values.evaluation import Prompt
from ftgate.values.settings import Settings

Path = tuple[str | int, ...]
_LARGEST = 10_000_000  # bytes of a file that a person writes


class Documents:
    """Port Documents over ruamel.yaml (YAML 1.2) and the schemas in schemas/."""

    def settings(self, path: str, content: bytes) -> Settings:
        plain, lines, found = _load(path, content)
        if not found and not isinstance(plain, Mapping):
            found = [wire.Problem((), "settings are a mapping of keys; see `ftgate init`")]
        if isinstance(plain, Mapping):
            found += wire.problems(plain, "settings")
            found += [
                wire.Problem(("checks", name), _no_check(str(name)))
                for name in _mapping(plain.get("checks"))
                if name not in CHECKS
            ]
        _refuse(path, lines, found)
        try:
            read = wire.settings_of(plain)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{path}: {error}", advice="Write whole numbers without a point.") from error
        said = [wire.Problem(("training", *key), why) for key, why in contradictions(read.training)]
        _refuse(path, lines, said)
        return read

    def probes(self) -> tuple[Prompt, ...]:
        content = (resources.files("ftgate") / "probes.yaml").read_bytes()
        return tuple(replace(prompt, kind="probe") for prompt in self.prompts("probes.yaml", content))

    def prompts(self, path: str, content: bytes) -> tuple[Prompt, ...]:
        if path.endswith(".jsonl"):
            plain, lines, found = _load_lines(path, content)
        else:
            plain, lines, found = _load(path, content)
        if not found:
            found = _prompt_problems(plain)
        _refuse(path, lines, found)
        return tuple(
            wire.prompt_of(prompt, f"{path}:{lines.get((index,), 0)}") for index, prompt in enumerate(plain)
        )

    def json_schema(self, path: str, content: bytes) -> Mapping[str, object]:
        from jsonschema import Draft202012Validator, SchemaError

        try:
            schema = json.loads(content)
            Draft202012Validator.check_schema(schema)
        except (ValueError, RecursionError) as error:
            raise SettingsError(f"{path}: not JSON: {error}") from error
        except SchemaError as error:
            raise SettingsError(f"{path}: not a JSON Schema: {error.message}") from error
        if not isinstance(schema, dict):
            raise SettingsError(f"{path}: a schema that accepts everything or nothing is of no use here")
        if wrong := pattern_problems(schema):
            raise SettingsError("\n".join(f"{path}: {text}" for text in wrong))
        return schema

    def example_schema(self, path: str, content: bytes) -> ExampleSchema:
        return ExampleSchema(path, content)


def _no_check(name: str) -> str:
    if name == "existing":  # whether old findings block is said beside the checks, not among them
        return "unknown key 'existing'; did you mean policy.existing?"
    return wire.unknown(name, list(CHECKS))


def _prompt_problems(plain: Any) -> list[wire.Problem]:
    """What the schema says of the prompts, and what the graders say of their expectations.

    Both describe an expectation; where the graders have something to say, they say it in their own words.
    """
    listed = plain if isinstance(plain, list) else []
    # An expectation that is too deep for the schema's validator is left to the graders.
    shallow = [_without_expectation(p) if too_deep(p) else p for p in listed] or plain
    said = list(_meaning(plain))
    told = {problem.path[:2] for problem in said}
    by_schema = wire.problems(shallow, "prompts")
    return said + [p for p in by_schema if not (p.path[1:2] == ("expect",) and p.path[:2] in told)]


def _without_expectation(prompt: Any) -> Any:
    return {**prompt, "expect": {"equals": "x"}} if isinstance(prompt, Mapping) else {}


def _meaning(plain: Any) -> Iterator[wire.Problem]:
    """What the schema cannot see: ids used twice, graders that do not exist, expectations that cannot be met."""
    seen: set[str] = set()
    for index, prompt in enumerate(plain if isinstance(plain, list) else ()):
        if not isinstance(prompt, Mapping):
            continue
        if isinstance(prompt.get("id"), str):
            if prompt["id"] in seen:
                yield wire.Problem((index, "id"), f"the id '{prompt['id']}' is used twice")
            seen.add(prompt["id"])
        if isinstance(prompt.get("expect"), Mapping):
            for path, text in faults(prompt["expect"]):
                yield _placed((index, "expect", *path), text, prompt["expect"])


def _placed(path: Path, text: str, expect: Any) -> wire.Problem:
    """A problem at the option that its text begins with, where the grader has one of this name."""
    told = expect
    for key in path[2:]:
        told = told.get(key) if isinstance(told, Mapping) else None
    option, colon, rest = text.partition(": ")
    if colon and isinstance(told, Mapping) and option in told:
        return wire.Problem((*path, option), rest)
    return wire.Problem(path, text)


def _refuse(path: str, lines: Mapping[Path, int], found: list[wire.Problem]) -> None:
    if not found:
        return
    texts = sorted(
        {(_line(lines, p.path), f"{p.where}: {p.message}" if p.path else p.message) for p in found}
    )
    raise SettingsError(
        "\n".join(f"{path}:{line}: {text}" for line, text in texts),
        advice=f"Correct {path} in the branch that it is read from; `ftgate validate` checks it.",
    )


def _line(lines: Mapping[Path, int], path: Path) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _load_lines(path: str, content: bytes) -> tuple[Any, dict[Path, int], list[wire.Problem]]:
    plain: list[Any] = []
    lines: dict[Path, int] = {}
    found: list[wire.Problem] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            plain.append(jiter.from_json(line, catch_duplicate_keys=True, allow_inf_nan=False))
        except ValueError as error:
            raise SettingsError(f"{path}:{number}: not JSON: {error}") from error
        lines[(len(plain) - 1,)] = number
    _writable(path, plain)
    return plain, lines, found


def _load(path: str, content: bytes) -> tuple[Any, dict[Path, int], list[wire.Problem]]:
    """Plain data, the 1-based line of every key and item, and the duplicate keys."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(content) > _LARGEST:
        raise SettingsError(f"{path}: larger than {_LARGEST:,} bytes")
    try:
        text = content.decode("utf-8-sig")
        reader = YAML(typ="safe", pure=True)
        reader.Constructor = _as_written()
        reader.allow_duplicate_keys = True
        if any(token.id == "<alias>" for token in reader.scan(StringIO(text))):
            raise SettingsError(f"{path}: YAML aliases (*name) are not read; write the value out")
        lines: dict[Path, int] = {}
        found = list(_walk(reader.compose(StringIO(text)), (), lines, set()))
        plain = reader.load(StringIO(text))
        _writable(path, plain)
        return plain, lines, found
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8: {error.reason} at byte {error.start}") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"{path}:{line}: {error.problem or 'not YAML'}") from error
    except (YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise SettingsError(f"{path}: not usable YAML: {str(error)[:200] or type(error).__name__}") from error


def _as_written() -> Any:
    """YAML takes a bare 2026-11-01 for a date, and fails without a line at 2026-02-30: whoever writes a day means what
    stands there."""
    from ruamel.yaml.constructor import SafeConstructor

    class AsWritten(SafeConstructor):
        pass

    AsWritten.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
    return AsWritten


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _writable(path: str, plain: Any) -> None:
    """Half a surrogate pair could be read, compared and trained on, and then written nowhere."""
    try:
        json.dumps(plain, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise SettingsError(
            f"{path}: holds half a character (a lone surrogate): {error.object[error.start - 20 : error.start]!r}"
        ) from error


def _walk(node: Any, path: Path, lines: dict[Path, int], above: set[int]) -> Iterator[wire.Problem]:
    if node is None or id(node) in above:
        return
    lines.setdefault(path, node.start_mark.line + 1)
    if (
        node.id == "scalar"
        and node.tag.endswith(":float")
        and node.value.lower().lstrip("+-") in (".nan", ".inf")
    ):
        yield wire.Problem(path, f"{node.value} is no number to decide by")
    above = above | {id(node)}
    if node.id == "sequence":
        for index, item in enumerate(node.value):
            yield from _walk(item, (*path, index), lines, above)
    if node.id == "mapping":
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = str(key.value)
            if name in seen:
                yield wire.Problem(
                    (*path, name), f"the key '{name}' stands twice (first on line {seen[name]})"
                )
            seen[name] = line
            lines[(*path, name)] = line
            yield from _walk(value, (*path, name), lines, above)
