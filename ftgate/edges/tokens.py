"""Examples as the trainer sees them: the model's own template, token ids, and labels on assistant turns only."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from ftgate.errors import InputError
from ftgate.values.dataset import Example, plain_messages
from ftgate.values.digest import digest
from ftgate.values.tokens import TokenSurvey
from ftgate.values.training import BaseModel

_MARKERS = re.compile(r"\{%-?\s*generation\b")
IGNORED = -100  # the label that PyTorch's cross entropy leaves out


class Tokenized(NamedTuple):
    """Token ids and labels of one example, both of the same length; labels are IGNORED outside the loss."""

    input_ids: list[int]
    labels: list[int]

    @property
    def trained(self) -> int:
        """Number of tokens that carry loss."""
        return sum(label != IGNORED for label in self.labels)


def tokenize(tokenizer: Any, example: Example) -> Tokenized:
    """Renders and labels one example.

    Turns with weight 0 carry no loss. Raises InputError when the template cannot be rendered or when it
    cannot be told which tokens an assistant turn consists of.
    """
    from jinja2 import TemplateError

    messages = plain_messages(example.messages)
    try:
        if _MARKERS.search(tokenizer.chat_template):
            ids, mask = _by_markers(tokenizer, messages, example)
        else:
            ids, mask = _by_prefixes(tokenizer, messages, example)
    except (TypeError, ValueError, KeyError, TemplateError) as error:
        place = example.place
        raise InputError(
            f"{place.path}:{place.line}: the base model's chat template cannot render this example: {error}"
        ) from error
    return Tokenized(ids, [token if kept else IGNORED for token, kept in zip(ids, mask, strict=True)])


class LocalTokenizer:
    """Port Tokenizer: the base model's own, on this machine."""

    def survey(self, base_model: BaseModel, examples: Sequence[Example]) -> TokenSurvey:
        """Every example once, in order."""
        from ftgate.edges.loading import load_tokenizer, quiet

        with quiet():
            tokenizer = load_tokenizer(base_model, "right")
            seen: list[Tokenized] = []
            refused: list[tuple[int, str]] = []
            for index, example in enumerate(examples):
                try:
                    seen.append(tokenize(tokenizer, example))
                except InputError as error:
                    seen.append(Tokenized([], []))
                    refused.append((index, error.message))
        return TokenSurvey(
            sha256=digest([each._asdict() for each in seen]),
            tokens=tuple(len(each.input_ids) for each in seen),
            trained=tuple(each.trained for each in seen),
            refused=tuple(refused),
            template_sha256=digest(tokenizer.chat_template),
        )


def prompt_ids(tokenizer: Any, messages: Sequence[Any]) -> list[int]:
    """Token ids of a prompt up to where the assistant begins to speak."""
    encoded = tokenizer.apply_chat_template(
        plain_messages(messages), add_generation_prompt=True, tokenize=True, return_dict=True
    )
    return list(encoded["input_ids"])


def _render(tokenizer: Any, messages: list[dict[str, Any]], example: Example, **options: Any) -> Any:
    tools = [dict(tool) for tool in example.tools] or None
    return tokenizer.apply_chat_template(messages, tools=tools, tokenize=True, return_dict=True, **options)


def _by_markers(
    tokenizer: Any, messages: list[dict[str, Any]], example: Example
) -> tuple[list[int], list[bool]]:
    encoded = _render(tokenizer, messages, example, return_assistant_tokens_mask=True)
    ids, mask = list(encoded["input_ids"]), [bool(kept) for kept in encoded["assistant_masks"]]
    weights = iter([m.get("weight") for m in messages if m["role"] == "assistant"])
    weight: int | None = None
    for index, kept in enumerate(mask):
        if kept and (index == 0 or not mask[index - 1]):
            weight = next(weights, None)
        if kept and weight == 0:
            mask[index] = False
    return ids, mask


def _by_prefixes(
    tokenizer: Any, messages: list[dict[str, Any]], example: Example
) -> tuple[list[int], list[bool]]:
    """An assistant turn is what the rendering gains when the turn is added to its prompt."""
    ids = list(_render(tokenizer, messages, example)["input_ids"])
    mask = [False] * len(ids)
    for index, message in enumerate(messages):
        if message["role"] != "assistant" or message.get("weight") == 0:
            continue
        before = _render(tokenizer, messages[:index], example, add_generation_prompt=True)["input_ids"]
        after = _render(tokenizer, messages[: index + 1], example)["input_ids"]
        if ids[: len(before)] != list(before) or ids[: len(after)] != list(after):
            raise ValueError("the template renders a turn differently once more turns follow")
        mask[len(before) : len(after)] = [True] * (len(after) - len(before))
    return ids, mask
