"""What a training would be, before it is one: facts of the tokenizer, the recipe, steps, memory, time and money.

Everything but the facts is made here from facts and settings, and can be made again on a machine without a tokenizer:
the verdict does so, and so a machine that trains can forge no estimate, limit or recipe.
"""

import math
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from ftgate.decide import estimate
from ftgate.decide.overfitting import FEWEST
from ftgate.decide.recipe import is_tiny, resolve
from ftgate.decide.recipe_sizes import FREE, GIB
from ftgate.values.dataset import Example
from ftgate.values.preflight import SHOWN, Facts, LeftOut, Memory, Readiness, Span
from ftgate.values.tokens import TokenSurvey
from ftgate.values.training import Recipe
from ftgate.values.training_settings import TrainingSettings

MOST = 10**15
"""No count of a preflight is larger: a forged one must not break arithmetic."""


def counted(facts: Facts, survey: TokenSurvey, examples: Sequence[Example], max_length: int) -> Facts:
    """The facts with what the survey says of each example: trained, dropped with its reason, or without an end."""
    refused = dict(survey.refused)
    rows = survey.rows or (1,) * len(survey.tokens)
    out: dict[int, str] = {}
    for index, (width, trained) in enumerate(zip(survey.widths, survey.trained, strict=True)):
        if index in refused:
            out[index] = refused[index]
        elif width > max_length:
            out[index] = f"has {width:,} tokens, {max_length:,} are trained"
        elif not trained:
            out[index] = "has no token that is trained"
    endless = [index for index in survey.unstopped if index not in out]
    used = [index for index in range(len(survey.tokens)) if index not in out]
    return replace(
        facts,
        tokens=sum(survey.tokens[index] for index in used),
        trained=sum(survey.trained[index] for index in used),
        rows=sum(rows[index] for index in used),
        dropped=len(out),
        unstopped=len(endless),
        left_out=tuple(_placed(examples[index], why) for index, why in list(out.items())[:SHOWN]),
        endless=tuple(
            _placed(examples[index], "ends a trained turn outside of the loss") for index in endless[:SHOWN]
        ),
        exact=survey.exact,
    )


def _placed(example: Example, reason: str) -> LeftOut:
    return LeftOut(path=example.place.path, line=example.place.line, reason=reason)


def readiness(facts: Facts, training: TrainingSettings) -> Readiness:
    """All that follows from the facts. Raises SettingsError where the settings contradict data or model."""
    recipe, limits = resolve(training, facts.base_model, facts.basis), training.preflight
    size = recipe.step_examples
    steps = math.ceil(facts.rows / size) * recipe.epochs if size > 0 else 0
    time = estimate.minutes(facts, recipe, limits.tokens_per_second)
    money = estimate.cost(facts, recipe, limits.prices, time)
    taken = _memory(facts, recipe)
    told = {"memory": taken, "minutes": time, "cost": money}
    return Readiness(
        facts=facts,
        recipe=recipe,
        limits=limits,
        steps=steps,
        warmup_steps=math.ceil(recipe.warmup * steps),
        memory=taken if isinstance(taken, Memory) else None,
        minutes=time if isinstance(time, Span) else None,
        cost=money if isinstance(money, Span) else None,
        currency=limits.prices.currency if limits.prices else "USD",
        unknown={
            name: why
            for name, why in told.items()
            if isinstance(why, str) and (name != "cost" or limits.prices)
        },
        hints=tuple(_hints(facts, recipe)),
    )


def _memory(facts: Facts, recipe: Recipe) -> Memory | str:
    if facts.hosted:
        return "it is the service's"
    return estimate.memory(
        facts.base_model, estimate.load_of(recipe, facts.basis.longest or recipe.max_length)
    )


def _hints(facts: Facts, recipe: Recipe) -> Iterator[str]:
    """What would be faster or better, and is a maintainer's to choose."""
    room, model = facts.basis.memory, facts.base_model
    if recipe.method == "qlora" and room and not is_tiny(model):
        load = estimate.load_of(recipe, facts.basis.longest or recipe.max_length)
        plain = estimate.memory(model, replace(load, method="lora"))
        if isinstance(plain, Memory) and plain.total <= FREE * room:
            size = f"{model.parameters / 1e9:.1f} billion weights" if model.parameters >= 1e8 else model.name
            yield (
                f"{size} in 16 bit fit into your {room / GIB:.0f} GiB (about {plain.total / GIB:.0f} GiB): "
                "training.method: lora is faster, as nothing is dequantised"
            )
    if recipe.strategy == "ddp" and recipe.processes > 1:
        yield f"{recipe.processes} processes save time, not memory: each holds the whole model"
    if recipe.keep == "best" and not facts.held_out:
        yield "there is no held-out set: the last weights are kept, as nothing says which are best"
    elif recipe.keep == "best" and facts.held_out < FEWEST and not facts.hosted:
        few = (
            "1 held-out example chooses"
            if facts.held_out == 1
            else f"{facts.held_out} held-out examples choose"
        )
        yield (
            f"{few} the best weights by chance rather than by loss, and fewer than {FEWEST} end no training that "
            "overfits: hold more out, or set training.keep: last"
        )
    if recipe.keep == "best" and recipe.evaluations < 4:
        yield f"the best weights are looked for {recipe.evaluations} times an epoch; four find better ones"


def sane(facts: Facts) -> bool:
    """Whether the numbers of a preflight from another machine can be counted with."""
    basis, shape = facts.basis, facts.base_model.shape
    counts = [facts.tokens, facts.trained, facts.rows, facts.dropped, facts.unstopped, facts.held_out]
    counts += [basis.examples, basis.tokens, basis.longest, basis.median, basis.memory or 0]
    counts += [facts.base_model.parameters, facts.base_model.max_length]
    counts += [
        getattr(shape, name) for name in ("hidden", "layers", "intermediate", "heads", "kv_heads", "head")
    ]
    counts += [shape.vocabulary, shape.experts]
    fast = facts.measured
    return (
        all(0 <= each <= MOST for each in counts)
        and (fast is None or (math.isfinite(fast) and 0 < fast <= MOST))
        and facts.dropped <= basis.examples
        and facts.unstopped <= facts.used
        and facts.trained <= facts.tokens <= basis.tokens
        and (facts.tokens > 0) == (facts.used > 0)
        and facts.used <= facts.rows <= facts.tokens
    )
