"""What evaluate asks beside the set questions: suspects again, the base about training examples, and probes."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.ports import CompletionJob, Progress
from ftgate.stages.pipeline import gate
from ftgate.values.evaluation import Arm, Completion
from ftgate.values.run import Request, Run, VerdictOutcome
from tests.builders import SETTINGS, base_files, line, lines, pairs
from tests.fakes import FakeCompleter, FakeRepository, FakeWorld

REQUEST = Request(base="main", head="head")
ON = SETTINGS.replace(
    "evaluation: {samples: 0, base_sample: 0, probes: false}",
    "evaluation: {samples: 3, base_sample: 20, probes: true}",
)
SWAP = {"late": "damaged", "damaged": "late"}


class Wavering(FakeCompleter):
    """A candidate that says the wrong thing when asked once, and the right one `right` times of three when drawn."""

    def __init__(self, right: int) -> None:
        super().__init__()
        self._right = right

    def complete(self, job: CompletionJob, progress: Progress) -> list[Completion]:
        said = super().complete(job, progress)
        if job.sampling is None or "candidate" not in job.label:
            return said
        third = len(said) // 3
        undone = {"late": '{"topic": "late"}', "damaged": '{"topic": "damaged"}'}
        return [
            replace(c, text=undone.get((p.messages[-1].content or "").split()[0], c.text))
            if n < third * self._right
            else c
            for n, (p, c) in enumerate(zip(job.prompts, said, strict=True))
        ]


def world(root: Path, settings: str = ON, swap: dict[str, str] | None = None) -> FakeWorld:
    main = base_files() | {"ftgate.yaml": settings}
    changed = lines(pairs(30, swap=swap)) if swap else lines(pairs(30)) + line("late again 7", "late")
    return FakeWorld(FakeRepository(main=main, head={**main, "data/train/a.jsonl": changed}), root)


def outcome(run: Run) -> VerdictOutcome:
    assert run.verdict is not None
    return run.verdict.outcome


def test_trained_arms_are_asked_again_and_the_base_about_training_examples(tmp_path: Path) -> None:
    made = world(tmp_path)
    run = gate(REQUEST, made.ports)
    assert outcome(run) is VerdictOutcome.PASS
    labels = [job.label for job in made.completer.jobs]
    assert labels == [
        "asking base",
        "asking baseline",
        "asking baseline again",
        "asking candidate",
        "asking candidate again",
        "asking base",
    ]
    again = [job for job in made.completer.jobs if job.sampling]
    assert {len(job.prompts) for job in again} == {24}
    assert len({(job.sampling.temperature, job.sampling.seed) for job in again if job.sampling}) == 1
    assert run.evaluation is not None and run.evaluation.known_already is not None
    assert len(run.evaluation.known_already.items) == 20
    assert len(run.evaluation.ids("probe")) >= 20
    assert all(len(answers) == 3 for answers in run.evaluation.samples(Arm.CANDIDATE).values())


@pytest.mark.parametrize(
    ("right", "expected", "list_"),
    [
        (0, VerdictOutcome.FAIL, "broken"),
        (1, VerdictOutcome.FAIL, "broken"),
        (2, VerdictOutcome.PASS, "wavering"),
        (3, VerdictOutcome.PASS, "wavering"),
    ],
)
def test_only_what_stays_broken_when_asked_again_counts(
    tmp_path: Path, right: int, expected: VerdictOutcome, list_: str
) -> None:
    policy = "policy: {max_broken: 2, margin: 1.0, slices: 'off'}"
    settings = ON.replace("policy: {max_broken: 2, margin: 0.2}", policy)
    made = world(tmp_path, settings, SWAP)
    made.completer = Wavering(right)
    run = gate(REQUEST, made.ports)
    assert run.comparison is not None
    assert len(getattr(run.comparison, list_)) == 4
    assert outcome(run) is expected


def test_without_samples_every_suspect_counts(tmp_path: Path) -> None:
    made = world(tmp_path, ON.replace("samples: 3", "samples: 0"), SWAP)
    made.completer = Wavering(3)
    run = gate(REQUEST, made.ports)
    assert run.comparison is not None and len(run.comparison.broken) == 4
    assert outcome(run) is VerdictOutcome.FAIL


def test_all_of_it_is_known_the_second_time(tmp_path: Path) -> None:
    made = world(tmp_path)
    first = gate(REQUEST, made.ports)
    asked = len(made.completer.jobs)
    second = gate(REQUEST, made.ports)
    assert len(made.completer.jobs) == asked
    assert first.evaluation is not None and second.evaluation is not None
    for arm in Arm:
        assert second.evaluation.samples(arm) == first.evaluation.samples(arm)
    assert second.evaluation.known_already == first.evaluation.known_already


def test_more_data_leaves_most_of_the_sample_as_it_was(tmp_path: Path) -> None:
    made = world(tmp_path)
    main = made.repository.commits["main"]
    made.repository.commits["more"] = {**main, "data/train/b.jsonl": lines(pairs(2, start=300))}
    found = []
    for head in ("head", "more"):
        run = gate(Request(base="main", head=head), made.ports)
        assert run.evaluation is not None and run.evaluation.known_already is not None
        found.append({prompt.id for prompt in run.evaluation.known_already.prompts})
    assert len(found[0] & found[1]) >= 17
