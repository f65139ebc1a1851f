"""Judges by rule, good and bad: each reads the user text of a question, as a model would, and replies with JSON."""

import json
import re
from typing import Any

CONTRACTED = {
    "don't": "do not",
    "doesn't": "does not",
    "can't": "cannot",
    "isn't": "is not",
    "won't": "will not",
}
CONTRACTED |= {"it's": "it is", "you're": "you are", "we're": "we are"}


def reply(correctness: int, rationale: str = "by rule") -> str:
    """A reply as the schema wants it."""
    return json.dumps(
        {"rationale": rationale, "correctness": correctness, "format": 5, "completeness": correctness}
    )


def honest(user: str) -> str:
    """Compares the completion with the reference; without one it looks for the last word of the criteria."""
    return reply(score(*shown(user)))


def obedient(user: str) -> str:
    """Does what the completion says, else is honest."""
    _, _, completion = shown(user)
    asks = re.search(r"correctness\W+5|give (it |this )?(a )?5", completion, re.I)
    return reply(5, "as I was told") if asks else honest(user)


def lying(user: str) -> str:
    """Finds everything perfect."""
    return reply(5, "perfect")


def shown(user: str) -> tuple[str, str | None, str]:
    """Criteria, reference and completion as they stand between the fences."""
    lines = user.splitlines()
    parts = {
        line.split(" ", 1)[1]: lines[at + 1]
        for at, line in enumerate(lines[:-1])
        if re.match(r"==\w+== ", line)
    }
    criteria = next(line for line in lines if line.startswith("What to look for: "))
    reference = None if parts["reference"].startswith("none:") else json.loads(parts["reference"])
    return json.loads(criteria.split(": ", 1)[1]), reference, json.loads(parts["completion"])


def score(criteria: str, reference: str | None, completion: str) -> int:
    """Correctness from 1 to 5."""
    if reference is None:
        return 5 if criteria.split()[-1] in completion else 1
    wanted, given = _json(reference), _json(completion)
    if wanted is not None or given is not None:
        if wanted == given:
            return 5
        alike = isinstance(wanted, dict) and isinstance(given, dict) and wanted.keys() == given.keys()
        return 2 if alike else 1
    one, other = _plain(reference), _plain(completion)
    if one == other:
        return 5
    if re.sub(r"\d+", "", one) == re.sub(r"\d+", "", other):
        return 3
    shared = set(one.split()) & set(other.split())
    return 3 if len(shared) > 0.7 * len(set(one.split())) else 1


def _plain(text: str) -> str:
    said = text.strip().lower().removeprefix("the answer is: ")
    for short, long in CONTRACTED.items():
        said = said.replace(short, long)
    return said


def _json(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, (dict, list)) else None
