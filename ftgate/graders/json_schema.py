"""The completion is JSON that a JSON Schema accepts. Nothing is fetched: references stay in the schema."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, validator_for
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, UnknownDialect, specification_with

from ftgate.graders.base import failed, is_json, passed, show, show_type, strict_json
from ftgate.graders.patterns import linear_validator, pattern_problems
from ftgate.values.evaluation import Completion, Grade, Prompt

_NAMED = 5
_DEFAULT = "https://json-schema.org/draft/2020-12/schema"
# A registry of one's own retrieves nothing; without it, jsonschema fetches what `$ref` names.
_NOTHING_ELSE: Registry[Any] = Registry()


def problems(argument: Any) -> list[str]:
    """The argument is a schema (2020-12 unless `$schema` says otherwise) whose references can be followed."""
    if not isinstance(argument, Mapping):
        return [f"must be a schema (a mapping), not {show_type(argument)}"]
    if not argument:
        return ["is empty, which every JSON would satisfy; json_valid says so"]
    if not is_json(argument):
        return ["has a value that JSON cannot say (a date, for instance); put it in quotes"]
    if not isinstance(argument.get("$schema", ""), str):
        return [f"$schema: must be a text, not {show_type(argument['$schema'])}"]
    try:
        specification_with(argument.get("$schema", _DEFAULT))
        _dialect(argument).check_schema(dict(argument))
        return pattern_problems(argument) or _reference_problems(argument)
    except SchemaError as error:
        return [f"is no valid schema at {_pointer(error)}: {error.message}"]
    except UnknownDialect:
        return [f"has the unknown $schema {show(argument['$schema'])}"]
    except RecursionError:
        return ["refers to itself without end"]
    except ValueError as error:
        return [f"has an address that is none: {error}"]


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Every error counts; the reason names the first ones with their JSON Pointers."""
    try:
        value = strict_json(completion.text)
    except ValueError as error:
        return failed("json_schema", f"is not JSON: {error}")
    errors = sorted(
        _validator(argument).iter_errors(value), key=lambda error: (_pointer(error), error.message)
    )
    if not errors:
        return passed("json_schema", "matches the schema")
    named = "; ".join(f"{_pointer(error)}: {_message(error)}" for error in errors[:_NAMED])
    more = f"; and {len(errors) - _NAMED} more" if len(errors) > _NAMED else ""
    return failed("json_schema", named + more)


def _dialect(schema: Mapping[str, Any]) -> type[Validator]:
    return validator_for(schema, default=Draft202012Validator)


def _validator(schema: Mapping[str, Any]) -> Validator:
    linear: Validator = linear_validator(_dialect(schema))(schema, registry=_NOTHING_ELSE)
    return linear


def _reference_problems(schema: Mapping[str, Any]) -> list[str]:
    """References that lead out of the schema or to nothing in it, and a loop at its root."""
    resource = Resource.from_contents(schema, default_specification=DRAFT202012)
    registry = _NOTHING_ELSE.with_resource(resource.id() or "", resource).crawl()
    wrong = [
        f"refers to {show(reference)}, which is not in the schema; nothing else is read"
        for reference in sorted(set(_references(schema)))
        if not any(_resolves(registry, base, reference) for base in registry)
    ]
    if not wrong:
        list(_validator(schema).iter_errors(None))
    return wrong


def _resolves(registry: Registry[Any], base: str, reference: str) -> bool:
    try:
        registry.resolver(base).lookup(reference)
    except Unresolvable:
        return False
    return True


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        yield from (text for key in ("$ref", "$dynamicRef") if isinstance(text := schema.get(key), str))
    inner = (
        schema.values()
        if isinstance(schema, Mapping)
        else schema
        if isinstance(schema, (list, tuple))
        else ()
    )
    for value in inner:
        yield from _references(value)


def _pointer(error: ValidationError | SchemaError) -> str:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in error.absolute_path)
    return "".join(f"/{part}" for part in parts) or "the root"


def _message(error: ValidationError) -> str:
    # The vendor's message holds the whole instance, which may be long.
    return error.message if len(error.message) <= 200 else f"{error.message[:200]}…"
