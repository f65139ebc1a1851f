"""Examples for tests."""

from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place


def example(*turns: tuple[str, str | None], line: int = 1, format: Format = Format.CONVERSATION) -> Example:
    messages = tuple(Message(role=role, content=content) for role, content in turns)
    return Example(place=Place(path="a.jsonl", line=line), format=format, messages=messages)


def answer(text: str, line: int = 1) -> Example:
    return example(("user", "q"), ("assistant", text), line=line)
