"""The life of a baseline on real git: pull request, merge queue, promotion, and a runner that knows nothing."""

import os
from dataclasses import replace
from pathlib import Path

from ftgate.edges.data_branch import BRANCH, FETCHED, DataBranch
from ftgate.edges.git_objects import GitObjects
from ftgate.edges.store import DirectoryStore
from ftgate.ports import Ports
from ftgate.stages.pipeline import gate
from ftgate.stages.promote import Push, promote
from ftgate.values.run import Request, VerdictOutcome
from tests.builders import base_files, lines, pairs
from tests.edges.repositories import GitRepository
from tests.fakes import FakeRepository, FakeWorld

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def ports(world: FakeWorld, repository: GitRepository, store: Path, remote: str | None = None) -> Ports:
    """Real git and a real store; trainer and completer are fakes."""
    return replace(
        world.ports,
        repository=GitObjects(repository.root, os.environ["PATH"]),
        store=DirectoryStore(store),
        baselines=DataBranch(repository.root, ENVIRONMENT, remote),
    )


def clone(origin: GitRepository, root: Path) -> GitRepository:
    made = GitRepository(root)
    made.git("remote", "add", "origin", str(origin.root))
    made.git("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*")
    return made


def developed(root: Path) -> GitRepository:
    """main, and two pull requests of which the first was queued, squashed and merged."""
    made = GitRepository(root)
    for path, content in base_files().items():
        made.write(path, content)
    made.commit("main")
    made.git("checkout", "-q", "-b", "pr-1")
    made.write("data/train/b.jsonl", lines(pairs(3, start=100)))
    made.commit("more")
    made.git("checkout", "-q", "-b", "queue", "main")
    made.git("merge", "-q", "--no-ff", "-m", "queued", "pr-1")
    made.git("checkout", "-q", "main")
    made.git("branch", "before")
    made.git("merge", "-q", "--squash", "pr-1")
    made.commit("more (#1)")
    made.git("checkout", "-q", "-b", "pr-2")
    made.write("data/train/c.jsonl", lines(pairs(3, start=200)))
    made.commit("still more")
    made.git("checkout", "-q", "main")
    return made


def test_from_pull_request_to_promotion_to_a_runner_without_a_store(tmp_path: Path) -> None:
    origin = developed(tmp_path / "origin")
    gpu = clone(origin, tmp_path / "gpu")
    world = FakeWorld(FakeRepository(), tmp_path / "fake")
    tested = gate(Request(base="origin/before", head="origin/pr-1"), ports(world, gpu, tmp_path / "store"))
    assert tested.verdict is not None and tested.verdict.outcome is VerdictOutcome.PASS
    assert (len(world.trainer.jobs), len(world.completer.jobs)) == (2, 3)

    queued = gate(Request(base="origin/before", head="origin/queue"), ports(world, gpu, tmp_path / "store"))
    assert queued.plan.head != tested.plan.head
    assert (len(world.trainer.jobs), len(world.completer.jobs)) == (2, 3)
    assert queued.comparison == tested.comparison and queued.verdict is not None
    assert queued.verdict.outcome is VerdictOutcome.PASS

    hosted = clone(origin, tmp_path / "hosted")
    nothing = FakeWorld(FakeRepository(), tmp_path / "none")
    push = Push(base="origin/before", head="origin/main", pull_request=1)
    done = promote(push, {"out": queued}, ports(nothing, hosted, tmp_path / "no-store", "origin"))
    assert done.kept and nothing.trainer.jobs == [] and nothing.completer.jobs == []
    assert origin.git("log", "--format=%an", BRANCH) == "ftgate"
    assert origin.git("status", "--porcelain") == ""

    runner = clone(origin, tmp_path / "runner")
    runner.git("fetch", "-q", "origin", f"+refs/heads/{BRANCH}:{FETCHED}")
    fresh = FakeWorld(FakeRepository(), tmp_path / "fresh")
    run = gate(Request(base="origin/main", head="origin/pr-2"), ports(fresh, runner, tmp_path / "empty"))
    assert [job.label for job in fresh.trainer.jobs] == ["training candidate"]
    assert [job.label for job in fresh.completer.jobs] == ["asking candidate"]
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.PASS
    assert run.origin is not None and run.origin.commit == origin.git("rev-parse", "main")
    assert run.history is not None and [p.pull_request for p in run.history.promotions] == [1]
    assert "### Over time" in fresh.runs.texts["comment.md"]
    assert "#1" in fresh.runs.texts["comment.md"]


def test_a_promotion_that_lost_the_race_is_on_top_of_the_one_that_won(tmp_path: Path) -> None:
    origin = developed(tmp_path / "origin")
    world = FakeWorld(FakeRepository(), tmp_path / "fake")
    first, second = clone(origin, tmp_path / "a"), clone(origin, tmp_path / "b")
    store = tmp_path / "store"
    one = gate(Request(base="origin/before", head="origin/pr-1"), ports(world, first, store))
    two = gate(Request(base="origin/main", head="origin/pr-2"), ports(world, second, store))
    late = ports(world, second, store, "origin")
    seen: list[str] = []

    class Slow(DataBranch):
        def _tip(self) -> str:
            tip = super()._tip()
            if not seen:
                push = Push(base="origin/before", head="origin/main")
                seen.append(str(promote(push, {"one": one}, ports(world, first, store, "origin")).kept))
            return tip

    slow = Slow(second.root, ENVIRONMENT, "origin")
    push = Push(base="origin/main", head="origin/pr-2")
    assert promote(push, {"two": two}, replace(late, baselines=slow)).kept
    assert seen == ["True"]
    lines = origin.git("show", f"{BRANCH}:ledger.jsonl").splitlines()
    assert len(lines) == 2
    assert len(origin.git("ls-tree", "--name-only", f"{BRANCH}:baselines").splitlines()) == 2


def test_a_flipped_byte_and_swapped_records_are_said_and_the_baseline_is_trained_again(
    tmp_path: Path,
) -> None:
    origin = developed(tmp_path / "origin")
    world = FakeWorld(FakeRepository(), tmp_path / "fake")
    gpu = clone(origin, tmp_path / "gpu")
    store = tmp_path / "store"
    one = gate(Request(base="origin/before", head="origin/pr-1"), ports(world, gpu, store))
    two = gate(Request(base="origin/main", head="origin/pr-2"), ports(world, gpu, store))
    for base, head, run in (("before", "main", one), ("main", "pr-2", two)):
        push = Push(base=f"origin/{base}", head=f"origin/{head}")
        assert promote(push, {"out": run}, ports(world, gpu, store, "origin")).kept
    assert one.candidate is not None and two.candidate is not None
    first, second = (f"baselines/{run.candidate.key}.json" for run in (one, two) if run.candidate)
    sound = origin.git("show", f"{BRANCH}:{first}")
    swapped = origin.git("show", f"{BRANCH}:{second}")
    flipped = sound.replace('"passed"', '"failed"', 1)
    assert flipped != sound
    for number, content in enumerate((flipped, swapped, sound)):
        origin.git("checkout", "-q", BRANCH)
        origin.write(first, content)
        origin.commit(f"edit {number}")
        origin.git("checkout", "-q", "main")
        runner = clone(origin, tmp_path / f"runner-{number}")
        runner.git("fetch", "-q", "origin", f"+refs/heads/{BRANCH}:{FETCHED}")
        fresh = FakeWorld(FakeRepository(), tmp_path / f"fresh-{number}")
        empty = ports(fresh, runner, tmp_path / f"empty-{number}")
        run = gate(Request(base="origin/main", head="origin/pr-2"), empty)
        assert run.verdict is not None and run.comparison == two.comparison
        said = {reason.id for reason in run.verdict.reasons}
        trained = [job.label for job in fresh.trainer.jobs]
        if content == sound:
            assert trained == ["training candidate"] and "baseline.damaged" not in said
        else:
            assert trained == ["training baseline", "training candidate"]
            assert {"baseline.damaged", "baseline.trained"} <= said
            assert "cannot be used" in fresh.runs.texts["comment.md"]
