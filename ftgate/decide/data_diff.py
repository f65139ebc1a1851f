"""What a pull request does to the examples, matched by content instead of by line."""

from collections.abc import Callable, Iterable, Sequence

from ftgate.values.dataset import Example, plain_messages
from ftgate.values.digest import digest
from ftgate.values.run import DataDiff, Sample

SAMPLES = 5


def data_diff(before: Sequence[Example], after: Sequence[Example]) -> DataDiff:
    """Counts and samples of added, removed and changed examples; equal examples on other lines are no change."""
    old = _by_prompt(before)
    had, has = {e.digest for e in before}, {e.digest for e in after}
    gone, come = had - has, has - had
    changed = [e for e in after if e.digest in come and _replaces(old.get(_prompt(e)), gone)]
    replaced = {_prompt(e) for e in changed}
    added = [e for e in after if e.digest in come and _prompt(e) not in replaced]
    removed = [e for e in before if e.digest in gone and _prompt(e) not in replaced]
    return DataDiff(
        before=len(before),
        after=len(after),
        added=len(added),
        removed=len(removed),
        changed=len(changed),
        samples={
            "added": _samples(added),
            "removed": _samples(removed),
            "changed": _samples(changed, lambda e: _reply(old[_prompt(e)][0])),
        },
    )


def _by_prompt(examples: Iterable[Example]) -> dict[str, list[Example]]:
    found: dict[str, list[Example]] = {}
    for example in examples:
        found.setdefault(_prompt(example), []).append(example)
    return found


def _replaces(old: Sequence[Example] | None, gone: set[str]) -> bool:
    return any(example.digest in gone for example in old or ())


def _prompt(example: Example) -> str:
    return digest(plain_messages(example.prompt))


def _reply(example: Example) -> str:
    return example.reference or ""


def _samples(
    examples: Sequence[Example], before: Callable[[Example], str] | None = None
) -> tuple[Sample, ...]:
    return tuple(
        Sample(
            place=f"{example.place.path}:{example.place.line}",
            prompt=example.user_text,
            reply=_reply(example),
            before=before(example) if before else None,
        )
        for example in examples[:SAMPLES]
    )
