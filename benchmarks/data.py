"""Conversation lines to measure with: seeded, English-like, with the JSON outputs, escapes and repeats of real data."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

_SYLLABLES = [
    *(
        "an",
        "be",
        "con",
        "der",
        "ea",
        "fil",
        "gra",
        "hol",
        "ing",
        "jec",
        "ka",
        "lum",
        "mer",
        "no",
        "or",
        "pre",
    ),
    *("qui", "ra", "sto", "ter", "un", "ver", "wi", "xi", "ya", "zen"),
]
_SYSTEMS = (
    "You are a support assistant of a bank. Answer politely and stay with the facts.",
    "Read the message and reply with one JSON object and nothing else.",
)
_INTENTS = ("lost_card", "top_up", "refund", "exchange_rate", "new_device", "close_account")
_JOINTS = (*([".", ",", ". Then", ";", "?", ", and"] * 8), " — so", " 48", " 1200")


class _Words:
    """Words of a Zipf-like law: few are frequent, most are rare."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._words = sorted(
            {"".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(20_000)}
        )
        chance.shuffle(self._words)

    def text(self, words: int) -> str:
        """Sentences with commas, quotation marks, line breaks, dashes and a number here and there."""
        chance, count = self._chance, len(self._words)
        parts = [self._words[min(int(count ** chance.random()), count) - 1] for _ in range(words)]
        for at in range(9, words, 11):
            parts[at] += chance.choice(_JOINTS)
        for at in range(40, words, 60):
            parts[at] += chance.choice(("\n", "\n\n", ' "as said"', " (see above)"))
        return " ".join(parts).capitalize()


def lines(size: int, seed: int = 7, bad: float = 0.0) -> Iterator[bytes]:
    """Conversation lines: 54 % JSON outputs, 20 % of several turns, 1 % repeats, 1 % contradictions."""
    chance = random.Random(seed)
    words = _Words(chance)
    kept: list[list[dict[str, str]]] = []
    written = 0
    while written < size:
        turns = _line(chance, words, kept)
        raw = json.dumps({"messages": turns}, ensure_ascii=chance.random() < 0.1).encode() + b"\n"
        if chance.random() < bad:
            raw = _broken(chance, raw)
        written += len(raw)
        yield raw


def _broken(chance: random.Random, raw: bytes) -> bytes:
    """One of the ways in which lines go wrong: cut short, a key twice, NaN, a role or a type that is none."""
    return chance.choice(
        (
            raw[: len(raw) // 2].rstrip() + b"\n",
            raw.replace(b'"role": ', b'"role": "user", "role": ', 1),
            raw[:-2] + b', "metadata": {"score": NaN}}\n',
            raw.replace(b'"assistant"', b'"asistant"', 1),
            raw.replace(b'"content": "', b'"content": 5, "note": "', 1),
        )
    )


def _line(chance: random.Random, words: _Words, kept: list[list[dict[str, str]]]) -> list[dict[str, str]]:
    kind = chance.random()
    if kept and kind < 0.01:
        return chance.choice(kept)
    if kept and kind < 0.02:
        return [*chance.choice(kept)[:-1], _turn("assistant", words.text(40))]
    as_json = chance.random() < 0.54
    turns = [_turn("system", _SYSTEMS[as_json])]
    for _ in range(chance.randint(2, 3) if chance.random() < 0.2 else 1):
        turns.append(_turn("user", words.text(int(chance.lognormvariate(4.15, 0.5)))))
        turns.append(_turn("assistant", words.text(int(chance.lognormvariate(3.75, 0.5)))))
    if as_json:
        turns[-1] = _turn("assistant", _json_output(chance, words))
    if len(kept) < 5000:
        kept.append(turns)
    return turns


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _json_output(chance: random.Random, words: _Words) -> str:
    value = {
        "intent": chance.choice(_INTENTS),
        "summary": words.text(30),
        "needs_human": chance.random() < 0.3,
        "confidence": round(chance.random(), 3),
        "next_steps": [words.text(8) for _ in range(chance.randint(1, 3))],
    }
    return json.dumps(value, ensure_ascii=False)


def write(path: Path, size: int, seed: int = 7, bad: float = 0.0) -> None:
    """Writes the lines to a file, unless it is there already."""
    if path.exists():
        return
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        file.writelines(lines(size, seed, bad))
    beside.rename(path)
