"""Counts tokens with the base model's own tokenizer, where it is on this machine already. Nothing is ever fetched."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ftgate.edges.base_model import BUNDLED, bundled_folder, max_length_of
from ftgate.errors import FtgateError, InputError
from ftgate.values.dataset import Example
from ftgate.values.settings import Settings
from ftgate.values.tokens import LONGEST, Counted, Meter
from ftgate.values.training import BaseModel


def local_meter(settings: Settings) -> Meter | None:
    """A meter for the base model of the settings; None without the train extra, or when the model is not here.

    The tokenizer is loaded when the first example needs it: most data never does.
    """
    if find_spec("transformers") is None or find_spec("jinja2") is None:
        return None
    folder = _folder(settings)
    if folder is None or not (folder / "config.json").is_file():
        return None
    try:
        longest = max_length_of(folder / "config.json")
    except FtgateError:
        return None  # the stages that need the model say what is wrong with it
    limit = settings.training.max_length or min(longest, LONGEST)
    base = BaseModel(
        name=settings.base_model,
        revision="",
        sha256="",
        parameters=0,
        location=str(folder),
        max_length=longest,
    )
    return Meter(limit=limit, count=_Counter(base, limit))


def _folder(settings: Settings) -> Path | None:
    name = settings.base_model
    if name == BUNDLED:
        return bundled_folder()
    if name.startswith((".", "/", "~")) or Path(name).is_dir():
        return Path(name).expanduser()
    if find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=settings.base_revision, local_files_only=True))
    except (OSError, ValueError):  # not in the cache, or no name of a model
        return None


class _Counter:
    def __init__(self, base: BaseModel, limit: int) -> None:
        self._base = base
        self._limit = limit
        self._tokenizer: Any = None
        self._broken = ""

    def _load(self) -> None:
        from ftgate.edges.loading import load_tokenizer

        try:
            self._tokenizer = load_tokenizer(self._base, "right")
        except (FtgateError, OSError, ValueError) as error:
            self._broken = f"its tokenizer cannot be loaded: {error}"

    def __call__(self, example: Example) -> Counted | str:
        from ftgate.edges.tokens import IGNORED, tokenize

        if self._tokenizer is None and not self._broken:
            self._load()
        if self._broken:
            return self._broken
        try:
            rendered = tokenize(self._tokenizer, example)
        except InputError as error:
            return error.message
        kept = sum(label != IGNORED for label in rendered.labels[: self._limit])
        return Counted(tokens=len(rendered.input_ids), trained=rendered.trained, kept=kept)
