"""What the preflight says of a pull request. Nothing is trained that it fails.

Where a limit can be compared with an estimate that has a width, it fails when even the low end is above the limit, and
is undecided while only the high end is. A limit on something that is not known is undecided, too: it was set so that
nobody pays or waits for more, and training anyway would be a pass that nobody gave. What is counted from bytes instead
of tokens warns where it would fail.
"""

from collections.abc import Callable
from datetime import date

from ftgate.decide.recipe import FULL_LEARNING_RATE, LEARNING_RATE, TINY_LEARNING_RATE, is_tiny
from ftgate.decide.recipe_sizes import GIB
from ftgate.decide.rulings import Ruling, Rulings, count, fail, note, rank, unsure, warn
from ftgate.decide.waivers import waived
from ftgate.values.preflight import Readiness
from ftgate.values.run import Run, VerdictOutcome

STAGE = "preflight"
PRICES_AGE = 180
"""Days after which prices are told to be old."""
FULL_MOST = 5 * FULL_LEARNING_RATE
"""Learning rate of full fine-tuning above which it is an adapter's: ten times lower is best (LoRA Without Regret)."""
ADAPTER_MOST = 10 * LEARNING_RATE
ADAPTER_LEAST = LEARNING_RATE / 10
_OF_TINY = TINY_LEARNING_RATE / LEARNING_RATE  # by which all of these are higher for a tiny model

_Says = Callable[[str, str, str], Ruling]


def preflighted(run: Run) -> Rulings:
    """Everything that the preflight of a run says; nothing where there is none."""
    if run.preflight is None:
        return
    yield from _examples(run.preflight)
    yield from _learning(run.preflight)
    yield from _template(run.preflight)
    yield from _memory(run.preflight)
    yield from _ceilings(run.preflight)
    yield from _prices(run.preflight)
    for hint in run.preflight.hints:
        yield note(STAGE, "preflight.hint", hint)


def halts(run: Run) -> bool:
    """Whether the preflight forbids training: it fails or is undecided, and nobody waived it."""
    return any(rank(ruling.reason.decides) for ruling in _standing(run))


def outcome(run: Run) -> VerdictOutcome:
    """The worst that the preflight says, after waivers."""
    decided = [ruling.reason.decides for ruling in _standing(run)]
    return max(decided, key=rank, default=VerdictOutcome.PASS)


def _standing(run: Run) -> list[Ruling]:
    return [ruling for ruling in waived(run, preflighted(run)) if ruling.stage == STAGE]


def _examples(ready: Readiness) -> Rulings:
    facts, limits = ready.facts, ready.limits
    says: _Says = fail if facts.exact else warn
    if not facts.used:
        text = f"not one of {count(facts.basis.examples, 'example')} can be trained{_first(ready)}"
        yield fail(STAGE, "preflight.empty", text)
        return
    if facts.dropped:
        share = facts.dropped / facts.basis.examples
        text = (
            f"{facts.dropped} of {count(facts.basis.examples, 'example')} would be dropped ({share:.1%}), the settings "
            f"accept {limits.max_dropped:.1%}{_first(ready)}"
        )
        over = share > limits.max_dropped
        yield (says if over else warn)(STAGE, "preflight.dropped", text)
    if facts.trained < limits.min_trained * facts.tokens or not facts.trained:
        text = f"{facts.trained:,} of {facts.tokens:,} tokens carry loss, the settings want {limits.min_trained:.1%}"
        yield says(STAGE, "preflight.untrained", text)
    if facts.unstopped:
        where = facts.endless[0] if facts.endless else None
        first = f", first at {where.path}:{where.line}" if where else ""
        text = (
            f"{count(facts.unstopped, 'example')} would not teach where to stop: the end of a trained turn carries no "
            f"loss{first}; the model would go on for ever"
        )
        yield says(STAGE, "preflight.stop-token", text)


def _first(ready: Readiness) -> str:
    if not ready.facts.left_out:
        return ""
    first = ready.facts.left_out[0]
    return f", first at {first.path}:{first.line}: {first.reason}"


def _learning(ready: Readiness) -> Rulings:
    recipe, limits = ready.recipe, ready.limits
    if recipe.method == "qlora" and recipe.strategy == "fsdp" and recipe.quant_storage == "uint8":
        text = (
            "FSDP cannot shard 4-bit weights that are stored as uint8: it crashes, or trains at a loss of 0"
        )
        yield fail(STAGE, "preflight.storage", text)
    if not ready.facts.used or recipe.step_examples <= 0:
        return
    if ready.steps < limits.min_steps:
        text = (
            f"{count(ready.facts.used, 'example')} in steps of {recipe.step_examples} for "
            f"{count(recipe.epochs, 'epoch')} are {count(ready.steps, 'step')}, too few to learn: "
            f"the settings want {limits.min_steps}"
        )
        yield fail(STAGE, "preflight.steps", text)
    if recipe.warmup and ready.warmup_steps >= ready.steps:
        text = f"the warm-up takes {ready.warmup_steps} of {ready.steps} steps: the learning rate is never reached"
        yield fail(STAGE, "preflight.schedule", text)
    elif recipe.warmup > 0.5:
        yield fail(
            STAGE, "preflight.schedule", f"the warm-up takes {recipe.warmup:.0%} of the steps, over a half"
        )
    yield from _rate(ready)


def _rate(ready: Readiness) -> Rulings:
    if ready.facts.hosted:
        return
    recipe, rate = ready.recipe, ready.recipe.learning_rate
    scale = _OF_TINY if is_tiny(ready.facts.base_model) else 1.0
    if recipe.method == "full" and rate > scale * FULL_MOST:
        text = (
            f"is an adapter's: full fine-tuning at more than {scale * FULL_MOST:g} forgets what the base can"
        )
        yield fail(STAGE, "preflight.schedule", f"a learning rate of {rate:g} {text}")
    elif recipe.method != "full" and rate > scale * ADAPTER_MOST:
        text = f"is over ten times what adapters are trained at ({scale * LEARNING_RATE:g}): it diverges"
        yield fail(STAGE, "preflight.schedule", f"a learning rate of {rate:g} {text}")
    elif recipe.method != "full" and rate < scale * ADAPTER_LEAST:
        text = f"is one of full fine-tuning: adapters learn next to nothing below {scale * ADAPTER_LEAST:g}"
        yield warn(STAGE, "preflight.schedule", f"a learning rate of {rate:g} {text}")


def _template(ready: Readiness) -> Rulings:
    facts = ready.facts
    if not facts.template_before or facts.template_before == facts.basis.template:
        return
    text = f"the chat template is another one than that of the baseline {facts.template_of}"
    if facts.pinned:
        yield warn(STAGE, "preflight.template", f"{text}; whatever serves the model has to use the new one")
    else:
        yield fail(
            STAGE, "preflight.template", f"{text}, and nobody chose that: base_revision pins no revision"
        )


def _memory(ready: Readiness) -> Rulings:
    """Weights that do not fit are certain; the rest is an estimate, and the trainer halves its batches itself."""
    room, need = ready.facts.basis.memory, ready.memory
    if room is None or need is None:
        return
    told = f"about {need.total / GIB:.1f} GiB of memory are needed, one GPU has {room / GIB:.1f} GiB"
    if need.weights + need.adapters > room:
        yield fail(STAGE, "preflight.memory", f"{told}; weights and optimiser alone do not fit")
    elif need.total > room:
        yield warn(STAGE, "preflight.memory", f"{told}; it is likely to run out")


def _ceilings(ready: Readiness) -> Rulings:
    limits, memory = ready.limits, ready.memory
    if limits.max_memory_gib is not None and not ready.facts.hosted:
        if memory is None:
            yield _unchecked(ready, "memory", f"{limits.max_memory_gib:g} GiB")
        elif memory.total > limits.max_memory_gib * GIB:
            need = f"about {memory.total / GIB:.1f} GiB of one GPU are needed"
            text = f"{need}, the settings accept {limits.max_memory_gib:g}"
            yield fail(STAGE, "preflight.memory", text)
    for name, limit, span, unit in (
        ("minutes", limits.max_minutes, ready.minutes, "minutes"),
        ("cost", limits.max_cost, ready.cost, ready.currency),
    ):
        if limit is None:
            continue
        if span is None:
            yield _unchecked(ready, name, f"{limit:g} {unit}")
        elif span.low > limit:
            text = (
                f"one training takes about {span.told} {unit} ({span.source}), the settings accept {limit:g}"
            )
            yield fail(STAGE, f"preflight.{name}", text)
        elif span.high > limit:
            text = (
                f"one training takes {span.told} {unit} ({span.source}), and the settings accept {limit:g}: which "
                "of them it will be is not known; training.preflight.tokens_per_second narrows it down"
            )
            yield unsure(STAGE, "preflight.unchecked", text)


def _unchecked(ready: Readiness, name: str, limit: str) -> Ruling:
    why = ready.unknown.get(name, "it is not known")
    return unsure(STAGE, "preflight.unchecked", f"the ceiling of {limit} cannot be checked: {why}")


def _prices(ready: Readiness) -> Rulings:
    prices = ready.limits.prices
    if prices is None:
        return
    try:
        age = (date.fromisoformat(ready.facts.day[:10]) - date.fromisoformat(prices.as_of)).days
    except ValueError:
        yield warn(STAGE, "preflight.prices", f"the age of the prices as of {prices.as_of} is not known")
        return
    if age > PRICES_AGE:
        text = f"the prices are as of {prices.as_of}, {age} days ago: look them up again (training.preflight.prices)"
        yield warn(STAGE, "preflight.prices", text)
    elif age < -1:
        yield warn(STAGE, "preflight.prices", f"the prices are as of {prices.as_of}, which is still to come")
