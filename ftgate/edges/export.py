"""Writes what is served: an adapter in vLLM's layout, or a model that it was merged into, and measures the difference.

Nothing is ever merged within 4 bit: requantising loses part of what was learned, and on a CPU a forward pass repacks
4-bit weights so that a merge after it destroys the adapter without a word. So the base is loaded fresh, dequantised (or
loaded in 16 bit), and merged; then what was written is loaded back and compared with what was trained.
"""

import fcntl
import shutil
from pathlib import Path
from typing import IO, Any

from ftgate.decide.serving import launch, launch_here, refusal
from ftgate.edges import export_folder, loading
from ftgate.edges.agreement import Foretold, Text, agreement, foretell, texts
from ftgate.edges.artefact import ADAPTER_WEIGHTS, covered, failing_as_disks_do, is_adapter, share
from ftgate.edges.base_model import TOKENIZER
from ftgate.edges.completer import free
from ftgate.edges.weights import demand_adapter, demand_fit
from ftgate.edges.whole_model import load_whole
from ftgate.errors import InputError, OutsideError
from ftgate.ports import ExportJob, Progress, Written
from ftgate.report.run_card import cards, run_card
from ftgate.values.run_card import Agreement, Exported

_BYTES_PER_WEIGHT = 2
_SLACK = 50_000_000
_STEPS = {"adapter": 2, "full": 2}


class LocalExporter:
    """Port Exporter. `root` is where exports go that no target names, until they are discarded."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._used: dict[Path, IO[str]] = {}

    def export(self, job: ExportJob, progress: Progress) -> Written:
        if why := refusal(job.training, job.form):
            raise InputError(
                f"{job.training.key[:12]} cannot be exported as {job.form}: {why}",
                advice="Choose another --form, or another training with --key.",
            )
        # Resolved: `.` has no name beside which to write, and a command with `..` in it reads badly.
        target = (job.target or self._root / f"{job.training.key[:32]}-{job.form}").resolve()
        line = launch(job.training, job.form, job.base_model, str(target))
        if job.target is None:
            self._use(target)
        with loading.quiet():
            asked = texts(
                loading.load_tokenizer(job.base_model, "right"), job.prompts, job.base_model.max_length
            )
            identity = export_folder.identity(job, asked, loading.versions())
            if known := export_folder.known(target, identity, job.minimum):
                _render(job, target, known)
                return Written(folder=target, exported=known, launch=line, reused=True)
            exported, kept = _made(job, asked, (target, identity), progress)
        return Written(folder=target, exported=exported, launch=line, kept=kept)

    def _use(self, target: Path) -> None:
        """Keeps other processes from discarding what this one is about to ask."""
        if target in self._used:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = target.with_name(f"{target.name}.lock").open("a")
        fcntl.flock(lock, fcntl.LOCK_SH)
        self._used[target] = lock

    def discard(self, written: Written) -> None:
        lock = self._used.pop(written.folder, None)
        if lock is None:
            return
        # The lock's file stays: whoever waits for one that was deleted would share it with nobody.
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # the last who uses it deletes it
            shutil.rmtree(written.folder, ignore_errors=True)


def _made(
    job: ExportJob, asked: list[Text], where: tuple[Path, str], progress: Progress
) -> tuple[Exported, bool]:
    """An export, written and measured; and whether it took its place."""
    target, identity = where
    _demand_room(job, target)
    with export_folder.draft(target) as draft:
        with progress.task(f"writing {job.form}", _STEPS.get(job.form, 4)) as task:
            _write(job, draft, task.advance)
        figures = _compared(job, draft, asked, progress)
        exported = export_folder.seal(draft, identity, job.form, figures)
        if not figures.holds and not job.keep_all:
            return exported, False
        _render(job, draft, exported)
        share(draft, draft / export_folder.SEAL)
        theirs = export_folder.take_place(draft, target, identity, job.minimum)
    return theirs or exported, True


def _render(job: ExportJob, folder: Path, exported: Exported) -> None:
    line = launch_here(job.training, job.form, job.base_model)
    card = run_card(job.training, job.base_model, job.form, exported.agreement)
    export_folder.render(folder, cards(card, line), line)


def _demand_room(job: ExportJob, target: Path) -> None:
    """Raises OutsideError where the disk cannot hold what is about to be written."""
    small = job.form == "adapter"
    weights = (job.artefact / ADAPTER_WEIGHTS).stat().st_size if small else 0
    if job.form == "full":
        weights = sum(file.stat().st_size for file in job.artefact.iterdir())
    needed = (weights or _BYTES_PER_WEIGHT * job.base_model.parameters) + _SLACK
    above = next((each for each in (target, *target.absolute().parents) if each.is_dir()), Path("/"))
    if (left := shutil.disk_usage(above).free) < needed:
        raise OutsideError(
            f"{target}: the disk has {left / 1e9:,.1f} GB left, {job.form} takes {needed / 1e9:,.1f} GB",
            advice="Make room, or name a directory on another disk with --to.",
        )


def _write(job: ExportJob, draft: Path, step: Any) -> None:
    """Weights, configuration, tokenizer with chat template, and how the base generates."""
    if job.form in ("adapter", "full"):
        for name in covered(job.artefact):
            shutil.copyfile(job.artefact / name, draft / name)
    else:
        model = _merged(job, step)
        step(1)
        with failing_as_disks_do(draft):
            model.save_pretrained(str(draft), safe_serialization=True)
        del model
        free()
    step(1)
    _copy_tokenizer(Path(job.base_model.location), draft)
    step(1)


def _merged(job: ExportJob, step: Any) -> Any:
    """The base, fresh and not in 4 bit, with the adapter added to its weights, in bfloat16."""
    import torch
    from peft import PeftModel

    dequantised = job.form == "merged-dequantised"
    demand_adapter(job.artefact, job.base_model)
    base = loading.load_model(job.base_model, "qlora" if dequantised else "lora")
    demand_fit(base, job.artefact)
    if dequantised:
        base = base.dequantize()
    step(1)
    try:
        model = PeftModel.from_pretrained(base, str(job.artefact)).merge_and_unload(safe_merge=True)
    except (RuntimeError, ValueError) as error:
        raise OutsideError(
            f"{job.artefact}: cannot be merged: {error}", advice="Serve the adapter: --form adapter."
        ) from error
    return model.to(torch.bfloat16)


def _copy_tokenizer(source: Path, draft: Path) -> None:
    """The base's own files as they are: a tokenizer that was saved anew may differ."""
    for pattern in (*TOKENIZER, "generation_config.json"):
        for file in source.glob(pattern):
            if file.is_file():
                copy = draft / file.relative_to(source)
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(file, copy)


def _compared(job: ExportJob, draft: Path, asked: list[Text], progress: Progress) -> Agreement:
    """The form as it was written against what was trained. One model is in memory at a time."""
    with progress.task("comparing", 2 * len(asked)) as task:
        found: list[Foretold] = []
        for folder in (job.artefact, draft):
            model = _loaded(job, folder)
            found.append(foretell(model, asked, task))
            del model
            free()
    return agreement(asked, found[0], found[1], job.minimum)


def _loaded(job: ExportJob, folder: Path) -> Any:
    from peft import PeftModel

    if not is_adapter(folder):
        return load_whole(folder, job.base_model)
    if folder == job.artefact:
        demand_adapter(folder, job.base_model)
    base = loading.load_model(job.base_model, job.training.recipe.method)
    demand_fit(base, folder)
    return PeftModel.from_pretrained(base, str(folder)).eval()
