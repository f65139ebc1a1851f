"""One example as the trainer sees it, read back from its token ids: what is shown is what is trained."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ftgate.edges.jsonl import read_jsonl
from ftgate.edges.loading import load_tokenizer, quiet
from ftgate.edges.meter import local_base
from ftgate.edges.tokens import IGNORED, Labeller, Tokenized, survey, told
from ftgate.errors import InputError, OutsideError
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Severity
from ftgate.values.tokens import Seen, SeenRow, Stretch, TokenSurvey
from ftgate.values.training import BaseModel

_WITHOUT_WEIGHTS = ["*.json", "*.jinja", "*.model", "*.txt"]


class TokenView:
    """Shows examples with the tokenizer of one base model; rows are marked at `limit` tokens."""

    def __init__(self, base: BaseModel, limit: int) -> None:
        with quiet():
            self._tokenizer: Any = load_tokenizer(base, "right")
            self._labeller = Labeller(self._tokenizer)
        self._limit = limit

    def survey(self, examples: Sequence[Example], advance: Callable[[int], None]) -> TokenSurvey:
        """What a file is for the trainer; `advance` hears of every batch."""
        with quiet():
            return survey(self._tokenizer, examples, advance)

    def look(self, examples: Sequence[Example]) -> Iterator[Seen]:
        """Every example in order."""
        with quiet():
            labelled = list(self._labeller.label(examples))
        for example, done in zip(examples, labelled, strict=True):
            yield Seen(
                path=example.place.path,
                line=example.place.line,
                rows=tuple(self._row(row) for row in done.rows),
                refused=told(example, done.refused) if done.refused else "",
                stopped=done.stopped,
            )

    def _row(self, row: Tokenized) -> SeenRow:
        marked = [
            (label != IGNORED, label != IGNORED and token in self._labeller.ends, at >= self._limit, token)
            for at, (token, label) in enumerate(zip(row.input_ids, row.labels, strict=True))
        ]
        stretches = []
        for (trained, stop, beyond), tokens in groupby(marked, key=lambda each: each[:3]):
            ids = [token for *_, token in tokens]
            text = self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
            stretches.append(Stretch(text=text, tokens=len(ids), trained=trained, stop=stop, beyond=beyond))
        return SeenRow(tokens=len(row.input_ids), trained=row.trained, stretches=tuple(stretches))


def base_without_weights(name: str, revision: str | None, token: str | None) -> BaseModel:
    """The base model as far as a tokenizer needs it: what is not on this machine is fetched, weights never are.

    Raises OutsideError when it can be found nowhere.
    """
    base = local_base(name, revision)
    if base is None and not name.startswith((".", "/", "~", "bundled:")) and not Path(name).is_dir():
        from huggingface_hub import snapshot_download

        try:
            snapshot_download(name, revision=revision, allow_patterns=_WITHOUT_WEIGHTS, token=token)
        except (OSError, ValueError) as error:
            raise OutsideError(
                f"base_model: the tokenizer of {name} cannot be fetched: {error}",
                advice="Check the name and the network, or give a local path; HF_TOKEN opens private models.",
            ) from error
        base = local_base(name, revision)
    if base is None:
        raise OutsideError(
            f"base_model: there is no config.json of {name}", advice="Correct its name or path."
        )
    return base


def examples_of(file: Path) -> tuple[list[Example], int]:
    """The examples of a file, and how many of its lines cannot be read."""
    with _opened(file) as stream:
        things = list(read_jsonl(file.as_posix(), stream))
    bad = {thing.line for thing in things if isinstance(thing, Finding) and thing.severity is Severity.ERROR}
    return [thing for thing in things if isinstance(thing, Example)], len(bad)


def example_at(file: Path, line: int) -> Example:
    """The example on a physical line. Raises InputError when there is none, and says why."""
    problem = ""
    with _opened(file) as stream:
        reading = read_jsonl(file.as_posix(), stream)
        for thing in reading:
            place = thing.place.line if isinstance(thing, Example) else thing.line
            if isinstance(thing, Example) and place == line:
                return thing
            if isinstance(thing, Finding) and place == line:
                problem = problem or thing.message
            if place > line:
                break
        else:
            if not problem and line > reading.file.lines:
                raise InputError(f"{file}: there is no line {line}: it has {reading.file.lines}")
    raise InputError(
        f"{file}:{line}: {problem or 'this line holds no example'}",
        advice=f"ftgate validate {file} says more about it.",
    )


def _opened(file: Path) -> Any:
    if not file.is_file():
        raise InputError(f"{file}: no such file", advice="Name a JSONL file: ftgate tokens FILE")
    return file.open("rb")
