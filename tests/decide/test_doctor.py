"""What a set-up means: every way in which a gate looks mounted and does not block."""

from typing import Any

import pytest

from ftgate.decide.doctor import data, machine, repository
from ftgate.values.setup import (
    ACTIONS_APP,
    DataSetup,
    Diagnosis,
    MachineSetup,
    RepositorySetup,
    RequiredCheck,
    Sign,
    WorkflowFile,
)

SHA = "a" * 40
TRIGGERS = ("pull_request_target", "merge_group", "push", "issue_comment")
REQUIRED = RequiredCheck(name="gate / ftgate", app=ACTIONS_APP, source="ruleset 1")


def workflow(**changes: Any) -> WorkflowFile:
    fields: dict[str, Any] = {
        "path": ".github/workflows/ftgate.yml",
        "triggers": TRIGGERS,
        "filtered": (),
        "calls": (("gate", f"ftgate/ftgate/.github/workflows/gate.yml@{SHA}"),),
    }
    return WorkflowFile(**(fields | changes))


def setup(**changes: Any) -> RepositorySetup:
    fields: dict[str, Any] = {
        "name": "acme/bank",
        "branch": "main",
        "is_default": True,
        "is_private": False,
        "checks": (REQUIRED,),
        "workflows": (workflow(),),
    }
    return RepositorySetup(**(fields | changes))


def worst(found: list[Diagnosis]) -> Sign:
    return max((each.sign for each in found), key=list(Sign).index)


def said(**changes: Any) -> tuple[Sign, str]:
    found = list(repository(setup(**changes)))
    assert all(each.advice for each in found if each.sign is not Sign.OK)
    return worst(found), "\n".join(f"{each.what} {each.advice}" for each in found)


def test_a_gate_that_blocks_is_ok() -> None:
    assert said()[0] is Sign.OK
    assert said(merge_queue=True)[0] is Sign.OK
    own = workflow(calls=(("gate", "./.github/workflows/gate.yml"),))
    assert said(workflows=(own,))[0] is Sign.OK


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "not required": ({"checks": ()}, "nothing blocks"),
    "required under another name": (
        {"checks": (RequiredCheck(name="ftgate", app=ACTIONS_APP, source="x"),)},
        "no job is called that",
    ),
    "any source": ({"checks": (RequiredCheck(name="gate / ftgate", app=None, source="x"),)}, "any source"),
    "another app": ({"checks": (RequiredCheck(name="gate / ftgate", app=7, source="x"),)}, "app 7"),
    "no workflow": ({"workflows": ()}, "no workflow"),
    "another workflow": (
        {"workflows": (workflow(calls=(("a", f"x/y/.github/workflows/ci.yml@{SHA}"),)),)},
        "no workflow",
    ),
    "a tag": (
        {"workflows": (workflow(calls=(("gate", "ftgate/ftgate/.github/workflows/gate.yml@v1"),)),)},
        "Pin it",
    ),
    "no comments": (
        {"workflows": (workflow(triggers=("pull_request_target", "merge_group")),)},
        "issue_comment",
    ),
    "the pull request's own version": (
        {"workflows": (workflow(triggers=(*TRIGGERS, "pull_request")),)},
        "its own",
    ),
    "a filter": ({"workflows": (workflow(filtered=("pull_request_target",)),)}, "filters"),
    "a queue that waits": (
        {"merge_queue": True, "workflows": (workflow(triggers=("pull_request_target", "issue_comment")),)},
        "waits for ever",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_only_looks_like_a_gate(what: str) -> None:
    changes, words = BAD[what]
    sign, text = said(**changes)
    assert sign is Sign.BAD
    assert words in text


def test_strangers_workflows_on_the_runner_are_thought_of() -> None:
    assert said(fork_approval="all_external_contributors")[0] is Sign.OK
    sign, text = said(fork_approval="first_time_contributors")
    assert sign is Sign.WARN
    assert "settings/actions" in text


def test_what_to_click_is_named() -> None:
    text = said(checks=())[1]
    assert "https://github.com/acme/bank/settings/rules" in text
    assert '"gate / ftgate", source GitHub Actions' in text


def test_what_cannot_be_read_is_said_and_not_taken_for_granted() -> None:
    sign, text = said(unread=("branch protection of main (HTTP 403, needs an administrator)",))
    assert sign is Sign.WARN
    assert "administrator" in text
    assert said(is_default=False)[0] is Sign.BAD, "the check of another branch has its name"
    own = RequiredCheck(name="gate / ftgate (refs/heads/main)", app=ACTIONS_APP, source="x")
    assert said(is_default=False, checks=(own,))[0] is Sign.WARN


FINE = DataSetup(
    settings_path="ftgate.yaml",
    base_model="bundled:tiny",
    training=80,
    held_out=16,
    prompts=24,
    judge="m",
    has_judge_key=True,
)


@pytest.mark.parametrize(
    ("changes", "sign"),
    [
        ({}, Sign.OK),
        ({"prompts": 0}, Sign.BAD),
        ({"prompts": 19}, Sign.WARN),
        ({"prompts": 51}, Sign.OK),
        ({"held_out": 0}, Sign.BAD),
        ({"held_out": 5}, Sign.WARN),
        ({"held_out": 60}, Sign.WARN),
        ({"has_judge_key": False}, Sign.WARN),
        ({"training": 0, "held_out": 0}, Sign.BAD),
        ({"problem": "ftgate.yaml:3: unknown key"}, Sign.BAD),
    ],
)
def test_data(changes: dict[str, Any], sign: Sign) -> None:
    import msgspec

    assert worst(list(data(msgspec.structs.replace(FINE, **changes)))) is sign


PACKAGES = dict.fromkeys(("torch", "transformers", "peft", "trl", "bitsandbytes"), "1")
GPU = MachineSetup(gpus=("A100, 80 GB",), versions=PACKAGES, free_bytes=10**12, store="/s", cuda=True)


@pytest.mark.parametrize(
    ("changes", "model", "sign"),
    [
        ({}, "Qwen/Qwen3-8B", Sign.OK),
        ({"cuda": None}, "Qwen/Qwen3-8B", Sign.OK),
        ({"cuda": False}, "Qwen/Qwen3-8B", Sign.BAD),
        ({"gpus": ()}, "Qwen/Qwen3-8B", Sign.WARN),
        ({"gpus": ()}, "bundled:tiny", Sign.OK),
        ({"versions": {}}, "bundled:tiny", Sign.WARN),
        ({"gpus": (), "versions": {}, "cuda": None}, "hosted:gpt-4.1-mini", Sign.OK),
        ({"free_bytes": 10**9}, "Qwen/Qwen3-8B", Sign.WARN),
        ({"free_bytes": 10**9}, "bundled:tiny", Sign.OK),
        ({"held": {"trainings": 10**9}}, "Qwen/Qwen3-8B", Sign.OK),
        ({"held": {"trainings": 10**9, "exports": 10**12}}, "Qwen/Qwen3-8B", Sign.WARN),
    ],
)
def test_machine(changes: dict[str, Any], model: str, sign: Sign) -> None:
    import msgspec

    assert worst(list(machine(msgspec.structs.replace(GPU, **changes), model))) is sign


def test_every_command_that_is_advised_exists() -> None:
    from click import Context

    from ftgate.cli.main import cli

    for held_out, training in ((0, 0), (0, 10)):
        found = list(
            data(DataSetup(settings_path="ftgate.yaml", prompts=1, held_out=held_out, training=training))
        )
        assert "1 regression prompt" in [each.what for each in found]
        for words in [each.advice.split("ftgate ")[1].split() for each in found if "ftgate " in each.advice]:
            command = cli.get_command(Context(cli), words[0])
            assert command is not None
            command.make_context(words[0], words[1:])
    assert "ftgate split" in next(each.advice for each in found if each.sign is Sign.BAD)
