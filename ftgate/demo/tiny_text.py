"""The tiny model's pretraining text: seeded conversations written from patterns, with the standard library only.

Most of them have a customer's message answered by a short structured reply, so that the weights know what such
messages mean and fine-tuning only has to attach new label names. The rest is copying, ordering, counting and choosing.
Conversation number `i` of a stream depends on the seed, the stream and `i` alone, never on `hash()` or on what was made
before it.
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterator

from ftgate.demo.tiny_letters import (
    BUSINESSES,
    FIELDS,
    FRAMES,
    LABEL_KEYS,
    MATTER_KEYS,
    NOTHING,
    PLAIN,
    SMALL_KEYS,
    THINGS,
    fill,
    invented,
    letter,
    tidy,
)

Conversation = list[dict[str, str]]
"""Messages in order, each with the keys `role` (system, user, assistant or tool) and `content`."""


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


JSON_PROMPTS = (
    "You sort messages sent to a {b}. Reply with one JSON object with the keys {k}.",
    "Read the message and answer with a JSON object with {k}.",
    "You work for a {b}. Reply in JSON with the keys {k}.",
    "You label messages from customers of a {b}. Answer with one JSON object with the keys {k}.",
    "Return JSON only. Keys: {k}.",
    "You route the mail of a {b}. Give a JSON object with the fields {k}.",
    "Turn each message into one JSON object with the keys {k}.",
    "You triage requests to a {b}. Respond with JSON that has the keys {k}.",
)
LABEL_PROMPTS = (
    "Reply with the {k} of the message only.",
    "You sort messages sent to a {b}. Answer with the {k}, nothing else.",
    "What is the {k} of this message? Answer with one label.",
    "You label messages. Give the {k}.",
)


def _chat(system: str, *turns: str) -> Conversation:
    out = [{"role": "system", "content": system}] if system else []
    return out + [{"role": ("user", "assistant")[i % 2], "content": turn} for i, turn in enumerate(turns)]


def json_reply(rng: random.Random) -> Conversation:
    """A message answered with a JSON object whose keys the system prompt names; at times two messages in a row.

    Now and then a key that means nothing gets a fixed value, so that keys are copied from the prompt, not recalled.
    """
    keys = [rng.choice(MATTER_KEYS if rng.random() < 0.7 else LABEL_KEYS)]
    others = [k for k in (*LABEL_KEYS, *SMALL_KEYS, *SMALL_KEYS) if k not in keys]
    keys = list(dict.fromkeys([*keys, *rng.sample(others, rng.choice((0, 1, 1, 1, 2)))]))
    if rng.random() < 0.3:
        rng.shuffle(keys)
    system = rng.choice(JSON_PROMPTS).format(b=rng.choice(BUSINESSES), k=_listed(keys))
    fixed: dict[str, str | bool] = {}
    if rng.random() < 0.25:
        key, value = (
            rng.choice((invented(rng), rng.choice(PLAIN))),
            rng.choice((invented(rng), rng.choice(PLAIN), True, False)),
        )
        fixed = {f"{rng.choice(PLAIN)}_{key}" if rng.random() < 0.5 else key: value}
        system += " " + rng.choice(("Also set {} to {}.", "The key {} is always {}.")).format(
            *fixed, json.dumps(value).strip('"')
        )
    turns = []
    for _ in range(2 if rng.random() < 0.06 else 1):
        message = letter(rng)
        turns += [message.text, json.dumps({k: FIELDS[k](message) for k in keys} | fixed)]
    return _chat(system, *turns)


def bare_label(rng: random.Random) -> Conversation:
    """A message answered with one label."""
    key, message = rng.choice(LABEL_KEYS), letter(rng)
    return _chat(
        rng.choice(LABEL_PROMPTS).format(b=rng.choice(BUSINESSES), k=key),
        message.text,
        str(FIELDS[key](message)),
    )


def choice(rng: random.Random) -> Conversation:
    """A message and a few labels to choose from."""
    key, message = rng.choice(("topic", "matter", "tag", "item")), letter(rng)
    right = str(FIELDS[key](message))
    wrong = {str(FIELDS[key](letter(rng))) for _ in range(rng.randrange(2, 6))} - {right}
    options = [right, *sorted(wrong)]
    rng.shuffle(options)
    system = rng.choice(("Choose one: {o}.", "Pick the label that fits: {o}.", "Answer with one of {o}."))
    return _chat(system.format(o=", ".join(options)), message.text, right)


def same_matter(rng: random.Random) -> Conversation:
    """Two messages: do they say the same?"""
    one = letter(rng)
    while one.thing is NOTHING:
        one = letter(rng)
    kin = [f for f in FRAMES if f.name != one.frame.name and one.thing.kind in f.kinds]
    same = rng.random() < 0.5
    two = letter(rng, one.frame if same or not kin else rng.choice(kin), one.thing)
    system = rng.choice(
        ("Do both messages ask for the same? Answer yes or no.", "Same matter? Say yes or no.")
    )
    return _chat(system, f"1: {one.text}\n2: {two.text}", "yes" if two.frame is one.frame else "no")


def paraphrase(rng: random.Random) -> Conversation:
    """A message said in another way."""
    message = letter(rng)
    while message.thing is NOTHING:
        message = letter(rng)
    other = fill(rng, rng.choice(message.frame.patterns), message.thing)
    system = rng.choice(
        ("Say it in another way.", "Rewrite the message in other words.", "Put this differently.")
    )
    return _chat(system, message.text, tidy(rng, other))


def summary(rng: random.Random) -> Conversation:
    """A message summed up in a few plain words."""
    message = letter(rng)
    about = "" if message.thing is NOTHING else message.thing.name + " "
    short = (about + message.frame.labels[0]).replace("_", " ")
    return _chat(
        rng.choice(("Sum up the message in a few words.", "Write a short title.")), message.text, short
    )


# ---- words, numbers and manners ----

ORDINALS = ("first", "second", "third", "fourth", "last")
WORD_TASKS: tuple[tuple[str, Callable[[list[str]], str]], ...] = (
    ("Repeat the words.", " ".join),
    ("Copy this exactly.", " ".join),
    ("Say the words in reverse order.", lambda w: " ".join(reversed(w))),
    ("Write the words in capital letters.", lambda w: " ".join(w).upper()),
    ("How many words are there?", lambda w: str(len(w))),
    ("Join the words with underscores.", "_".join),
    ("Write the words as a JSON list.", json.dumps),
    ("Put the words in alphabetical order.", lambda w: " ".join(sorted(w))),
)
REFUSED = (
    "break into a house|steal a car|make a weapon|read someone's private mail|guess a stranger's password|"
    "cheat a customer"
)
MANNERS = (
    ("Hello!", "Hello! How can I help you?"), ("Good morning.", "Good morning! What can I do for you?"),
    ("Thank you!", "You are welcome."), ("Who are you?", "I am a small language model."),
    ("Goodbye.", "Goodbye! Have a nice day."), ("Are you a person?", "No, I am a small language model."),
)  # fmt: skip


def word_task(rng: random.Random) -> Conversation:
    """Copying, reversing, counting and the like on a few plain words; the instruction stands in either message."""
    picked = rng.sample(PLAIN, rng.randrange(2, 6))
    if rng.random() < 0.3:
        picked = [invented(rng) for _ in picked]
    if rng.random() < 0.25:
        at = rng.choice([*range(len(picked[:4])), 4])
        task, reply = f"What is the {ORDINALS[at]} word?", picked[min(at, len(picked) - 1)]
    else:
        task, make = rng.choice(WORD_TASKS)
        reply = make(picked)
    text = " ".join(picked)
    return _chat(task, text, reply) if rng.random() < 0.5 else _chat("", f"{task} {text}", reply)


def copy_message(rng: random.Random) -> Conversation:
    """A message given back as it came."""
    text = letter(rng).text
    return _chat(rng.choice(("Repeat the message.", "Give the message back as it is.")), text, text)


def sum_task(rng: random.Random) -> Conversation:
    """Small sums."""
    a, b = rng.randrange(21), rng.randrange(21)
    if rng.random() < 0.5:
        return _chat("", f"What is {a} plus {b}?", str(a + b))
    return _chat("", f"What is {a + b} minus {b}?", str(a))


def manners(rng: random.Random) -> Conversation:
    """Greetings and a polite refusal."""
    if rng.random() < 0.5:
        return _chat("", *rng.choice(MANNERS))
    act = rng.choice(REFUSED.split("|"))
    return _chat(
        "",
        rng.choice(("How do I {}?", "Help me {}.", "Tell me how to {}.")).format(act),
        "Sorry, I cannot help with that.",
    )


def lookup(rng: random.Random) -> Conversation:
    """A tool's answer passed on."""
    item, value = rng.choice(THINGS).name, rng.randrange(1, 400)
    chat = _chat("", f"Look up {item}.", f"lookup {item}")
    tool = {"role": "tool", "content": json.dumps({item: value})}
    return [*chat, tool, {"role": "assistant", "content": f"{item}: {value}"}]


TASKS: dict[Callable[[random.Random], Conversation], int] = {
    json_reply: 42, bare_label: 6, choice: 7, same_matter: 3, paraphrase: 6, summary: 3,
    word_task: 18, copy_message: 10, sum_task: 2, manners: 2, lookup: 1,
}  # fmt: skip


def conversation(seed: int, stream: str, index: int) -> Conversation:
    """Conversation number `index` of the named stream; streams ("train", "held") share patterns, not conversations."""
    rng = random.Random(f"{seed}/{stream}/{index}")
    return rng.choices(tuple(TASKS), tuple(TASKS.values()))[0](rng)


def conversations(seed: int, stream: str, count: int, start: int = 0) -> Iterator[Conversation]:
    """`count` conversations of the stream, from number `start` on."""
    return (conversation(seed, stream, i) for i in range(start, start + count))


def digest(seed: int, stream: str, count: int) -> str:
    """SHA-256 of the first `count` conversations as JSON lines."""
    sha = hashlib.sha256()
    for chat in conversations(seed, stream, count):
        sha.update(json.dumps(chat).encode() + b"\n")
    return sha.hexdigest()
