"""GitHub's own description of its API, as far as the bench speaks it: holds requests and answers to it.

`api.json.gz` is made by trim.py from the package @octokit/openapi (MIT, see LICENSE beside it).
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs

DESCRIPTION = Path(__file__).parent / "api.json.gz"
MOMENT = "2026-01-01T00:00:00Z"
# What GitHub answers everywhere without saying so for every operation.
EVERYWHERE = {401, 403, 404, 409, 410, 422, 429, 500, 502, 503}

Schema = dict[str, Any]


@cache
def description() -> Schema:
    """The trimmed description."""
    loaded: Schema = json.loads(gzip.decompress(DESCRIPTION.read_bytes()))
    return loaded


@cache
def _validator(schema: str) -> jsonschema_rs.Draft4Validator:
    whole = {**json.loads(schema), "components": description()["components"]}
    return jsonschema_rs.Draft4Validator(whole, validate_formats=True)


def misfits(schema: Schema, value: Any) -> list[str]:
    """What of a value does not fit a schema of the description, with pointers."""
    return [
        f"/{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
        for error in _validator(json.dumps(schema, sort_keys=True)).iter_errors(value)
    ]


def request(method: str, template: str, parameters: Mapping[str, str], query: str, body: Any) -> list[str]:
    """What is wrong with a request."""
    operation = description()["paths"][template][method.lower()]
    found: list[str] = []
    known = {("query", p["name"]): p for p in operation["parameters"] if p["in"] == "query"}
    known |= {("path", p["name"]): p for p in operation["parameters"] if p["in"] == "path"}
    given = [("path", *each) for each in parameters.items()]
    given += [("query", *each) for each in parse_qsl(query, keep_blank_values=True)]
    for place, name, text in given:
        described = known.get((place, name))
        if described is None:
            found.append(f"{place} parameter {name} is not described")
        else:
            schema = described["schema"]
            found += [f"{place} parameter {name}: {each}" for each in misfits(schema, _typed(schema, text))]
    wanted = operation.get("requestBody")
    if wanted is None:
        return found if body is None else [*found, "a body where none is described"]
    if body is None:
        return [*found, "the body is missing"] if wanted.get("required") else found
    return found + [f"body {each}" for each in misfits(wanted["schema"], body)]


def response(method: str, template: str, status: int, value: Any) -> list[str]:
    """What is wrong with an answer. `value` is the parsed JSON, None for an empty body."""
    responses = description()["paths"][template][method.lower()]["responses"]
    if str(status) not in responses:
        if status not in EVERYWHERE:
            return [f"status {status} is not described"]
        return misfits({"$ref": "#/components/schemas/basic-error"}, value)
    schema = responses[str(status)]
    if schema is None:
        return [] if value is None else [f"status {status} has no body"]
    return misfits(schema, value)


def _typed(schema: Schema, text: str) -> Any:
    types = [option.get("type") for option in (schema, *schema.get("anyOf", ()))]
    if "integer" in types and text.lstrip("-").isdigit():
        return int(text)
    return text == "true" if "boolean" in types and text in ("true", "false") else text


def made(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of a named shape: what is given, and for the rest that the shape requires, the least that fits.

    Raises KeyError where GitHub's description knows no such property.
    """
    filled: dict[str, Any] = _filled({"$ref": f"#/components/schemas/{name}"}, values)
    return filled


def _filled(schema: Schema, value: Any) -> Any:
    shape = _object(schema, value)
    if isinstance(value, list):
        items = next((s["items"] for s in _options(schema) if "items" in s), None)
        return [_filled(items, each) for each in value] if items else value
    if not isinstance(value, Mapping) or shape is None:
        return value
    known = shape.get("properties", {})
    if extra := set(value) - set(known):
        if not known or shape.get("additionalProperties"):
            return dict(value)
        raise KeyError(f"{schema.get('$ref', 'a shape')} has no {sorted(extra)}")
    required = [name for name in shape.get("required", ()) if name not in value]
    return {name: _filled(known[name], each) for name, each in value.items()} | {
        name: _least(known.get(name, {})) for name in required
    }


def _object(schema: Schema, value: Any) -> Schema | None:
    """The alternative that has the properties at hand."""
    objects = [
        option for option in _options(schema) if option.get("type") == "object" or "properties" in option
    ]
    keys = set(value) if isinstance(value, Mapping) else set()
    return next((o for o in objects if keys <= set(o.get("properties", {}))), objects[0] if objects else None)


def _options(schema: Schema) -> Iterator[Schema]:
    schema = _resolved(schema)
    if "allOf" in schema:
        parts = [next(_options(part)) for part in schema["allOf"]]
        merged: Schema = {"type": "object", "properties": {}, "required": []}
        for part in (schema, *parts):
            merged["properties"] |= part.get("properties", {})
            merged["required"] += part.get("required", [])
        yield merged
        return
    if "anyOf" not in schema:
        yield schema
    for option in schema.get("anyOf", ()):
        yield from _options(option)


def _resolved(schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _least(schema: Schema) -> Any:
    options = list(_options(schema))
    types = [t for option in options for t in _types(option)]
    if "null" in types or not types:
        return None
    first = next(option for option in options if option.get("type"))
    if "enum" in first:
        return first["enum"][0]
    if types[0] == "object":
        return _filled(first, {})
    if types[0] == "string":
        return {"date-time": MOMENT, "uri": "https://github.invalid/", "email": "a@example.invalid"}.get(
            first.get("format", ""), "0" * max(first.get("minLength", 0), 1)
        )
    return {"integer": 0, "number": 0, "boolean": False, "array": []}[types[0]]


def _types(option: Schema) -> list[str]:
    kind = option.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)
