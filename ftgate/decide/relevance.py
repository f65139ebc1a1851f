"""Whether a pull request concerns the gate: which training and which protected files it changes.

Globs are those of the base branch, in .gitignore syntax: a pull request cannot move its files out of sight.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from ftgate.errors import SettingsError
from ftgate.values.run import Protected
from ftgate.values.settings import Settings

_NAMED = 3


class Relevance(Struct, frozen=True, kw_only=True):
    """`changed` are training files, sorted, deleted ones included; `why` is one sentence for a person."""

    applicable: bool
    why: str
    changed: tuple[str, ...]
    protected: tuple[Protected, ...]


def relevance(
    settings: Settings | None, settings_path: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Relevance:
    """What changed between two trees that the gate cares about.

    `before` (merge base) and `after` (head) map each path to its identity, "mode oid": a file that becomes
    executable or a symlink has changed. `settings` are the base branch's, None where it has none.
    """
    changes = _changes(before, after)
    roles = _roles(settings, settings_path, changes)
    protected = tuple(Protected(path=path, role=roles[path], change=changes[path]) for path in roles)
    if settings is None:
        why = f"the base branch has no {settings_path}; the gate takes effect once one is merged"
        return Relevance(applicable=False, why=why, changed=(), protected=protected)
    changed = training_paths(settings, settings_path, changes)
    if not training_paths(settings, settings_path, before.keys() | after.keys()):
        raise SettingsError(
            f"{settings_path}: data.train matches no file on either side: {', '.join(settings.data.train)}",
            advice="Correct the globs on the base branch, or merge it into this one: "
            "a gate that looks at nothing would be green for ever.",
        )
    return Relevance(
        applicable=bool(changed), why=_why(changed, settings), changed=changed, protected=protected
    )


def select(globs: Sequence[str], paths: Iterable[str]) -> tuple[str, ...]:
    """The paths that .gitignore-style globs match, sorted; no globs match nothing."""
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec.from_lines(globs)
    return tuple(sorted(path for path in paths if spec.match_file(path)))


def training_paths(settings: Settings, settings_path: str, paths: Iterable[str]) -> tuple[str, ...]:
    """The training files among paths: what `data.train` matches, less every protected file.

    A held-out file under a wide training glob stays held out.
    """
    paths = list(paths)
    protected = _roles(settings, settings_path, paths)
    return tuple(path for path in select(settings.data.train, paths) if path not in protected)


def _roles(settings: Settings | None, settings_path: str, paths: Iterable[str]) -> dict[str, str]:
    paths = list(paths)
    roles = {settings_path: "settings"} if settings_path in paths else {}
    if settings is None:
        return roles
    for schema in (settings.data.output_schema, settings.data.example_schema):
        if schema in paths and schema is not None:
            roles.setdefault(schema, "schema")
    for globs, role in (
        (settings.regression, "regression prompts"),
        (settings.data.held_out, "held-out set"),
    ):
        for path in select(globs, paths):
            roles.setdefault(path, role)
    return roles


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    changes = {}
    for path in sorted(before.keys() | after.keys()):
        if path not in before:
            changes[path] = "added"
        elif path not in after:
            changes[path] = "deleted"
        elif before[path] != after[path]:
            changes[path] = "modified"
    return changes


def _why(changed: Sequence[str], settings: Settings) -> str:
    if not changed:
        return f"no training data changed ({', '.join(settings.data.train)})"
    named = ", ".join(changed[:_NAMED])
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    files = "file" if len(changed) == 1 else "files"
    return f"{len(changed)} training {files} changed: {named}{more}"
