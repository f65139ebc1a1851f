"""Examples as prompts: what the arms are asked beside the regression prompts, and what must come back."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ftgate.values.dataset import Example
from ftgate.values.evaluation import Kind, Prompt
from ftgate.values.settings import Settings

_FREE_WORDS = 8
"""A reference of more words is free text: two right answers need not be equal."""

OutputSchema = Mapping[str, object] | None


def held_out_prompts(examples: Iterable[Example], schema: OutputSchema, settings: Settings) -> list[Prompt]:
    """The held-out set as prompts. An example that stands twice in it is one question."""
    prompts = (example_prompt(example, "held-out", schema, settings) for example in examples)
    return list({prompt.id: prompt for prompt in prompts}.values())


def training_sample(examples: Sequence[Example], schema: OutputSchema, settings: Settings) -> list[Prompt]:
    """Training examples that the base is asked: those of the smallest digests, so that most stay when data is added."""
    asked = {e.digest: e for e in examples if e.prompt and e.reference}
    chosen = sorted(asked)[: settings.evaluation.base_sample]
    return [example_prompt(asked[digest], "training", schema, settings) for digest in chosen]


def example_prompt(example: Example, kind: Kind, schema: OutputSchema, settings: Settings) -> Prompt:
    """One example as a prompt. Its reply is graded field by field where it is a JSON object, by the judge where it is
    free text and there is one, and must equal the reference otherwise; `evaluation.held_out` says it differently."""
    reference = example.reference or ""
    return Prompt(
        id=f"{kind}-{example.digest[:12]}",
        kind=kind,
        protects=f"{kind} example",
        messages=example.prompt,
        expect=_expected(reference, schema, settings),
        reference=reference,
        source=f"{example.place.path}:{example.place.line}",
        group=example.group or None,
        tags=example.tags,
    )


def asks_judge(prompt: Prompt) -> bool:
    """Whether a judge has a say in the grade of this prompt."""
    negated = prompt.expect.get("not")
    return "judge" in prompt.expect or (isinstance(negated, Mapping) and "judge" in negated)


def sampled(prompts: Sequence[Prompt]) -> list[int]:
    """Places of the prompts that trained arms are asked again: regression prompts, where no judge can vote again
    instead."""
    return [
        place
        for place, prompt in enumerate(prompts)
        if prompt.kind == "regression" and not asks_judge(prompt)
    ]


def _expected(reference: str, schema: OutputSchema, settings: Settings) -> dict[str, object]:
    how = settings.evaluation.held_out
    fields = _fields(reference) if how == "auto" else None
    if fields:
        return {"json_fields": fields, **({"json_schema": schema} if schema else {})}
    free = settings.judge is not None and len(reference.split()) > _FREE_WORDS
    if how == "judge" or (how == "auto" and free):
        return {"judge": True}
    return {"equals": reference}


def _fields(reference: str) -> Mapping[str, object] | None:
    try:
        fields = msgspec.json.decode(reference)
    except msgspec.DecodeError:
        return None
    return fields if isinstance(fields, dict) else None
