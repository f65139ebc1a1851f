"""Which text of a rendered conversation the model must say: what follows its prompt, up to the token that ends it.

The prompt of a turn is what the template renders before it with the generation prompt, as at inference. What the
template's own markers say is not asked: they may leave the end of a turn out (GLM's did), and many templates have none.
Where a template renders earlier turns otherwise than last ones (thinking is stripped), the turns cannot share a row:
each gets the row in which it is last.
"""

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from ftgate.edges.chat import (
    TEMPLATE,
    Chat,
    Form,
    Refused,
    Unrenderable,
    forms,
    left_out,
    reply_left_out,
    template_of,
)
from ftgate.values.dataset import Example, Message

_THINKING = re.compile(r"<think>\s*(</think>\s*)?\Z")
_NOTHING_THOUGHT = "\n</think>\n\n"
"""How DeepSeek's models close thoughts that they do not have. https://huggingface.co/deepseek-ai/DeepSeek-R1"""


class Turn(NamedTuple):
    """What the model sees, what it must say, and what the template writes after it (never said, never trained)."""

    prompt: str
    reply: str
    tail: str


class Row(NamedTuple):
    """The last turn of a row, and the trained turns within its prompt."""

    last: Turn
    within: tuple[Turn, ...]


def rows_of(tokenizer: Any, example: Example, stops: Sequence[str]) -> list[Row]:
    """The rows that train every assistant turn of an example but those of weight 0; `stops` end a generation.

    Raises Refused when the template cannot render the example, or leaves a part of it out.
    """
    refused: Refused | None = None
    raised: Refused | None = None
    for form in forms(template_of(tokenizer, example.tools), example.messages):
        try:
            chat = Chat(tokenizer, example.messages, example.tools, form)
            return _grouped(_turns(chat, example, _pattern(stops)))
        except Unrenderable as error:
            raised = raised or error
        except Refused as error:
            raised = raised or error
            refused = refused or (None if form.as_parts else error)
    worst = refused or raised
    assert worst is not None  # there is a form for every conversation
    raise _explained(tokenizer, example, worst)


def whole(tokenizer: Any, example: Example) -> str:
    """All messages as one text, for an example in which nothing is trained."""
    return Chat(tokenizer, example.messages, example.tools, Form()).upto(len(example.messages))


def _turns(chat: Chat, example: Example, stops: "re.Pattern[str] | None") -> list[Turn]:
    turns = []
    for index, message in enumerate(example.messages):
        if message.role == "assistant" and message.weight != 0:
            turn = _turn(chat, index, message, stops)
            if missing := left_out(turn.prompt, example.messages[:index], example.tools):
                raise Refused(f"{TEMPLATE} leaves out {missing}", _advice(missing))
            turns.append(turn)
    return turns


def _turn(chat: Chat, index: int, message: Message, stops: "re.Pattern[str] | None") -> Turn:
    if index == 0:
        raise Refused(
            "the first turn is the model's own, and there is nothing that it would answer",
            "Begin the conversation with a turn of the user, or give that turn weight 0.",
        )
    prompt = chat.upto(index, prompt=True)
    shown = chat.upto(index + 1)
    said = _said(prompt, shown, message.content or "")
    if said is None:
        said = _said_later(prompt.removeprefix(chat.upto(index)), shown, message)
    if missing := reply_left_out(said, message):
        raise Refused(f"{TEMPLATE} leaves out {missing}", _advice(missing))
    end = stops.search(said) if stops else None
    if end is None:
        return Turn(prompt, *_ended(chat, index, said, shown, stops))
    if reply_left_out(said[: end.start()], message):
        raise Refused(
            f"the reply has {end[0]} in its midst, where a generation ends", "Take it out of the text."
        )
    return Turn(prompt, said[: end.end()], said[end.end() :])


def _said(prompt: str, shown: str, content: str) -> str | None:
    """What the model must say after its prompt so that the turn is said; None where the prompt is not shown so."""
    if shown.startswith(prompt):
        return shown[len(prompt) :]
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(prompt, shown, strict=False)))
    if not prompt[common:].strip():
        return shown[common:]  # the template wraps what it shows in other white space than what it asks with
    thinking = _THINKING.search(prompt)
    if thinking is None or thinking.start() > common:
        return None
    answer = shown[thinking.start() :]
    if thinking[1]:
        return answer
    reasoning, closed, rest = content.rpartition("</think>")
    if not closed:
        return _NOTHING_THOUGHT + answer.lstrip("\n")
    between = rest[: len(rest) - len(rest.lstrip())]
    return reasoning.strip().removeprefix("<think>").lstrip("\n") + "\n" + closed + between + answer.lstrip()


def _said_later(header: str, shown: str, message: Message) -> str:
    """The same where a reply changes what stands before it (gpt-oss drops its earlier thoughts once it has answered):
    what follows the last header of a reply that leaves nothing of it out."""
    at = shown.rfind(header) if header else -1
    while at >= 0:
        said = shown[at + len(header) :]
        if not reply_left_out(said, message):
            return said
        at = shown.rfind(header, 0, at)
    raise Refused(
        f"{TEMPLATE} asks for a reply in one way and renders it in another",
        "Choose a base_model whose chat template renders replies as it asks for them.",
    )


def _ended(chat: Chat, index: int, said: str, shown: str, stops: "re.Pattern[str] | None") -> tuple[str, str]:
    """A template may leave the end of a turn to whatever comes next: GLM's turns end where <|user|> begins."""
    try:
        following = chat.followed(index + 1)
    except Unrenderable:
        return said.rstrip(), ""
    answer = said.rpartition("</think>")[2]  # what comes before it may not be rendered any more
    at = len(shown) if following.startswith(shown) else following.rfind(answer) + len(answer)
    end = stops.match(following, at) if stops and answer else None
    return (said + end[0], "") if end else (said.rstrip(), "")


def _grouped(turns: list[Turn]) -> list[Row]:
    rows: list[Row] = []
    rest = turns
    while rest:
        *rest, last = rest
        within = tuple(turn for turn in rest if last.prompt.startswith(turn.prompt + turn.reply))
        rest = [turn for turn in rest if turn not in within]
        rows.insert(0, Row(last, within))
    return rows


def _pattern(stops: Sequence[str]) -> "re.Pattern[str] | None":
    longest_first = sorted(filter(None, stops), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _advice(missing: str) -> str:
    if missing == "the tools" or "tool calls" in missing:
        return "Choose a base_model whose chat template knows tools, or write the calls into the text of the turns."
    return "Choose a base_model whose chat template shows it, or take it out of the example."


def _explained(tokenizer: Any, example: Example, refused: Refused) -> Refused:
    """Templates raise without saying what they would take: a system turn is the one thing that can be told."""
    system = [message for message in example.messages if message.role == "system"]
    if not system or not isinstance(refused, Unrenderable):
        return refused
    others = [message for message in example.messages if message.role != "system"]
    try:
        Chat(tokenizer, others, example.tools, Form()).upto(len(others))
    except Refused:
        return refused
    return Refused(
        str(refused), "It takes no system turn: put its text at the beginning of the first user turn."
    )
