"""Counts tokens with the base model's own tokenizer, where it is on this machine already. Nothing is ever fetched."""

from importlib.util import find_spec
from pathlib import Path

from ftgate.edges.base_model import BUNDLED, bundled_folder
from ftgate.edges.model_shape import max_length_of
from ftgate.edges.tokens import Labeller, told, trained_in
from ftgate.errors import FtgateError
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
    try:
        base = local_base(settings.base_model, settings.base_revision)
    except FtgateError:
        return None  # the stages that need the model say what is wrong with it
    if base is None:
        return None
    limit = limit_of(settings, base)
    return Meter(limit=limit, count=_Counter(base, limit))


def limit_of(settings: Settings, base: BaseModel) -> int:
    """Tokens that a row may have."""
    return settings.training.max_length or min(base.max_length, LONGEST)


def local_base(name: str, revision: str | None) -> BaseModel | None:
    """Where the tokenizer of a model is on this machine, without its weights; None where it is not.

    Raises OutsideError when its configuration cannot be read.
    """
    folder = _folder(name, revision)
    if folder is None or not (folder / "config.json").is_file():
        return None
    longest = max_length_of(folder / "config.json")
    return BaseModel(
        name=name, revision="", sha256="", parameters=0, location=str(folder), max_length=longest
    )


def _folder(name: str, revision: str | None) -> Path | None:
    if name == BUNDLED:
        return bundled_folder()
    if name.startswith((".", "/", "~")) or Path(name).is_dir():
        return Path(name).expanduser()
    if find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except (OSError, ValueError):  # not in the cache, or no name of a model
        return None


class _Counter:
    def __init__(self, base: BaseModel, limit: int) -> None:
        self._base = base
        self._limit = limit
        self._labeller: Labeller | None = None
        self._broken = ""

    def _load(self) -> None:
        from ftgate.edges.loading import load_tokenizer

        try:
            self._labeller = Labeller(load_tokenizer(self._base, "right"))
        except (FtgateError, OSError, ValueError) as error:
            self._broken = f"its tokenizer cannot be loaded: {error}"

    def __call__(self, example: Example) -> Counted | str:
        if self._labeller is None and not self._broken:
            self._load()
        if self._labeller is None:
            return self._broken
        (done,) = self._labeller.label([example])
        if done.refused:
            return told(example, done.refused)
        lengths = [len(row.input_ids) for row in done.rows]
        return Counted(
            tokens=max(lengths),
            trained=sum(row.trained for row in done.rows),
            kept=sum(trained_in(row.labels[: self._limit]) for row in done.rows),
            rows=len(lengths),
            over=sum(length > self._limit for length in lengths),
        )
