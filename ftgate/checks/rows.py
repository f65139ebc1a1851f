"""Keys, replies and user turns of many examples at once: the same as those of each, and sooner."""

from array import array
from collections.abc import Sequence
from itertools import repeat
from typing import Any

import xxhash
from msgspec import Struct

from ftgate.checks.json_values import (
    NO_OBJECTS,
    NOT_JSON,
    Objects,
    canonical,
    json_or_not,
    objects_of,
)
from ftgate.checks.turns import AS_JSON, answers, output_key, packed, prompt_key, role_seed, text_digest
from ftgate.values.batch import Batch


class Said(Struct, frozen=True):
    """What the replies of a batch are as JSON: `rows` are those of `objects`, `others` all the rest.

    `values` has one value a row, NOT_JSON where there is none, or no plain reply.
    """

    rows: list[int]
    objects: Objects
    others: list[int]
    values: list[Any]


def prompt_keys(batch: Batch) -> list[bytes]:
    """`prompt_key` of every row; other where nothing answers, so that it is like no prompt that is answered."""
    known: list[bytes] | None = batch.memo.get("prompts")
    if known is None:
        known = batch.memo["prompts"] = _prompt_keys(batch)
    return known


def _prompt_keys(batch: Batch) -> list[bytes]:
    digest, seeds = xxhash.xxh3_128_digest, _seeds(batch)
    if -1 not in seeds.values():
        return list(map(digest, batch.prompts, map(seeds.__getitem__, batch.roles)))
    keys: list[bytes] = []
    for row, (prompt, roles) in enumerate(zip(batch.prompts, batch.roles, strict=True)):
        if (seed := seeds[roles]) >= 0:
            keys.append(digest(prompt, seed))
        else:
            example = batch.example(row)
            key = prompt_key(example)
            keys.append(key if answers(example) else digest(b"no answer" + key))
    return keys


def _seeds(batch: Batch) -> dict[tuple[str, ...] | None, int]:
    """For the roles of a row what goes into the digest of its prompt; -1 where nothing answers, or not plainly."""
    return {
        roles: role_seed(roles[:-1]) if roles and roles[-1] == "assistant" and len(roles) > 1 else -1
        for roles in set(batch.roles)
    }


def has_empty_texts(batch: Batch) -> bool:
    """Whether a text of a plain row is nothing but white space."""
    flat, ends = batch.flat, batch.ends
    return any(
        not text.strip() for row in batch.edges for text in flat[ends[row - 1] if row else 0 : ends[row]]
    )


def replies(batch: Batch) -> Sequence[bytes | None]:
    """The last turn of every plain row that an assistant ends, as bytes; None for every other."""
    known: Sequence[bytes | None] | None = batch.memo.get("replies")
    if known is None:
        ends = {roles for roles in set(batch.roles) if not roles or roles[-1] != "assistant"}
        known = (
            [None if roles in ends else text for roles, text in zip(batch.roles, batch.replies, strict=True)]
            if ends
            else batch.replies
        )
        batch.memo["replies"] = known
    return known


def said(batch: Batch) -> Said:
    """The replies as JSON."""
    known: Said | None = batch.memo.get("said")
    if known is None:
        known = batch.memo["said"] = _said(batch)
    return known


def _said(batch: Batch) -> Said:
    texts = replies(batch)
    rows = [row for row, text in enumerate(texts) if text and text[0] == 123 and text[-1] == 125]  # { and }
    many: list[bytes] = [texts[row] or b"" for row in rows]
    objects = objects_of(many) if rows else NO_OBJECTS
    if objects is None:
        rows, objects = [], NO_OBJECTS
    values: list[Any] = [NOT_JSON] * len(texts)
    for row, value in zip(rows, objects.values, strict=True):
        values[row] = value
    others = sorted({*range(len(texts))}.difference(rows)) if rows else list(range(len(texts)))
    for row in others:
        if text := texts[row]:
            values[row] = json_or_not(text)
    return Said(rows, objects, others, values)


def output_keys(batch: Batch) -> "array[int]":
    """`output_key` of every row."""
    known: array[int] | None = batch.memo.get("outputs")
    if known is None:
        known = batch.memo["outputs"] = _output_keys(batch)
    return known


def _output_keys(batch: Batch) -> "array[int]":
    digest, spoken = xxhash.xxh3_64_digest, said(batch)
    keys = [b""] * len(batch)
    written = map(digest, spoken.objects.canonical, repeat(AS_JSON))
    for row, key in zip(spoken.rows, written, strict=True):
        keys[row] = key
    texts, edges = replies(batch), set(batch.edges)
    for row in spoken.others:
        text, value = texts[row], spoken.values[row]
        if text is None:
            keys[row] = output_key(batch.example(row))
        elif value is not NOT_JSON:
            keys[row] = digest(canonical(value), AS_JSON)
        elif row not in edges:
            keys[row] = digest(text)
        else:
            keys[row] = text_digest(text.decode())
    return packed(keys)


def user_texts(batch: Batch) -> list[str]:
    """`user_text` of every row."""
    known: list[str] | None = batch.memo.get("users")
    if known is None:
        known = batch.memo["users"] = [
            batch.example(row).user_text
            if roles is None
            else "\n".join([text for role, text in zip(roles, texts, strict=True) if role == "user"])
            for row, (roles, texts) in enumerate(zip(batch.roles, batch.texts, strict=True))
        ]
    return known
