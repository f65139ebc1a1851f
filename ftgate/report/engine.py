"""How a server's answers agree with those of this machine, in lines for a person."""

from collections.abc import Sequence

from ftgate.report.quote import terminal
from ftgate.report.wording import count
from ftgate.values.evaluation import Completion, Prompt

_SHOWN = 70


def agreeing(local: Sequence[Completion], served: Sequence[Completion]) -> int:
    """How many completions are the same text."""
    return sum(one.text.strip() == other.text.strip() for one, other in zip(local, served, strict=True))


def same_prompts(local: Sequence[int], served: Sequence[int]) -> int:
    """How many prompts have the same number of tokens on both sides."""
    return sum(one == other for one, other in zip(local, served, strict=True))


def engine_lines(
    prompts: Sequence[Prompt],
    tokens: tuple[Sequence[int], Sequence[int]],
    answers: tuple[Sequence[Completion], Sequence[Completion]],
) -> list[str]:
    """Token counts and texts, this machine first. Where texts differ both are shown, up to what fits on a line."""
    lines = [
        f"prompts read alike: {same_prompts(*tokens)} of {count(len(prompts), 'prompt')}",
        f"answers alike:      {agreeing(*answers)} of {count(len(prompts), 'prompt')}",
    ]
    for prompt, here, there, local, served in zip(prompts, *tokens, *answers, strict=True):
        if here != there:
            lines.append(f"  {terminal(prompt.id)}: {here} tokens here, {there} there")
        if local.text.strip() != served.text.strip():
            lines.append(f"  {terminal(prompt.id)}: here  {terminal(_short(local.text))}")
            lines.append(f"  {' ' * len(prompt.id)}  there {terminal(_short(served.text))}")
    return lines


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
