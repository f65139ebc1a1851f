"""Makes api.json.gz: of GitHub's description only the operations that the bench speaks, without prose.

    npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz
    python -m tests.github.contract.trim package/generated/api.github.com.json

The schemas become plain JSON Schema: `nullable` is spelled out, and `oneOf` is read as `anyOf`, because several
of GitHub's alternatives overlap.
"""

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.github.contract import DESCRIPTION, Schema
from tests.github.routes import ROUTES

_PROSE = {"description", "summary", "title", "example", "examples", "externalDocs", "tags", "deprecated"}
_PROSE |= {"operationId", "discriminator", "readOnly", "writeOnly", "nullable", "default", "xml"}
# GitHub takes a bare list of names too, as every client sends it; the description lost it.
_LOST: dict[tuple[str, str], Schema] = {
    ("POST", "/repos/{owner}/{repo}/issues/{issue_number}/labels"): {
        "type": "array",
        "items": {"type": "string"},
    }
}
_BY_NAME = ("properties", "patternProperties", "schemas")


def trimmed(whole: Schema) -> Schema:
    """The extract."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        operation = whole["paths"][route.template][route.method.lower()]
        made = _operation(whole, operation)
        if lost := _LOST.get((route.method, route.template)):
            made["requestBody"]["schema"]["anyOf"].append(lost)
        paths.setdefault(route.template, {})[route.method.lower()] = made
    wanted = {"basic-error"} | _named(paths)
    schemas: dict[str, Any] = {}
    while rest := sorted(wanted - set(schemas)):
        for name in rest:
            schemas[name] = _plain(whole["components"]["schemas"][name])
            wanted |= _named(schemas[name])
    return {
        "source": f"GitHub REST API description {whole['info']['version']}",
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def _operation(whole: Schema, operation: Schema) -> Schema:
    parameters = [_resolved(whole, each) for each in operation.get("parameters", ())]
    made: Schema = {
        "parameters": [
            {"name": p["name"], "in": p["in"], "schema": _plain(p["schema"])}
            for p in parameters
            if p["in"] in ("path", "query")
        ],
        "responses": {
            status: _content(_resolved(whole, each)) for status, each in operation["responses"].items()
        },
    }
    if body := operation.get("requestBody"):
        body = _resolved(whole, body)
        made["requestBody"] = {"required": body.get("required", False), "schema": _content(body)}
    return made


def _content(part: Schema) -> Schema | None:
    by_type = part.get("content", {})
    shown = next((by_type[kind] for kind in by_type if re.search(r"\bjson$", kind)), None)
    return None if shown is None else _plain(shown["schema"])


def _resolved(whole: Schema, part: Schema) -> Schema:
    while "$ref" in part:
        _, *path = part["$ref"].split("/")
        part = whole
        for name in path:
            part = part[name]
    return part


def _plain(schema: Any, *, names: bool = False) -> Any:
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if names:
        return {name: _plain(each) for name, each in schema.items()}
    made: Schema = {}
    for key, value in schema.items():
        if key in ("enum", "required"):
            made[key] = value
        elif key not in _PROSE and not key.startswith("x-"):
            made["anyOf" if key == "oneOf" else key] = _plain(value, names=key in _BY_NAME)
    return _nullable(made) if schema.get("nullable") else made


def _nullable(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _named(part: Any) -> set[str]:
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(part)))


if __name__ == "__main__":
    extract = json.dumps(trimmed(json.loads(Path(sys.argv[1]).read_text())), separators=(",", ":"))
    DESCRIPTION.write_bytes(gzip.compress(extract.encode(), mtime=0))
    print(f"{len(extract):,} bytes, {DESCRIPTION.stat().st_size:,} compressed")
