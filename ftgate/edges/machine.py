"""What this machine has for training, read without importing any of it."""

import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from ftgate.edges.store_setup import held
from ftgate.values.setup import MachineSetup

_PACKAGES = ("torch", "transformers", "peft", "trl", "bitsandbytes")
_ASK = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")


def machine_setup(store: Path, path: str, *, ask_torch: bool = False) -> MachineSetup:
    """`path` is the PATH on which nvidia-smi is found; `ask_torch` imports torch, which takes seconds."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return MachineSetup(
        gpus=_gpus(path),
        versions=versions,
        free_bytes=shutil.disk_usage(_existing(store)).free,
        store=str(store),
        held=held(store),
        cuda=_cuda() if ask_torch and "torch" in versions else None,
    )


def _gpus(path: str) -> tuple[str, ...]:
    try:
        done = subprocess.run(_ASK, capture_output=True, timeout=20, env={"PATH": path}, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    if done.returncode != 0:
        return ()
    return tuple(line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip())


def gpu_name(path: str) -> str:
    """Name of the first GPU as nvidia-smi tells it; "" where there is none."""
    return next((each.split(",")[0].strip() for each in _gpus(path)), "")


def _existing(folder: Path) -> Path:
    """The nearest directory above that exists: a store is made when it is first used."""
    return next((each for each in (folder, *folder.absolute().parents) if each.is_dir()), Path("/"))


def _cuda() -> bool:
    import torch

    return bool(torch.cuda.is_available())
