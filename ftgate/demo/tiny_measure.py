"""Encoding of conversations for the tiny model, and what the bundled weights are measured by."""

import random
from collections.abc import Callable
from typing import Any

import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from ftgate.demo import tiny_text

START, END, PAD = "<|im_start|>", "<|im_end|>", "<|pad|>"
HELD_TEXTS = 256
PROMPT_WEIGHT = 0.3  # of a prompt token's loss: prompts are long, and replies are what must be right

Encoded = tuple[list[int], list[bool]]
"""Token ids of a conversation, and for each whether it belongs to an assistant's reply (end of turn included)."""


def encode(tokenizer: Tokenizer, chats: list[tiny_text.Conversation]) -> list[Encoded]:
    """Token ids and reply marks of each conversation."""
    start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
    head = [start, *tokenizer.encode("assistant\n").ids]
    out = []
    for encoding in tokenizer.encode_batch([rendered(c) for c in chats]):
        ids, marks, inside = encoding.ids, [], False
        for i in range(len(ids)):
            inside = inside or ids[max(0, i - len(head)) : i] == head
            marks.append(inside)
            inside = inside and ids[i] != end
        out.append((ids, marks))
    return out


def rendered(chat: tiny_text.Conversation) -> str:
    """The conversation as the chat template writes it."""
    return "".join(f"{START}{m['role']}\n{m['content']}{END}\n" for m in chat)


def tensors(batch: list[Encoded]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, target ids (-100 for padding) and loss weights, each of shape [conversations, longest]."""
    width = max(len(ids) for ids, _ in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    targets, weights = torch.full_like(ids, -100), torch.zeros(len(batch), width)
    for row, (tokens, marks) in enumerate(batch):
        n = len(tokens)
        ids[row, :n] = torch.tensor(tokens)
        targets[row, : n - 1] = ids[row, 1:n]
        weights[row, : n - 1] = torch.where(torch.tensor(marks[1:]), 1.0, PROMPT_WEIGHT)
    return ids, targets, weights


def token_losses(model: Any, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Loss of each target in nats, flattened to [conversations * longest]; 0 where the target is -100.

    Padding is on the right, so causal attention never sees it.
    """
    logits = model(input_ids=ids, use_cache=False).logits.float()
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="none")


def held_out_losses(model: Any, tokenizer: Tokenizer, seed: int) -> dict[str, float]:
    """Mean loss per token over conversations kept out of training, in nats: all tokens, and reply tokens alone."""
    chats = encode(tokenizer, list(tiny_text.conversations(seed, "held", HELD_TEXTS)))
    chats.sort(key=lambda e: len(e[0]))
    total = reply = 0.0
    count = replies = 0
    for at in range(0, len(chats), 32):
        ids, targets, weights = tensors(chats[at : at + 32])
        with torch.no_grad():
            each = token_losses(model, ids, targets)
        marked = weights.flatten() == 1.0
        total, count = total + each.sum().item(), count + int((weights > 0).sum())
        reply, replies = reply + each[marked].sum().item(), replies + int(marked.sum())
    return {"all_tokens": round(total / count, 4), "reply_tokens": round(reply / replies, 4)}


def complete(model: Any, tokenizer: Any, chats: list[tiny_text.Conversation], limit: int = 48) -> list[str]:
    """Greedy replies to conversations that end with a user's message; `tokenizer` is a transformers tokenizer."""
    prompts = [tokenizer.apply_chat_template(c, tokenize=False, add_generation_prompt=True) for c in chats]
    inputs = tokenizer(
        prompts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False
    )
    out = model.generate(**inputs, max_new_tokens=limit, do_sample=False)
    return [
        str(t)
        for t in tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    ]


SKILLS: dict[str, Callable[[random.Random], tiny_text.Conversation]] = {
    "words": tiny_text.word_task,
    "copy": tiny_text.copy_message,
    "json": tiny_text.json_reply,
}


def skill_rates(model: Any, tokenizer: Any, seed: int, count: int = 60) -> dict[str, float]:
    """Share of unseen prompts of each skill that are answered exactly."""
    out = {}
    for name, make in SKILLS.items():
        chats = [make(random.Random(f"{seed}/skill/{i}")) for i in range(count)]
        asked = [c[: 2 if c[0]["role"] == "system" else 1] for c in chats]
        replies = complete(model, tokenizer, asked)
        right = sum(r == c[len(a)]["content"] for r, c, a in zip(replies, chats, asked, strict=True))
        out[name] = round(right / count, 3)
    return out
