"""Examples as the trainer sees them: the model's own template, token ids, and labels on assistant turns only."""

import hashlib
import json
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ftgate.edges.chat import Chat, Refused, forms, left_out, template_of
from ftgate.edges.turns import Row, Turn, rows_of, whole
from ftgate.errors import InputError
from ftgate.values.dataset import Example, Message
from ftgate.values.digest import digest
from ftgate.values.tokens import TokenSurvey
from ftgate.values.training import BaseModel

IGNORED = -100  # the label that PyTorch's cross entropy leaves out
_BATCH = 256  # examples that are tokenised in one call
_SETTLED_BY_TRANSFORMERS = ("generation_config.json", "config.json")


class Tokenized(NamedTuple):
    """Token ids and labels of one row, both of the same length; labels are IGNORED outside the loss."""

    input_ids: list[int]
    labels: list[int]

    @property
    def trained(self) -> int:
        """Number of tokens that carry loss."""
        return trained_in(self.labels)


class Labelled(NamedTuple):
    """One example: its rows, whether each trained turn ends in a stop token, or why there is no row."""

    rows: tuple[Tokenized, ...]
    stopped: bool = True
    refused: InputError | None = None


def trained_in(labels: list[int]) -> int:
    """How many labels are part of the loss."""
    return len(labels) - labels.count(IGNORED)


def rows(tokenizer: Any, example: Example) -> list[Tokenized]:
    """The rows that train one example: one, or one for each reply that the template renders otherwise later on.

    In every row the trained tokens are what the model must say after exactly the tokens that it would be asked with,
    to the token that ends the turn. Turns with weight 0 carry no loss. Raises InputError when the template cannot
    render the example or leaves a part of it out.
    """
    return all_rows(tokenizer, [example])


def all_rows(tokenizer: Any, examples: Iterable[Example]) -> list[Tokenized]:
    """The rows of all examples, in order: what a trainer trains. Raises InputError like `rows`, for the first example
    that is refused."""
    done: list[Tokenized] = []
    for labelled in label(tokenizer, examples):
        if labelled.refused:
            raise labelled.refused
        done += labelled.rows
    return done


def tokenize(tokenizer: Any, example: Example) -> Tokenized:
    """The only row of an example. Raises InputError like `rows`, and when there are several."""
    only, *more = rows(tokenizer, example)
    if more:
        raise InputError(
            f"{_place(example)}: the template renders a turn differently once more turns follow: {len(more) + 1} rows"
        )
    return only


def label(tokenizer: Any, examples: Iterable[Example]) -> Iterator[Labelled]:
    """Every example in order; many are tokenised together."""
    left = iter(examples)
    labeller = Labeller(tokenizer)
    while batch := list(islice(left, _BATCH)):
        yield from labeller.label(batch)


def stop_ids(tokenizer: Any) -> frozenset[int]:
    """The tokens at which a generation with this model ends: those of its generation_config and the tokenizer's own.

    transformers takes config.json's where there is no generation_config.json, and so does this.
    """
    ends = {tokenizer.eos_token_id}
    for name in _SETTLED_BY_TRANSFORMERS:
        file = Path(tokenizer.name_or_path or "") / name
        if file.is_file():
            declared = _declared_ends(file)
            ends.update(declared if isinstance(declared, list) else [declared])
            break
    return frozenset(end for end in ends if isinstance(end, int) and end < len(tokenizer))


class LocalTokenizer:
    """Port Tokenizer: the base model's own, on this machine."""

    def survey(self, base_model: BaseModel, examples: Sequence[Example]) -> TokenSurvey:
        """Every example once, in order."""
        from ftgate.edges.loading import load_tokenizer, quiet

        with quiet():
            tokenizer = load_tokenizer(base_model, "right")
            return survey(tokenizer, examples)


def survey(
    tokenizer: Any, examples: Sequence[Example], advance: Callable[[int], None] | None = None
) -> TokenSurvey:
    """What a tokenizer that is loaded makes of examples; `advance` hears of each one."""
    hashed = hashlib.sha256()
    tokens, longest, trained, rows_each = [], [], [], []
    unstopped, refused = [], []
    for index, (example, done) in enumerate(zip(examples, label(tokenizer, examples), strict=True)):
        lengths = [len(row.input_ids) for row in done.rows]
        tokens.append(sum(lengths))
        longest.append(max(lengths, default=0))
        trained.append(sum(row.trained for row in done.rows))
        rows_each.append(len(lengths))
        for row in done.rows:
            hashed.update(_bytes(row))
        hashed.update(b";")
        if done.refused:
            refused.append((index, told(example, done.refused)))
        elif not done.stopped:
            unstopped.append(index)
        if advance:
            advance(1)
    return TokenSurvey(
        sha256=hashed.hexdigest(),
        tokens=tuple(tokens),
        trained=tuple(trained),
        unstopped=tuple(unstopped),
        refused=tuple(refused),
        template_sha256=digest(tokenizer.chat_template),
        longest=tuple(longest),
        rows=tuple(rows_each),
    )


def told(example: Example, refused: InputError) -> str:
    """Why an example is refused and what to do about it, without its place."""
    said = refused.message.removeprefix(f"{_place(example)}: ")
    return f"{said}. {refused.advice}" if refused.advice else said


def prompt_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """Token ids of a prompt up to where the assistant begins to speak, in the form that is trained.

    Raises InputError when the template cannot render it. What a template leaves out of a prompt it leaves out.
    """
    known: list[str] = []
    problem: Refused | None = None
    for form in forms(template_of(tokenizer, ()), messages):
        try:
            text = Chat(tokenizer, messages, (), form).upto(len(messages), prompt=True)
        except Refused as error:
            problem = problem or error
            continue
        known.append(text)
        if not left_out(text, messages, ()):
            return _encoded(tokenizer, [text])[0]
    if known:
        return _encoded(tokenizer, known[:1])[0]
    raise InputError(f"a prompt cannot be asked: {problem}", advice=problem.advice if problem else "")


class Labeller:
    """Labels examples with one tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.ends = stop_ids(tokenizer)
        self._stops = [str(tokenizer.convert_ids_to_tokens(end)) for end in self.ends]
        newline, letter, both = _encoded(tokenizer, ["\n", "a", "\na"])
        self._joins = newline + letter == both  # a text has the same tokens alone and after another one

    def label(self, examples: Sequence[Example]) -> Iterator[Labelled]:
        """Every example in order, tokenised in one call."""
        planned = [self._planned(example) for example in examples]
        ids = self._ids(
            text for plan in planned if isinstance(plan, list) for row in plan for text in _texts(row)
        )
        for plan in planned:
            yield plan if isinstance(plan, Labelled) else self._labelled(plan, ids)

    def _planned(self, example: Example) -> list[Row] | Labelled:
        try:
            planned = rows_of(self._tokenizer, example, self._stops)
            return planned or [Row(Turn(whole(self._tokenizer, example), "", ""), ())]
        except Refused as error:
            return Labelled((), refused=InputError(f"{_place(example)}: {error}", advice=error.advice))

    def _ids(self, texts: Iterable[str]) -> dict[str, list[int]]:
        once = list(dict.fromkeys(texts))
        return dict(zip(once, _encoded(self._tokenizer, once), strict=True))

    def _labelled(self, planned: list[Row], ids: dict[str, list[int]]) -> Labelled:
        done: list[Tokenized] = []
        stopped = True
        for row in planned:
            prompt = ids[row.last.prompt]
            pieces = [ids[piece] for piece in _pieces(row)]
            labels = [token if at % 2 else IGNORED for at, piece in enumerate(pieces) for token in piece]
            ended = [piece[-1] in self.ends for piece in pieces[1::2] if piece]
            if [token for piece in pieces for token in piece] != prompt:
                # A cut changes the tokens around it: each turn gets a row in which its prompt is whole.
                labels = [IGNORED] * len(prompt)
                apart = self._labelled([Row(turn, ()) for turn in row.within], self._ids(self._apart(row)))
                done += apart.rows
                ended = [apart.stopped]
            said, tail = self._after(row.last, ids)
            done.append(Tokenized(prompt + said + tail, labels + said + [IGNORED] * len(tail)))
            stopped = stopped and all(ended) and (not said or said[-1] in self.ends)
        return Labelled(tuple(done), stopped)

    def _apart(self, row: Row) -> Iterator[str]:
        for turn in row.within:
            yield from turn

    def _after(self, turn: Turn, ids: dict[str, list[int]]) -> tuple[list[int], list[int]]:
        """Tokens of a reply and its tail, as they follow a prompt that was tokenised by itself.

        Some tokenizers put a space before the first word of every text. There the reply is taken from the whole, or
        follows a line end where that would change the prompt.
        """
        if self._joins or not turn.reply:
            return ids[turn.reply], ids[turn.tail]
        prompt = ids[turn.prompt]
        joined, said = _encoded(self._tokenizer, ["".join(turn), turn.prompt + turn.reply])
        if said[: len(prompt)] == prompt and joined[: len(said)] == said:
            return said[len(prompt) :], joined[len(said) :]
        newline, after = _encoded(self._tokenizer, ["\n", "\n" + turn.reply])
        return (after[len(newline) :] if after[: len(newline)] == newline else ids[turn.reply]), []


def _place(example: Example) -> str:
    return f"{example.place.path}:{example.place.line}"


def _texts(row: Row) -> Iterator[str]:
    yield from row.last
    if row.within:
        yield from _pieces(row)


def _pieces(row: Row) -> list[str]:
    """The prompt of a row, cut where its trained turns begin and end: every other piece is trained."""
    cuts = [0]
    for turn in row.within:
        cuts += [len(turn.prompt), len(turn.prompt) + len(turn.reply)]
    text = row.last.prompt
    return [text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def _encoded(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    if not texts:
        return []
    encoded = tokenizer(texts, add_special_tokens=False, return_attention_mask=False, verbose=False)
    return list(encoded["input_ids"])


def _declared_ends(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes()).get("eos_token_id")
    except (ValueError, AttributeError):
        return None  # loading the model says what is wrong with it


def _bytes(row: Tokenized) -> bytes:
    """Ids and labels as 32-bit numbers, the lowest byte first on every machine."""
    packed = array("i", [len(row.input_ids), *row.input_ids, *row.labels])
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()
