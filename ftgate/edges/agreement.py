"""Whether two forms of one model say the same: teacher-forced on the same tokens, nothing is generated."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ftgate.edges.tokens import IGNORED, prompt_ids, tokenize
from ftgate.errors import InputError
from ftgate.ports import Task
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.evaluation import Prompt
from ftgate.values.finding import Place
from ftgate.values.run_card import Agreement

_ASKED = ("regression", "held-out")


class Text(NamedTuple):
    """Token ids, and the places (from 1 on) of those that are to be foretold from all before them."""

    ids: list[int]
    places: list[int]


class Foretold(NamedTuple):
    """For every place of every text the most likely token, and the sum of negative log likelihoods in nats."""

    top: list[int]
    nll: float


def texts(tokenizer: Any, prompts: Iterable[Prompt], most: int) -> list[Text]:
    """Every prompt that decides: its reply is foretold where there is a reference, else the prompt itself. What is
    longer than `most` tokens is cut. Raises InputError when nothing is left to compare on."""
    found = [_cut(_text(tokenizer, prompt), most) for prompt in prompts if prompt.kind in _ASKED]
    kept = [text for text in found if text.places]
    if not kept:
        raise InputError(
            "there is no regression prompt and no held-out example to compare the exported form on",
            advice="Name a run that evaluated: --out DIR with its run.json.",
        )
    return kept


def _text(tokenizer: Any, prompt: Prompt) -> Text:
    if not prompt.reference:
        ids = prompt_ids(tokenizer, prompt.messages)
        return Text(ids, list(range(1, len(ids))))
    reply = Message(role="assistant", content=prompt.reference)
    example = Example(
        place=Place(path=prompt.source or prompt.id),
        format=Format.CONVERSATION,
        messages=(*prompt.messages, reply),
    )
    rendered = tokenize(tokenizer, example)
    places = [place for place, label in enumerate(rendered.labels) if place and label != IGNORED]
    return Text(rendered.input_ids, places)


def _cut(text: Text, most: int) -> Text:
    return Text(text.ids[:most], [place for place in text.places if place < most])


def foretell(model: Any, asked: Sequence[Text], task: Task) -> Foretold:
    """What a model foretells; one text at a time, and logits of its places only."""
    import torch

    top: list[int] = []
    nll = 0.0
    with torch.inference_mode():
        for text in asked:
            ids = torch.tensor([text.ids], device=model.device)
            before = torch.tensor([place - 1 for place in text.places], device=model.device)
            # Without a cache: some models leave the boundaries of a text where there is one.
            logits = model(input_ids=ids, use_cache=False).logits[0].index_select(0, before).float()
            top += logits.argmax(-1).tolist()
            nll += float(torch.nn.functional.cross_entropy(logits, ids[0, before + 1], reduction="sum"))
            task.advance()
    return Foretold(top, nll)


def agreement(asked: Sequence[Text], trained: Foretold, exported: Foretold, minimum: float) -> Agreement:
    """The figures. A loss that is no finite number agrees with nothing."""
    tokens = sum(len(text.places) for text in asked)
    same = sum(one == other for one, other in zip(trained.top, exported.top, strict=True))
    finite = math.isfinite(trained.nll) and math.isfinite(exported.nll)
    return Agreement(
        texts=len(asked),
        tokens=tokens,
        top1=same / tokens if finite else 0.0,
        nll_trained=round(trained.nll / tokens, 6) if finite else 0.0,
        nll_exported=round(exported.nll / tokens, 6) if finite else 0.0,
        minimum=minimum,
    )
