"""What is read of a repository's set-up: all shapes of rules and workflows, and what a token may not read."""

from typing import Any

import pytest

from ftgate.edges.github_rest import Refused, Rest
from ftgate.edges.github_setup import repository_setup, workflow_file
from ftgate.errors import OutsideError
from ftgate.values.setup import RequiredCheck

HOME = "/repos/acme/bank"
TARGET = ("pull_request_target",)
NONE = ["", "[]", "a: b: c", "{", "*x", "- 1", "a: &x [*x]", "jobs: 3\non: 3", "jobs: {a: 3, b: {uses: 4}}"]


class Told(Rest):
    """Answers by address; any other is forbidden."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__("")
        self.answers = answers

    def get(self, path: str, asked: dict[str, Any] | None = None) -> Any:
        if path not in self.answers:
            raise Refused(f"{path}: HTTP 403", 403)
        return self.answers[path]


def told(**answers: Any) -> Told:
    about = {"default_branch": "main", "private": False}
    return Told({HOME: about} | {f"{HOME}/{name}": answer for name, answer in answers.items()})


def test_what_may_not_be_read_is_named() -> None:
    setup = repository_setup(told(), "acme/bank", None)
    assert (setup.branch, setup.is_default, setup.checks, setup.workflows) == ("main", True, (), ())
    assert len(setup.unread) == 4


def test_rules_and_protection_are_read_together() -> None:
    rules = [
        {"type": "merge_queue", "parameters": {}},
        {
            "type": "required_status_checks",
            "ruleset_id": 5,
            "parameters": {"required_status_checks": [{"context": "gate / ftgate", "integration_id": 15368}]},
        },
    ]
    old = {"required_status_checks": {"contexts": ["a"], "checks": [{"context": "b", "app_id": -1}]}}
    oldest = {"required_status_checks": {"contexts": ["a"], "checks": []}}
    for protection, more in ((old, ("b", None)), (oldest, ("a", None))):
        answers = {"rules/branches/main": rules, "branches/main/protection": protection}
        setup = repository_setup(told(**answers), "acme/bank", "main")
        assert setup.merge_queue
        assert setup.checks[0] == RequiredCheck(name="gate / ftgate", app=15368, source="ruleset 5")
        assert (setup.checks[1].name, setup.checks[1].app) == more


def test_who_waits_for_an_approval() -> None:
    policy = {"approval_policy": "all_external_contributors"}
    setup = repository_setup(
        told(**{"actions/permissions/fork-pr-contributor-approval": policy}), "acme/bank", None
    )
    assert setup.fork_approval == "all_external_contributors"


@pytest.mark.parametrize("answer", [[], "text", None, 3])
def test_an_answer_that_is_no_repository_is_refused(answer: object) -> None:
    with pytest.raises(OutsideError):
        repository_setup(Told({HOME: answer}), "acme/bank", None)


@pytest.mark.parametrize(
    "listed", [None, {}, ["x"], [{}], [{"name": "a.yml"}], [{"name": "a.yml", "path": "a.yml"}]]
)
def test_a_listing_of_another_shape_is_said(listed: object) -> None:
    answers = {"contents/.github/workflows": listed, "contents/a.yml": {"content": "!"}}
    setup = repository_setup(told(**answers), "acme/bank", None)
    assert setup.workflows == () or setup.workflows[0].calls == ()


@pytest.mark.parametrize(
    ("text", "triggers", "filtered"),
    [
        ("on: push\njobs: {}", ("push",), ()),
        ("on: [push, merge_group]", ("push", "merge_group"), ()),
        (
            "on: {pull_request_target: {paths: [data/**]}, push: null}",
            ("pull_request_target", "push"),
            ("pull_request_target",),
        ),
        ("name: x", (), ()),
    ],
)
def test_triggers(text: str, triggers: tuple[str, ...], filtered: tuple[str, ...]) -> None:
    read = workflow_file("w.yml", text)
    assert read is not None
    assert (read.triggers, read.filtered) == (triggers, filtered)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "a: b: c", "{", "*x", "- 1", "a: &x [*x]", "jobs: 3\non: 3", "jobs: {a: 3, b: {uses: 4}}"],
)
def test_what_is_no_workflow_breaks_nothing(text: str) -> None:
    read = workflow_file("w.yml", text)
    assert read is None or read.calls == ()


def test_calls_carry_the_name_that_the_check_will_have() -> None:
    read = workflow_file(
        "w.yml", "on: push\njobs:\n  a: {name: gate, uses: x/y@z}\n  b: {uses: ./q}\n  c: {steps: []}\n"
    )
    assert read is not None
    assert read.calls == (("gate", "x/y@z"), ("b", "./q"))
