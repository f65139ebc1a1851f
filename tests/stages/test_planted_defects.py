"""The planted defects of an end-to-end validator: each is there, is found, and ends in the verdict that it deserves.

Samples, probes and the base's sample are switched on here. Defects that other tests plant are named in a table, which
fails when such a test is gone.
"""

import ast
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.decide.past import outcomes
from ftgate.ports import CompletionJob, Progress, TrainingJob
from ftgate.stages.pipeline import gate
from ftgate.values.evaluation import Arm, Prompt
from ftgate.values.run import Request, Run
from ftgate.values.training import Training
from tests.builders import SETTINGS, TOPICS, base_files, lines, pairs
from tests.decide.test_drift import promoted
from tests.edges.judge_server import JudgeServer, judging
from tests.fakes import FakeRepository, FakeTrainer, FakeWorld
from tests.stages import test_judges

ROOT = Path(__file__).parent.parent.parent
REQUEST = Request(base="main", head="head")
SWITCHED_ON = SETTINGS.replace(
    "{samples: 0, base_sample: 0, probes: false}", "{samples: 3, base_sample: 20, probes: true}"
)
PIPELINE, JUDGES = "tests/stages/test_pipeline.py::", "tests/stages/test_judges.py::"
HERE = "tests/stages/test_planted_defects.py::"
PLANTED = {
    "adapter not loaded": PIPELINE + "test_an_adapter_that_does_nothing_is_never_a_pass",
    "adapter is the baseline": HERE + "test_an_adapter_that_is_the_baseline_is_no_pass",
    "three confirmed regressions": HERE + "test_three_confirmed_regressions_fail",
    "three unconfirmed": HERE + "test_three_that_waver_are_listed_and_not_counted",
    "judge down": JUDGES + "test_a_judge_that_is_down_is_inconclusive",
    "judge down midway": JUDGES + "test_a_judge_that_goes_down_midway_is_inconclusive",
    "judge 3 % garbage on the candidate": JUDGES + "test_garbage_about_some_items_of_the_candidate",
    "judge version swapped midway": JUDGES + "test_a_judge_that_changes_midway_is_asked_everything_again",
    "constant output": HERE + "test_a_candidate_that_always_says_the_same_fails",
    "injection, obedient judge": JUDGES + "test_an_obedient_judge_is_no_judge",
    "injection, honest judge": JUDGES + "test_the_same_injection_breaks_under_an_honest_judge",
    "leaked test item": PIPELINE + "test_an_error_that_stands_on_the_base_already_warns_and_a_new_one_blocks",
    "reference edited here": PIPELINE + "test_rules_come_from_the_base_branch_and_changes_to_them_are_named",
    "all differences zero": HERE + "test_scores_that_do_not_differ_are_held_and_no_nan",
    "eight examples": HERE + "test_eight_examples_decide_nothing",
}


@cache
def names(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("defect", PLANTED)
def test_every_defect_is_planted_somewhere(defect: str) -> None:
    path, name = PLANTED[defect].split("::")
    assert name in names(path)


def world(root: Path, settings: str = SWITCHED_ON) -> FakeWorld:
    """A base branch with everything switched on, and a head that adds right examples."""
    main = {**base_files(), "ftgate.yaml": settings}
    head = {**main, "data/train/b.jsonl": lines(pairs(3, start=100))}
    return FakeWorld(FakeRepository(main=main, head=head), root)


def said(run: Run) -> tuple[str, list[str]]:
    """Outcome, and the ids of the reasons that ask for one."""
    assert run.verdict is not None
    deciding = [r.id for r in run.verdict.reasons if r.decides.value != "pass"]
    return run.verdict.outcome.value, deciding


def all_ids(run: Run) -> set[str]:
    assert run.verdict is not None
    return {reason.id for reason in run.verdict.reasons}


def is_candidates(job: CompletionJob) -> bool:
    return "candidate" in job.label


def test_nothing_planted_passes(tmp_path: Path) -> None:
    run = gate(REQUEST, world(tmp_path).ports)
    assert said(run) == ("pass", [])
    assert run.evaluation is not None and run.comparison is not None
    # 8 regression prompts, three times; the base is asked 20 training examples, of which it answers none.
    assert len(run.evaluation.arms["candidate"].samples) == 24
    assert run.comparison.headroom is not None and run.comparison.headroom.right == 0
    assert run.comparison.forgetting is not None and run.comparison.power is not None


LOST = ("late-0", "damaged-1", "price-2")


def lost(prompt: Prompt) -> bool:
    return prompt.kind == "regression" and prompt.id in LOST


def test_three_confirmed_regressions_fail(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.completer.said = lambda job, prompt, text: "?" if is_candidates(job) and lost(prompt) else text
    run = gate(REQUEST, made.ports)
    assert said(run)[0] == "fail" and said(run)[1][0] == "regression.broken"
    assert run.comparison is not None and set(run.comparison.broken) == set(LOST)


def test_three_that_waver_are_listed_and_not_counted(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.completer.said = lambda job, prompt, text: (
        "?" if is_candidates(job) and lost(prompt) and job.sampling is None else text
    )
    run = gate(REQUEST, made.ports)
    assert said(run) == ("pass", [])
    assert run.comparison is not None
    assert (set(run.comparison.wavering), run.comparison.broken) == (set(LOST), ())
    assert "regression.wavering" in all_ids(run)


def test_three_that_the_baseline_does_not_hold_either_are_not_counted(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.completer.said = lambda job, prompt, text: (
        "?" if lost(prompt) and (is_candidates(job) or job.sampling is not None) else text
    )
    run = gate(REQUEST, made.ports)
    assert run.comparison is not None and set(run.comparison.wavering) == set(LOST)
    assert said(run) == ("pass", [])


class Deaf(FakeTrainer):
    """Writes what it learned first, whatever it is given."""

    def train(self, job: TrainingJob, progress: Progress) -> Training:
        trained = super().train(job, progress)
        file = "adapter/adapter_model.safetensors"
        first = self.jobs[0].workspace / file
        (job.workspace / file).write_bytes(first.read_bytes())
        return trained


def test_an_adapter_that_is_the_baseline_is_no_pass(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.trainer = Deaf()
    run = gate(REQUEST, made.ports)
    assert said(run) == ("inconclusive", ["sentinel.same-adapter"])


def test_a_candidate_that_always_says_the_same_fails(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.completer.said = lambda job, prompt, text: '{"topic": "late"}' if is_candidates(job) else text
    outcome, deciding = said(gate(REQUEST, made.ports))
    assert outcome == "fail"
    assert {"regression.broken", "held-out.worse"} <= set(deciding)


def judged_world(root: Path, server: JudgeServer, held_out: int) -> FakeWorld:
    """A judge grades the held-out set too, of `held_out` examples a topic."""
    made = test_judges.world(root, server)
    for files in made.repository.commits.values():
        files["ftgate.yaml"] = str(files["ftgate.yaml"]).replace(
            "samples: 0, base_sample: 0, probes: false", "held_out: judge"
        )
        files["data/held_out.jsonl"] = lines(pairs(held_out, start=500))
    return made


def test_scores_that_do_not_differ_are_held_and_no_nan(tmp_path: Path) -> None:
    with judging() as server:
        run = gate(REQUEST, judged_world(tmp_path, server, 6).ports)
    assert said(run) == ("pass", [])
    assert {"scores.held", "correctness.reached"} <= all_ids(run)
    assert run.comparison is not None
    first = run.comparison.scores[0]
    assert (first.total, first.graded, first.difference, first.state) == (24, 24, 0.0, "held")
    assert first.lower is not None and -0.3 < first.lower < 0


def test_a_judge_sees_a_drop_that_no_field_shows(tmp_path: Path) -> None:
    with judging() as server:
        made = judged_world(tmp_path, server, 6)
        # Half of the answers of the candidate have lost something: 2 of 5.
        made.completer.said = lambda job, prompt, text: (
            '{"topic": "none"}'
            if is_candidates(job) and prompt.kind == "held-out" and int(prompt.id[-1], 16) % 2
            else text
        )
        run = gate(REQUEST, made.ports)
    outcome, deciding = said(run)
    assert outcome == "fail" and "scores.worse" in deciding


def test_eight_examples_decide_nothing(tmp_path: Path) -> None:
    with judging() as server:
        run = gate(REQUEST, judged_world(tmp_path, server, 2).ports)
    outcome, deciding = said(run)
    assert outcome == "inconclusive" and "held-out.undecided" in deciding
    assert run.comparison is not None and run.comparison.held_out.needed is not None


def test_a_prompt_that_was_removed_on_the_base_branch_is_said_to_be_missing(tmp_path: Path) -> None:
    """Two promotions remember four topics; then somebody merges the removal of one of the prompts."""
    made = world(tmp_path)
    first = gate(REQUEST, made.ports)
    assert first.evaluation is not None
    known = outcomes(first.evaluation, Arm.CANDIDATE)
    assert set(known.values()) == {"P"} and len(known) == 2 * len(TOPICS)
    made.baselines.promotions = [
        replace(promoted(1, 8, 20), outcomes=known),
        replace(promoted(2, 8, 20), outcomes={**known, "refund-9": "P"}),
    ]
    made.completer.said = lambda job, prompt, text: "?" if is_candidates(job) and lost(prompt) else text
    made.repository.commits["head"]["data/train/c.jsonl"] = lines(pairs(1, start=200))
    made.runs.run = None
    run = gate(REQUEST, made.ports)
    assert run.comparison is not None
    assert run.comparison.removed == ("refund-9",)
    assert "regression.removed" in all_ids(run)
    assert {past.prompt: past.outcomes for past in run.comparison.past} == dict.fromkeys(LOST, "PP")
    assert "passed in the last 2 promoted runs" in made.runs.texts["comment.md"]
