"""Examples for tests that need one or two."""

from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place


def conversation(text: str, reply: str, line: int = 1) -> Example:
    """A user turn and a reply."""
    turns = (Message(role="user", content=text), Message(role="assistant", content=reply))
    return Example(place=Place(path="a.jsonl", line=line), format=Format.CONVERSATION, messages=turns)
