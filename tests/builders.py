"""Values that look like the domain, for tests."""

import json
from collections.abc import Iterable, Mapping

SYSTEM = "You sort messages."
SETTINGS = """\
behavior: Reply to a message with one JSON object with the key 'topic'.
base_model: fake
data:
  train: [data/train/*.jsonl]
  held_out: [data/held_out.jsonl]
  system_prompt: You sort messages.
  task: format
regression: [regression/*.yaml]
evaluation: {samples: 0, base_sample: 0, probes: false}
policy: {max_broken: 2, margin: 0.2}
"""
TOPICS = ("late", "damaged", "price", "address")


def line(text: str, topic: str) -> str:
    """One conversation as a line."""
    turns = [("system", SYSTEM), ("user", text), ("assistant", json.dumps({"topic": topic}))]
    return json.dumps({"messages": [{"role": role, "content": content} for role, content in turns]}) + "\n"


def lines(pairs: Iterable[tuple[str, str]]) -> str:
    """Conversations, one a line."""
    return "".join(line(text, topic) for text, topic in pairs)


def pairs(count: int, start: int = 0, swap: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """`count` messages per topic; the topic's name is the first word, so that the fake model can learn it."""
    numbers = range(start, start + count)
    return [(f"{t} message number {n} about {t}", (swap or {}).get(t, t)) for n in numbers for t in TOPICS]


def prompts(count: int, start: int = 900) -> str:
    """Regression prompts as YAML, `count` per topic."""
    return "".join(
        f"- id: {topic}-{n}\n  protects: {topic} messages\n  messages:\n"
        f"    - {{role: system, content: {SYSTEM}}}\n    - {{role: user, content: {text}}}\n"
        f"  expect:\n    json_fields: {{topic: {topic}}}\n"
        for n, (text, topic) in enumerate(pairs(count, start))
    )


def base_files(train: int = 30, held_out: int = 5) -> dict[str, str]:
    """The base branch of a small repository with settings, data, held-out set and regression prompts."""
    return {
        "README.md": "# Messages\n",
        "ftgate.yaml": SETTINGS,
        "data/train/a.jsonl": lines(pairs(train)),
        "data/held_out.jsonl": lines(pairs(held_out, start=500)),
        "regression/topics.yaml": prompts(2),
    }
