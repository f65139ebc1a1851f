"""Customers' messages for the tiny model's pretraining text, and what is true of each of them."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from ftgate.demo import tiny_words as words
from ftgate.demo.tiny_things import THINGS as THING_LINES

QUESTION_STARTS = frozenset(words.QUESTION_STARTS.split())
NO_ARTICLE = frozenset(words.NO_ARTICLE.split())
CAPITALS = tuple((f" {w}{end}", f" {w.upper()}{end}") for w, end in words.CAPITALS)


@dataclass(frozen=True)
class Thing:
    """Something customers write about."""

    kind: str
    domain: str
    name: str
    surfaces: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True)
class Frame:
    """One matter customers write about, with label names and the patterns that express it."""

    name: str
    kinds: str
    labels: tuple[str, ...]
    flags: str
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Letter:
    """A customer's message and what is true of it."""

    text: str
    frame: Frame
    thing: Thing
    urgent: bool
    name: str | None
    reference: str | None


def _things() -> tuple[Thing, ...]:
    rows = [line.split("|") for line in THING_LINES.strip().splitlines()]
    return tuple(
        Thing(k, d, n, tuple(s.split(";")), tuple(a.split(";")) if a else ()) for k, d, n, s, a in rows
    )


def _frames() -> tuple[Frame, ...]:
    out = []
    for block in words.FRAMES.strip().split("\n\n"):
        head, body = block.split("\n", 1)
        name, kinds, labels, flags = head.split("|")
        patterns = tuple(" ".join(p.split()) for p in body.split("|"))
        out.append(Frame(name, kinds, tuple(labels.split(";")), flags, patterns))
    return tuple(out)


THINGS = _things()
FRAMES = _frames()
FILLERS = {name: tuple(text.split("|")) for name, text in words.FILLERS.items()}
OPENERS, CLOSERS, CONTEXTS = (tuple(t.split("|")) for t in (words.OPENERS, words.CLOSERS, words.CONTEXTS))
PLAIN = tuple(words.PLAIN.split())
BUSINESSES = tuple(words.BUSINESSES.split("|"))
SYLLABLES = tuple(words.SYLLABLES.split())
NOTHING = Thing("", "general", "none", (), ())


# ---- messages ----


def _with_article(rng: random.Random, noun: str) -> str:
    first, last = noun.split()[0], noun.split()[-1]
    if last in NO_ARTICLE or first in NO_ARTICLE or (last.endswith("s") and not last.endswith(("ss", "us"))):
        return noun
    if rng.random() < 0.2:
        return "a new " + noun
    return ("an " if noun[0] in "aeiou" and not noun.startswith(("user", "unit")) else "a ") + noun


def invented(rng: random.Random) -> str:
    """A made-up name of two or three syllables, so that copying cannot rest on known words."""
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((2, 2, 3))))


def fill(rng: random.Random, pattern: str, thing: Thing) -> str:
    """The pattern with its names replaced; the same noun is used throughout one sentence."""
    noun = rng.choice(thing.surfaces).replace("{cur}", rng.choice(FILLERS["cur"]))
    owner = rng.choices(("my ", "the ", "my new ", "this ", "our "), (70, 18, 6, 4, 2))[0]
    values = {
        "o": noun,
        "my": noun if " my" in noun else owner + noun,
        "a": _with_article(rng, noun),
        "do": rng.choice(thing.actions) if thing.actions else "use " + noun,
    }
    values |= {name: rng.choice(options) for name, options in FILLERS.items()}
    return pattern.format_map(values)


def _typo(rng: random.Random, text: str) -> str:
    """One slip of the fingers in one word of at least four letters."""
    parts = text.split(" ")
    long = [i for i, w in enumerate(parts) if len(w) > 3 and w.isalpha() and w.islower()]
    if not long:
        return text
    at = rng.choice(long)
    w, i = parts[at], rng.randrange(1, len(parts[at]) - 1)
    parts[at] = rng.choice((w[:i] + w[i + 1 :], w[:i] + w[i] + w[i:], w[:i] + w[i + 1] + w[i] + w[i + 2 :]))
    return " ".join(parts)


def tidy(rng: random.Random, text: str, end: str = "") -> str:
    """Written tidily: capitals and an end mark."""
    padded = f" {text} "
    for low, high in CAPITALS:
        padded = padded.replace(low, high)
    text = padded.strip()
    mark = end or ("?" if text.split()[0].lower().split("'")[0] in QUESTION_STARTS else rng.choice("...!"))
    return text[0].upper() + text[1:] + mark


def _style(rng: random.Random, parts: list[str]) -> str:
    """Clauses joined the way people type: tidy, in lower case without marks, or with slips."""
    style = rng.random()
    if style < 0.66:
        text = " ".join(tidy(rng, p) for p in parts)
        if rng.random() < 0.15:
            text = text[:-1]
    elif style < 0.98:
        text = rng.choice((", ", " ", ". ")).join(parts)
        text += rng.choice(("", "", "?", "."))
    else:
        text = " ".join(parts).upper()
    if rng.random() < 0.15:
        text = text.replace("'", "")
    return _typo(rng, text) if rng.random() < 0.12 else text


def letter(rng: random.Random, frame: Frame | None = None, thing: Thing | None = None) -> Letter:
    """A customer's message, about the given matter and thing if they are named."""
    frame = frame or rng.choice(FRAMES)
    # banks are over-represented because the bundled demo is about one; every other domain is present as well
    options = [t for t in THINGS if t.kind in frame.kinds]
    thing = thing or rng.choices(options, [3 if t.domain == "bank" else 1 for t in options])[0]
    pattern = rng.choice(frame.patterns)
    core = fill(rng, pattern, thing)
    parts = [core]
    if rng.random() < 0.22:
        if rng.random() < 0.5:
            parts[0] = f"{rng.choice(OPENERS)}, {core}"
        else:
            parts.insert(0, rng.choice(OPENERS))
    if rng.random() < 0.25:
        parts.insert(rng.randrange(len(parts) + 1), fill(rng, rng.choice(CONTEXTS), thing))
    if rng.random() < 0.12:
        more = rng.choice(frame.patterns)
        parts.append(fill(rng, more, thing))
        pattern += more
    name = reference = None
    if rng.random() < 0.08:
        name = invented(rng).capitalize()
        parts.insert(rng.choice((0, len(parts))), f"my name is {name}")
    if rng.random() < 0.08:
        reference = str(rng.randrange(10, 10000))
        parts.append(rng.choice(("reference {}", "my number is {}", "case {}")).format(reference))
    if rng.random() < 0.22:
        parts.append(rng.choice(CLOSERS))
    text = _style(rng, parts)
    if name and text.isupper():
        name = name.upper()
    hurry = any(w in text.lower() for w in ("urgent", "asap", "soon", "now", "right away", "quickly"))
    named = any(slot in pattern for slot in ("{my}", "{a}", "{o}", "{do}"))
    return Letter(text, frame, thing if named else NOTHING, "u" in frame.flags or hurry, name, reference)


# ---- what a reply can say about a message ----

FIELDS: dict[str, Callable[[Letter], str | bool | None]] = {
    "topic": lambda m: m.frame.name,
    "category": lambda m: m.frame.name,
    "matter": lambda m: m.frame.labels[0],
    "problem": lambda m: m.frame.labels[0],
    "situation": lambda m: m.frame.labels[1],
    "state": lambda m: m.frame.labels[1],
    "tag": lambda m: m.frame.labels[-1],
    "label": lambda m: m.frame.labels[-1],
    "item": lambda m: m.thing.name,
    "about": lambda m: m.thing.name,
    "product": lambda m: m.thing.name,
    "department": lambda m: m.thing.domain,
    "area": lambda m: m.thing.domain,
    "team": lambda m: m.thing.domain,
    "issue": lambda m: f"{m.thing.name}_{m.frame.labels[-1]}",
    "code": lambda m: f"{m.thing.domain}_{m.frame.name}",
    "queue": lambda m: f"{m.frame.labels[0]}_{m.thing.name}",
    "urgent": lambda m: m.urgent,
    "security_risk": lambda m: "s" in m.frame.flags,
    "about_money": lambda m: "m" in m.frame.flags,
    "asks_information": lambda m: "q" in m.frame.flags,
    "call_back": lambda m: "q" not in m.frame.flags,
    "is_question": lambda m: "?" in m.text,
    "customer": lambda m: m.name,
    "reference": lambda m: m.reference,
}
LABEL_KEYS = tuple(FIELDS)[: tuple(FIELDS).index("urgent")]
SMALL_KEYS = tuple(k for k in FIELDS if k not in LABEL_KEYS)
MATTER_KEYS = tuple(
    k for k in LABEL_KEYS if k not in ("item", "about", "product", "department", "area", "team")
)
