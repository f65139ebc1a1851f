"""Which pull requests concern the gate."""

import pytest

from ftgate.decide.relevance import Relevance, relevance, select, training_paths
from ftgate.values.settings import DataSettings, Settings

SETTINGS = Settings(
    data=DataSettings(
        train=("data/**/*.jsonl",),
        held_out=("data/held_out.jsonl",),
        output_schema="schemas/reply.schema.json",
    ),
    regression=("regression/*.yaml",),
)
BEFORE = {
    path: f"100644 {number:040x}"
    for number, path in enumerate(
        [
            "README.md",
            "data/held_out.jsonl",
            "data/train/a.jsonl",
            "data/train/b.jsonl",
            "ftgate.yaml",
            "regression/intents.yaml",
            "schemas/reply.schema.json",
        ]
    )
}
CHANGED = "100644 " + "f" * 40


def of(**changes: str | None) -> Relevance:
    after = {path: identity for path, identity in (BEFORE | changes).items() if identity is not None}
    return relevance(SETTINGS, "ftgate.yaml", BEFORE, after)


def protected(found: Relevance) -> list[tuple[str, str, str]]:
    return [(file.path, file.role, file.change) for file in found.protected]


def test_nothing_changed() -> None:
    found = of()
    assert (found.applicable, found.changed, found.protected) == (False, (), ())
    assert found.why == "no training data changed (data/**/*.jsonl)"


def test_other_files_are_no_concern() -> None:
    assert not of(**{"README.md": CHANGED}).applicable


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("data/train/a.jsonl", CHANGED),
        ("data/train/c.jsonl", CHANGED),
        ("data/train/b.jsonl", None),
        ("data/train/deep/er.jsonl", CHANGED),
        ("data/train/link.jsonl", "120000 " + "e" * 40),
        ("data/train/a.jsonl", BEFORE["data/train/a.jsonl"].replace("100644", "120000")),
    ],
)
def test_training_files_concern_the_gate(path: str, identity: str | None) -> None:
    found = of(**{path: identity})
    assert (found.applicable, found.changed, found.protected) == (True, (path,), ())
    assert found.why == f"1 training file changed: {path}"


def test_a_held_out_file_under_a_wide_glob_stays_held_out() -> None:
    found = of(**{"data/held_out.jsonl": CHANGED})
    assert not found.applicable
    assert protected(found) == [("data/held_out.jsonl", "held-out set", "modified")]


def test_protected_files_are_named_with_role_and_change() -> None:
    found = of(
        **{
            "ftgate.yaml": CHANGED,
            "regression/intents.yaml": None,
            "regression/more.yaml": CHANGED,
            "schemas/reply.schema.json": CHANGED,
            "data/train/a.jsonl": CHANGED,
        }
    )
    assert found.changed == ("data/train/a.jsonl",)
    assert sorted(protected(found)) == [
        ("ftgate.yaml", "settings", "modified"),
        ("regression/intents.yaml", "regression prompts", "deleted"),
        ("regression/more.yaml", "regression prompts", "added"),
        ("schemas/reply.schema.json", "schema", "modified"),
    ]


def test_many_files_are_counted() -> None:
    found = of(**{f"data/train/n{number}.jsonl": CHANGED for number in range(5)})
    assert found.why.startswith("5 training files changed: data/train/n0.jsonl, ")
    assert found.why.endswith(" and 2 more")


def test_the_pull_request_that_introduces_the_gate() -> None:
    found = relevance(None, "ftgate.yaml", {}, {"ftgate.yaml": CHANGED, "data/train/a.jsonl": CHANGED})
    assert (found.applicable, found.changed) == (False, ())
    assert found.why == "the base branch has no ftgate.yaml; the gate takes effect once one is merged"
    assert protected(found) == [("ftgate.yaml", "settings", "added")]


def test_globs_are_gitignores() -> None:
    paths = ["a.jsonl", "data/a.jsonl", "data/x/b.jsonl", "data/skip.jsonl", "data/a.txt"]
    assert select(["*.jsonl"], paths) == ("a.jsonl", "data/a.jsonl", "data/skip.jsonl", "data/x/b.jsonl")
    assert select(["data/*.jsonl", "!data/skip.jsonl"], paths) == ("data/a.jsonl",)
    assert select(["/data/"], paths) == ("data/a.jsonl", "data/a.txt", "data/skip.jsonl", "data/x/b.jsonl")
    assert select([], paths) == ()


def test_training_paths_leave_out_what_is_protected() -> None:
    assert training_paths(SETTINGS, "ftgate.yaml", BEFORE) == ("data/train/a.jsonl", "data/train/b.jsonl")
