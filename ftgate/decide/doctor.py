"""What a set-up means: whether the gate can run, and whether it blocks. Facts in, diagnoses out."""

import re
from collections.abc import Iterator

from ftgate.decide.hosted import name_of
from ftgate.decide.rulings import count
from ftgate.values.setup import (
    ACTIONS_APP,
    CHECK,
    DataSetup,
    Diagnosis,
    MachineSetup,
    RepositorySetup,
    RequiredCheck,
    Sign,
    StoreSetup,
    WorkflowFile,
)

PROMPTS = (20, 50)
"""Regression prompts that the fine-tuning guide asks for."""
SHARE = (0.10, 0.20)
"""Share of the examples that is held out."""
LEAST_FREE = 20_000_000_000
"""Bytes of disk for a base model of 8 billion parameters and its adapters."""

_EVERYBODY = "all_external_contributors"
_PINNED = re.compile(r"@[0-9a-f]{40}$")
_GATE = re.compile(r"(?:^|/)\.github/workflows/gate\.ya?ml(?:@|$)")
_MUST_HAVE = ("pull_request_target", "issue_comment")
_DONE = {"write": "written", "read": "read", "list": "listed"}
_TRAIN = ("torch", "transformers", "peft", "trl", "bitsandbytes")


def ok(what: str) -> Diagnosis:
    """Nothing to do."""
    return Diagnosis(sign=Sign.OK, what=what)


def warn(what: str, advice: str) -> Diagnosis:
    """The gate works, and something about it should be looked at."""
    return Diagnosis(sign=Sign.WARN, what=what, advice=advice)


def bad(what: str, advice: str) -> Diagnosis:
    """The gate does not run, or does not block."""
    return Diagnosis(sign=Sign.BAD, what=what, advice=advice)


def repository(setup: RepositorySetup) -> Iterator[Diagnosis]:
    """Whether the gate runs on a repository's pull requests and stands between them and the branch."""
    if not setup.is_default:
        what = f"{setup.branch} is not the default branch of {setup.name}"
        yield warn(
            what, "pull_request_target always runs the default branch's workflow; look at that one, too."
        )
    calling = [
        (file, job, uses) for file in setup.workflows for job, uses in file.calls if _GATE.search(uses)
    ]
    if not calling:
        what = f"no workflow on {setup.branch} calls ftgate's gate.yml"
        yield bad(what, "Write one with `ftgate init --github`, and merge it into the default branch.")
    for file, _, uses in calling:
        yield from _workflow(file, uses)
    check = CHECK if setup.is_default else f"{CHECK} (refs/heads/{setup.branch})"
    names = [f"{job} / {check}" for _, job, _ in calling] or [check]
    yield from _required(setup, names)
    yield from _queue(setup, [file for file, _, _ in calling])
    yield from _forks(setup)
    for unread in setup.unread:
        yield warn(
            f"could not be read: {unread}", "Run doctor with an administrator's token, or look yourself."
        )


def _workflow(file: WorkflowFile, uses: str) -> Iterator[Diagnosis]:
    if uses.startswith("./"):
        yield ok(f"{file.path} calls the gate of its own repository")
    elif _PINNED.search(uses):
        yield ok(f"{file.path} calls the gate at a fixed commit")
    else:
        what = f"{file.path} calls {uses}, which whoever may move that name can change"
        yield bad(what, "Pin it to the full SHA of a release: `uses: ...gate.yml@<40 digits> # vX.Y.Z`.")
    if missing := [trigger for trigger in _MUST_HAVE if trigger not in file.triggers]:
        what = f"{file.path} does not run on {' and '.join(missing)}"
        yield bad(what, "Take the triggers from `ftgate init --github`.")
    if "pull_request" in file.triggers:
        what = f"{file.path} runs on pull_request, so a pull request can bring its own version of it"
        yield bad(what, "Use pull_request_target, which runs the default branch's version.")
    if narrowed := [
        trigger for trigger in file.filtered if trigger.startswith(("pull_request", "merge_group"))
    ]:
        what = f"{file.path} filters {' and '.join(narrowed)}: a check that does not run blocks for ever, or never"
        yield bad(what, "Take `paths` and `branches` away; what is irrelevant passes in seconds.")


def _required(setup: RepositorySetup, names: list[str]) -> Iterator[Diagnosis]:
    wanted = " or ".join(f'"{name}"' for name in names)
    where = f"https://github.com/{setup.name}/settings/rules"
    known = {check.name for check in setup.checks}
    mine = [check for check in setup.checks if check.name in names or _is_gate(check, names)]
    if not mine:
        near = sorted(name for name in known if CHECK in name)
        seen = f"; {', '.join(near)} is required, and no job is called that" if near else ""
        click = (
            f"{where} > New branch ruleset > Enforcement: Active > Target: {setup.branch} > "
            f"Require status checks to pass > Add checks > {wanted}, source GitHub Actions."
        )
        yield bad(f"the check {wanted} is not required on {setup.branch}: nothing blocks{seen}", click)
    for check in mine:
        if check.app == ACTIONS_APP:
            yield ok(f'"{check.name}" is required on {setup.branch}, from GitHub Actions ({check.source})')
        elif check.app is None:
            what = f'"{check.name}" is required from any source ({check.source}): whoever may write could report it'
            yield bad(what, f"{where} > the rule > the check > source: GitHub Actions (app {ACTIONS_APP}).")
        else:
            what = f'"{check.name}" is required from app {check.app} ({check.source}), which the gate is not'
            yield bad(what, f"{where} > the rule > the check > source: GitHub Actions (app {ACTIONS_APP}).")


def _is_gate(check: RequiredCheck, names: list[str]) -> bool:
    """Without a workflow that was read, any job of the fixed name may be the gate's."""
    return names == [CHECK] and check.name.endswith(f" / {CHECK}")


def _queue(setup: RepositorySetup, files: list[WorkflowFile]) -> Iterator[Diagnosis]:
    if not setup.merge_queue:
        return
    if files and not any("merge_group" in file.triggers for file in files):
        what = f"{setup.branch} has a merge queue, and the gate does not run on merge_group: the queue waits for ever"
        yield bad(what, "Add `merge_group:` to the workflow's triggers.")
    else:
        yield ok(f"the merge queue of {setup.branch} is judged")


def _forks(setup: RepositorySetup) -> Iterator[Diagnosis]:
    """Not the gate's own workflow, but any other one on pull_request could bring a stranger to the runner."""
    if setup.fork_approval == _EVERYBODY:
        yield ok("workflows of everybody from outside wait for an approval")
    elif setup.fork_approval:
        what = f"workflows from forks wait for an approval only of {setup.fork_approval.replace('_', ' ')}"
        yield warn(
            what,
            f"https://github.com/{setup.name}/settings/actions > Approval for running fork pull request workflows > "
            "Require approval for all external contributors: a fork may bring a workflow that asks for your runner.",
        )


def data(setup: DataSetup) -> Iterator[Diagnosis]:
    """Whether settings, prompts and held-out set let the gate decide anything."""
    if setup.problem:
        yield bad(setup.problem, setup.advice)
        return
    yield ok(f"{setup.settings_path} can be read: {setup.training} training examples for {setup.base_model}")
    least, most = PROMPTS
    if setup.prompts == 0:
        yield bad(
            "there is no regression prompt: nothing could break",
            f"Write {least} to {most} for what matters most.",
        )
    elif setup.prompts < least:
        yield warn(
            f"{count(setup.prompts, 'regression prompt')}",
            f"{least} to {most} protect the most important uses.",
        )
    else:
        many = f", more than {most} only cost time" if setup.prompts > most else ""
        yield ok(f"{setup.prompts} regression prompts{many}")
    yield _held_out(setup)
    if setup.judge and not setup.has_judge_key:
        what = f"the judge is {setup.judge}, and OPENAI_API_KEY is not set here"
        yield warn(
            what,
            "The job that evaluates needs it: a secret of the repository, handed to the gate's workflow.",
        )
    elif setup.judge:
        yield ok(f"the judge is {setup.judge}, and a key is set")


def _held_out(setup: DataSetup) -> Diagnosis:
    total = setup.held_out + setup.training
    if total == 0:
        return bad("no example matches data.train or data.held_out", "Add the data, or correct the globs.")
    share = setup.held_out / total if total else 0.0
    said = f"{setup.held_out} of {total} examples are held out ({share:.0%})"
    if setup.held_out == 0:
        return bad(said, "Hold 10 to 20 % out: ftgate split PATH -o data")
    if not SHARE[0] <= share <= SHARE[1]:
        return warn(said, "10 to 20 % is what decides without wasting examples.")
    return ok(said)


def machine(setup: MachineSetup, base_model: str) -> Iterator[Diagnosis]:
    """Whether this machine can train. One that only validates or decides needs none of it."""
    if name_of(base_model) is not None:
        yield ok(f"{base_model} is tuned and asked at a service: this machine needs no GPU and no torch")
        return
    if missing := [name for name in _TRAIN if name not in setup.versions]:
        yield warn(
            f"not installed: {', '.join(missing)}",
            "Where the gate trains, in the clone of ftgate: pip install '.[train]'",
        )
    else:
        yield ok("installed: " + ", ".join(f"{name} {setup.versions[name]}" for name in _TRAIN))
    small = base_model.startswith("bundled:")
    if setup.gpus:
        yield ok(f"GPU: {'; '.join(setup.gpus)}")
    elif small:
        yield ok("no GPU, and the bundled model needs none")
    else:
        yield warn("no GPU was found (nvidia-smi)", "Where the gate trains, a GPU with its driver has to be.")
    if setup.cuda is False and setup.gpus:
        yield bad("torch does not see the GPU", "Install a torch that was built for this driver's CUDA.")
    elif setup.cuda:
        yield ok("torch sees the GPU")
    gigabytes = f"{setup.free_bytes / 1e9:.0f} GB free at {setup.store}"
    if setup.free_bytes < LEAST_FREE and not small:
        yield warn(gigabytes, "A base model of 8 billion parameters takes about 16 GB, adapters some more.")
    else:
        yield ok(gigabytes)
    if setup.held:
        yield _held(setup)


def _held(setup: MachineSetup) -> Diagnosis:
    """What may be deleted: all of it is made again, or fetched, when it is needed."""
    total = sum(setup.held.values())
    parts = sorted(setup.held.items(), key=lambda part: -part[1])
    what = f"{setup.store} holds {_gigabytes(total)}: " + ", ".join(
        f"{name} {_gigabytes(size)}" for name, size in parts
    )
    if total < setup.free_bytes:
        return ok(what)
    old = f"find {setup.store}/trainings -mindepth 1 -maxdepth 1 -mtime +90 -exec rm -r {{}} +"
    return warn(what, f"While no run is at work, what is old may go, and is trained again if need be: {old}")


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def store(setup: StoreSetup) -> Iterator[Diagnosis]:
    """Whether runs on this machine can keep and find trainings at a URL."""
    for each in setup.failed:
        yield bad(f"cannot be {_DONE[each.what]}: {each.problem}", each.advice)
    if not setup.failed:
        yield ok(f"{setup.url} can be written, read and listed")
    if setup.left:
        yield warn(
            f"{setup.left} was written to see, and could not be deleted",
            "Delete it. ftgate itself deletes nothing there: it needs no leave to.",
        )
