"""The whole gate on one screen."""

from collections.abc import Callable

from msgspec.structs import replace

from ftgate.decide.preflight_rulings import halts
from ftgate.errors import InputError
from ftgate.ports import Ports, RunStore
from ftgate.stages.decide import decide
from ftgate.stages.evaluate import evaluate
from ftgate.stages.plan import plan
from ftgate.stages.preflight import preflight
from ftgate.stages.preview import preview
from ftgate.stages.publish import publish
from ftgate.stages.train import train
from ftgate.stages.validate import blocks, validate
from ftgate.values.run import Request, Run

_VALIDATED = ("files", "findings", "rates", "diff", "preview", "data_sha256")

Stage = Callable[[Run, Ports], Run]

STAGES: dict[str, Stage] = {
    "plan": lambda run, ports: run,
    "validate": lambda run, ports: preview(validate(run, ports), ports),
    "preflight": preflight,
    "train": train,
    "evaluate": evaluate,
    "decide": lambda run, ports: decide(run),
    "publish": lambda run, ports: (publish(run, ports.runs), run)[1],
}


def gate(request: Request, ports: Ports) -> Run:
    """Every stage in order. What a stored run of the same two commits has finished is not done again."""
    run = begin(request, ports)
    for name in STAGES:
        if name not in run.stages and concerned(run, name):
            run = advance(run, name, ports)
    return run


def begin(request: Request, ports: Ports) -> Run:
    """The stored run when it was planned alike, else a new one.

    Only plan and validation are taken from it: training and evaluation cost nothing where the store has them, and
    the store knows base model, library versions and judge by digest, which run.json only reports.
    """
    planned, last = plan(request, ports), ports.runs.load()
    if last is None or last.plan != planned.plan or last.provenance.ftgate != planned.provenance.ftgate:
        ports.runs.write("comment.md", f"ftgate has not finished judging {planned.plan.head[:12]}.\n")
        return planned
    kept = tuple(name for name in ("plan", "validate") if name in last.stages)
    return replace(
        planned,
        stages=kept,
        **({name: getattr(last, name) for name in _VALIDATED} if "validate" in kept else {}),
    )


def resume(name: str, ports: Ports) -> Run:
    """The stored run with one stage more, and the preflight where that is missing.

    Raises InputError when an earlier stage has not run.
    """
    run = stored(ports.runs)
    earlier = [stage for stage in list(STAGES)[: list(STAGES).index(name)] if stage not in run.stages]
    missing = [stage for stage in earlier if run.plan.applicable and concerned(run, stage)]
    if waiting := [stage for stage in missing if stage != "preflight"]:
        raise InputError(
            f"this run has finished {', '.join(run.stages)}; {name} needs {waiting[0]} first",
            advice=f"Continue with `ftgate {waiting[0]} --out DIR`, or do all of it with `ftgate run`.",
        )
    if missing:
        run = advance(run, "preflight", ports)
    return advance(run, name, ports) if concerned(run, name) else run


def stored(runs: RunStore) -> Run:
    """The run in the directory. Raises InputError when there is none."""
    run = runs.load()
    if run is None:
        raise InputError(
            f"there is no run.json in {runs.where}",
            advice=f"Start one: ftgate plan --base REV --out {runs.where}",
        )
    return run


def concerned(run: Run, name: str) -> bool:
    """Whether a stage has anything to do: nothing trains that is not concerned or known to be wrong."""
    if name in ("plan", "decide", "publish"):
        return True
    if not run.plan.applicable:
        return name == "validate" and bool(run.plan.protected)  # a preview
    if name in ("train", "evaluate") and halts(run):
        return False
    if name == "evaluate":
        return not blocks(run) and run.candidate is not None and run.candidate.failure is None
    return name == "validate" or not blocks(run)


def advance(run: Run, name: str, ports: Ports) -> Run:
    """One stage, timed and stored."""
    started = ports.clock.seconds()
    run = STAGES[name](run, ports)
    seconds = {**run.cost.seconds, name: round(ports.clock.seconds() - started, 2)}
    run = replace(
        run,
        stages=(*(stage for stage in run.stages if stage != name), name),
        cost=replace(run.cost, seconds=seconds),
    )
    ports.runs.save(run)
    return run
