"""Chats to train on, seeded: short replies in JSON to messages whose lengths have a long tail, as real ones do."""

import json
import random
from typing import Any

_TOPICS = {
    "card": ["card", "stolen", "lost", "blocked", "arrived", "pin", "contactless"],
    "transfer": ["transfer", "recipient", "pending", "sent", "account", "reference"],
    "refund": ["refund", "merchant", "returned", "money", "back", "purchase"],
    "cash": ["cash", "machine", "withdrawn", "notes", "swallowed", "limit"],
}
_SAID = (
    "please could you tell me why my since yesterday again the and when I was on holiday it did not "
    "work thank you very much for your help with this as soon as possible"
)
_FILLER = _SAID.split()
_SYSTEM = "Read the message and reply with one JSON object: topic and urgent."


def chats(count: int, words: float, seed: int) -> list[dict[str, Any]]:
    """`words` is about the median length of a message; the longest of a few hundred has ten times as many."""
    chance = random.Random(seed)
    return [{"messages": _chat(chance, words)} for _ in range(count)]


def _chat(chance: random.Random, words: float) -> list[dict[str, str]]:
    topic = chance.choice(sorted(_TOPICS))
    length = max(4, round(words * chance.lognormvariate(0, 0.8)))
    said = [chance.choice(_TOPICS[topic] if chance.random() < 0.3 else _FILLER) for _ in range(length)]
    urgent = "possible" in said
    return [
        {"role": "system", "content": _SYSTEM},
        {"role": "user", "content": " ".join(said)},
        {"role": "assistant", "content": json.dumps({"topic": topic, "urgent": urgent})},
    ]
