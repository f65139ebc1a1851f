"""The grader JSON of OpenAI's Evals and fine-tuning, as expectations. Pure: a grader and an item in, `expect` out.

Shapes: string_check, text_similarity, score_model, label_model and multi, as in `openai.types.graders`. What changes on
the way is said by `notes`; what has no equal here is refused with a reason, never dropped.
"""

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ftgate.graders.similarity import METRICS

COMPLETION = "the completion"
_TEMPLATE = re.compile(r"\{\{([^{}]*)\}\}")
_STEP = re.compile(r"[^.\[\]]+")
_OUTPUT = "sample.output_text"
_JSON = "sample.output_json."
_SIMILAR = {"fuzzy_match": "fuzzy", **{name: name for name in METRICS}}


class Refused(ValueError):
    """A grader that cannot be translated; the message says which and why."""


class Demand(Struct, frozen=True, kw_only=True):
    """One entry of `expect`: a grader and what it is told; `negated` stands under `not`."""

    grader: str
    argument: Any
    negated: bool = False
    reference: str | None = None


def graders_of(plain: Any) -> list[Mapping[str, Any]]:
    """The graders of a file: one, a list of them, an eval with testing_criteria, or a job with a grader.

    Raises Refused when there is none.
    """
    if isinstance(plain, Mapping):
        if isinstance(plain.get("testing_criteria"), list):
            plain = plain["testing_criteria"]
        elif isinstance(plain.get("grader"), Mapping):
            plain = [plain["grader"]]
        elif "type" in plain:
            plain = [plain]
    if not isinstance(plain, list) or not plain or not all(isinstance(one, Mapping) for one in plain):
        raise Refused("holds no graders: neither testing_criteria, nor a grader, nor an object with a type")
    return plain


def demands(grader: Mapping[str, Any], item: Mapping[str, Any]) -> list[Demand]:
    """What a grader asks of the completion for one item. Raises Refused."""
    kind = grader.get("type")
    read = _SHAPES.get(str(kind))
    if kind == "python":
        raise _refused(
            grader, "runs code of its own; ftgate reads graders and runs none. Use regex, json_schema, ..."
        )
    if read is None:
        raise _refused(grader, f"has the unknown type {kind!r}; known are {', '.join(_SHAPES)}")
    return read(grader, item)


def notes(grader: Mapping[str, Any]) -> list[str]:
    """What is not the same here as it was there."""
    name, kind = grader.get("name", "?"), grader.get("type")
    if kind == "multi":
        return [text for inner in _inner(grader) for text in notes(inner)]
    if kind == "string_check" and grader.get("operation") in ("eq", "ne"):
        return [f"{name}: white space around the completion does not count here"]
    if kind in ("score_model", "label_model"):
        return [
            f"{name}: is a question to the judge of the settings (`judge.model`), which scores 1 to 5, "
            f"not to {grader.get('model', 'its model')}; its sampling parameters are left out"
        ]
    return []


def resolve(template: str, item: Mapping[str, Any], completion: str | None = None) -> str:
    """A template with its item.* values put in, and `completion` for the sample. Raises Refused for any other."""

    def value(match: re.Match[str]) -> str:
        path = match[1].strip()
        if path == _OUTPUT and completion is not None:
            return completion
        found = _lookup(path, item)
        return found if isinstance(found, str) else _json(found)

    return _TEMPLATE.sub(value, template)


def raw(template: str, item: Mapping[str, Any]) -> Any:
    """The value itself where a template is one variable and nothing else, else its text."""
    whole = _TEMPLATE.fullmatch(template.strip())
    return _lookup(whole[1].strip(), item) if whole else resolve(template, item)


def _string_check(grader: Mapping[str, Any], item: Mapping[str, Any]) -> list[Demand]:
    given, reference, operation = _text(grader, "input"), _text(grader, "reference"), grader.get("operation")
    if operation not in ("eq", "ne", "like", "ilike"):
        raise _refused(grader, f"has the unknown operation {operation!r}")
    if operation in ("eq", "ne") and _sampled(reference) and not _sampled(given):
        given, reference = reference, given
    if _sampled(reference):
        raise _refused(grader, "has the completion in its reference")
    negated = operation == "ne"
    subject = _variable(given)
    if subject.startswith(_JSON):
        field = subject.removeprefix(_JSON)
        if operation not in ("eq", "ne") or not field or len(_STEP.findall(field)) != 1:
            raise _refused(grader, f"looks within {subject}; json_fields compares whole fields of the object")
        return [Demand(grader="json_fields", argument={field: raw(reference, item)}, negated=negated)]
    if subject != _OUTPUT:
        raise _refused(grader, f"its input must be {{{{{_OUTPUT}}}}} and nothing else, not {given!r:.80}")
    text = resolve(reference, item)
    if not text.strip():
        raise _refused(grader, "compares with an empty text")
    if operation in ("eq", "ne"):
        return [Demand(grader="equals", argument=text, negated=negated, reference=None if negated else text)]
    argument: Any = {"all": [text], "ignore_case": True} if operation == "ilike" else text
    return [Demand(grader="contains", argument=argument)]


def _text_similarity(grader: Mapping[str, Any], item: Mapping[str, Any]) -> list[Demand]:
    metric = grader.get("evaluation_metric")
    if metric not in _SIMILAR:
        raise _refused(grader, f"measures by {metric}; known here are {', '.join(_SIMILAR)}")
    if _variable(_text(grader, "input")) != _OUTPUT:
        raise _refused(grader, f"its input must be {{{{{_OUTPUT}}}}} and nothing else")
    threshold = grader.get("pass_threshold")
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not 0 < threshold <= 1:
        raise _refused(grader, f"needs a pass_threshold above 0 and at most 1, not {threshold!r}")
    text = resolve(_text(grader, "reference"), item)
    argument = {"to": text, "metric": _SIMILAR[metric], "threshold": threshold}
    return [Demand(grader="similarity", argument=argument, reference=text)]


def _score_model(grader: Mapping[str, Any], item: Mapping[str, Any]) -> list[Demand]:
    low, high = _range(grader)
    threshold = grader.get("pass_threshold")
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not low <= threshold <= high:
        raise _refused(
            grader, f"needs a pass_threshold within its range {low:g} to {high:g}, not {threshold!r}"
        )
    share = (threshold - low) / (high - low)
    pass_score = min(5, max(2, 1 + math.ceil(4 * share - 1e-9)))
    criteria = f"{_messages(grader, item)}\n\nCorrectness 5 stands for {high:g} of these instructions, 1 for {low:g}."
    return [Demand(grader="judge", argument={"criteria": criteria, "pass_score": pass_score})]


def _label_model(grader: Mapping[str, Any], item: Mapping[str, Any]) -> list[Demand]:
    labels, passing = _texts(grader, "labels"), _texts(grader, "passing_labels")
    if not set(passing) <= set(labels):
        raise _refused(grader, "has passing_labels that are not among its labels")
    criteria = (
        f"{_messages(grader, item)}\n\nChoose one of these labels: {', '.join(labels)}. "
        f"Correctness is 5 when it is {' or '.join(passing)}, else 1."
    )
    return [Demand(grader="judge", argument={"criteria": criteria, "pass_score": 5})]


def _multi(grader: Mapping[str, Any], item: Mapping[str, Any]) -> list[Demand]:
    inner = _inner(grader)
    if not _is_product(str(grader.get("calculate_output", "")), [str(one.get("name")) for one in inner]):
        formula = str(grader.get("calculate_output"))[:80]
        raise _refused(
            grader,
            f"calculates {formula!r}; here every grader must pass, so only a product or min() of all of them fits",
        )
    return [demand for one in inner for demand in demands(one, item)]


def _inner(grader: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    inner = grader.get("graders")
    if isinstance(inner, Mapping) and "type" in inner:
        return [inner]
    if isinstance(inner, Mapping):
        inner = [{"name": name, **one} if isinstance(one, Mapping) else one for name, one in inner.items()]
        inner = [{**one, "name": name} for one, name in zip(inner, grader["graders"], strict=True)]
    if not isinstance(inner, list) or not inner or not all(isinstance(one, Mapping) for one in inner):
        raise _refused(grader, "has no graders")
    if any(one.get("type") == "multi" for one in inner):
        raise _refused(grader, "holds another multi grader")
    return inner


def _is_product(formula: str, wanted: Sequence[str]) -> bool:
    """Whether a formula is the product or the minimum of these names, each once: 1 only where all are."""
    try:
        tree = ast.parse(formula.strip()[:1_000], mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    found: list[str] = []

    def read(node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            found.append(node.id)
            return True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            return read(node.left) and read(node.right)
        is_min = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "min"
        return is_min and not node.keywords and all(map(read, node.args))  # type: ignore[attr-defined]

    return read(tree) and sorted(found) == sorted(wanted)


_SHAPES: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], list[Demand]]] = {
    "string_check": _string_check,
    "text_similarity": _text_similarity,
    "score_model": _score_model,
    "label_model": _label_model,
    "multi": _multi,
}


def _messages(grader: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    """The messages of a model grader as one instruction, the completion named where it would stand."""
    turns = grader.get("input")
    if not isinstance(turns, list) or not turns:
        raise _refused(grader, "has no input")
    parts = []
    for turn in turns:
        content = turn.get("content") if isinstance(turn, Mapping) else None
        pieces = content if isinstance(content, list) else [content]
        for piece in pieces:
            text = piece.get("text") if isinstance(piece, Mapping) else piece
            if not isinstance(text, str):
                raise _refused(grader, "has input that is no text (an image, audio)")
            parts.append(resolve(text, item, COMPLETION))
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _range(grader: Mapping[str, Any]) -> tuple[float, float]:
    bounds = grader.get("range") or [0, 1]
    if (
        not isinstance(bounds, list)
        or len(bounds) != 2
        or not all(isinstance(bound, (int, float)) and math.isfinite(bound) for bound in bounds)
        or not bounds[0] < bounds[1]
    ):
        raise _refused(grader, f"has the range {bounds!r:.60}; it must be two rising numbers")
    return float(bounds[0]), float(bounds[1])


def _lookup(path: str, item: Mapping[str, Any]) -> Any:
    root, _, rest = path.partition(".")
    if root != "item":
        raise Refused(f"{{{{{path}}}}} cannot be resolved here; item.* and {{{{{_OUTPUT}}}}} can")
    value: Any = item
    for step in _STEP.findall(rest):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise Refused(f"{{{{{path}}}}}: the item has no {step!r}")
    return value


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _variable(template: str) -> str:
    whole = _TEMPLATE.fullmatch(template.strip())
    return whole[1].strip() if whole else ""


def _sampled(template: str) -> bool:
    return any(name.strip().startswith("sample") for name in _TEMPLATE.findall(template))


def _text(grader: Mapping[str, Any], key: str) -> str:
    value = grader.get(key)
    if not isinstance(value, str):
        raise _refused(grader, f"has no text in {key!r}")
    return value


def _texts(grader: Mapping[str, Any], key: str) -> list[str]:
    value = grader.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(text, str) and text for text in value):
        raise _refused(grader, f"has no list of texts in {key!r}")
    return value


def _refused(grader: Mapping[str, Any], why: str) -> Refused:
    return Refused(f"grader {str(grader.get('name', '?'))!r:.80} ({grader.get('type')}): {why}")
