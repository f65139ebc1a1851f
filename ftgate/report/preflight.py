"""What the preflight saw: tokens, steps, memory, time and money, before anything is trained; the recipe folded."""

from collections.abc import Sequence

from ftgate.report.markdown import Section, details, paragraphs, table
from ftgate.report.origin import recipe_table
from ftgate.report.quote import code, prose
from ftgate.report.wording import count
from ftgate.values.preflight import Facts, LeftOut, Readiness
from ftgate.values.run import Run

_GIB = 2**30
_PLACES = 10
_NAMES = {"memory": "memory", "minutes": "time", "cost": "cost"}


def preflight_section(run: Run) -> Section | None:
    """A few lines; what would be left out, what is not known, and the recipe with its reasons are folded."""
    ready = run.preflight
    if ready is None:
        return None
    lines = "<br>".join(prose(line, 300) for line in _lines(ready))
    text = paragraphs("### Preflight", lines)
    folds = (
        _places("Examples that are not trained", ready.facts.left_out, ready.facts.dropped),
        _places("Examples that do not teach where to stop", ready.facts.endless, ready.facts.unstopped),
        details("Recipe, and why", paragraphs(_basis(ready), recipe_table(ready.recipe))),
    )
    return Section("preflight", 3, paragraphs(text, *folds), text)


def preflight_lines(ready: Readiness) -> list[str]:
    """The same for a terminal, with what is not known and the first places."""
    facts = ready.facts
    named = [f"{each.path}:{each.line} {each.reason}" for each in (*facts.left_out, *facts.endless)[:3]]
    return [
        *_lines(ready),
        *(f"{_NAMES.get(name, name)} not known: {why}" for name, why in ready.unknown.items()),
        *named,
    ]


def in_short(ready: Readiness) -> str:
    """One line, before training starts."""
    parts = [count(ready.facts.used, "example")] + ([count(ready.steps, "step")] if ready.steps else [])
    parts.append(f"about {ready.minutes.told} min" if ready.minutes else "time not known")
    if ready.cost is not None:
        parts.append(f"about {ready.cost.told} {ready.currency}")
    return f"{', '.join(parts)} on {ready.facts.hardware or ('the service' if ready.facts.hosted else 'this machine')}"


def _lines(ready: Readiness) -> list[str]:
    facts, recipe = ready.facts, ready.recipe
    if not ready.steps:
        steps = f"{count(recipe.epochs, 'epoch')}, steps are chosen by the service"
        return [_tokens(facts), steps, " · ".join(_estimates(ready))]
    steps = (
        f"{count(ready.steps, 'step')} of {count(recipe.step_examples, 'example')} ({ready.warmup_steps} warm-up), "
        f"{_method(ready)}, learning rate {recipe.learning_rate:g}"
    )
    return [_tokens(facts), steps, " · ".join(_estimates(ready))]


def _tokens(facts: Facts) -> str:
    about = "" if facts.exact else "about "
    share = f"{100 * facts.trained // facts.tokens} % of them trained" if facts.tokens else "none trained"
    size = f"{about}{facts.tokens:,} tokens, {share}; the longest {facts.basis.longest:,}"
    said = f"{count(facts.used, 'example')}, {size}"
    if facts.dropped:
        said += f"; {count(facts.dropped, 'example')} dropped"
    return said if facts.exact else f"{said} (estimated from bytes)"


def _method(ready: Readiness) -> str:
    recipe = ready.recipe
    if recipe.method == "full":
        return "all weights"
    return f"{recipe.method} r = {recipe.rank}"


def _estimates(ready: Readiness) -> list[str]:
    facts, said = ready.facts, []
    if ready.memory is not None:
        room = f" of {facts.basis.memory / _GIB:.0f}" if facts.basis.memory else ""
        said.append(f"about {ready.memory.total / _GIB:.1f}{room} GiB of GPU memory")
    if ready.minutes is not None:
        said.append(f"about {ready.minutes.told} min ({ready.minutes.source})")
    if ready.cost is not None:
        said.append(f"about {ready.cost.told} {ready.currency} ({ready.cost.source})")
    missing = [_NAMES.get(name, name) for name in ready.unknown]
    return said + ([f"{' and '.join(missing)} not known"] if missing else [])


def _basis(ready: Readiness) -> str:
    unknown = [
        prose(f"{_NAMES.get(name, name)} is not known: {why}", 200) for name, why in ready.unknown.items()
    ]
    memory = ready.memory
    if memory is not None:
        gib = [
            f"{each / _GIB:.1f}"
            for each in (memory.weights, memory.adapters, memory.activations, memory.reserve)
        ]
        unknown.insert(
            0,
            "Memory in GiB: weights {}, what is trained with its optimiser {}, activations {}, runtime {}".format(
                *gib
            ),
        )
    return "<br>".join(unknown)


def _places(title: str, named: Sequence[LeftOut], total: int) -> str:
    if not named:
        return ""
    body = [[code(f"{each.path}:{each.line}", 120), prose(each.reason, 200)] for each in named[:_PLACES]]
    more = total - len(body)
    return details(
        f"{title} ({total:,})",
        paragraphs(table(["where", "why"], body), f"and {more:,} more" if more > 0 else ""),
    )
