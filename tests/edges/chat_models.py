"""Tokenizers for the tests of chat templates: the bundled model's letters, and each family's own special tokens."""

import json
from copy import deepcopy
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import AddedToken

from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.loading import load_tokenizer
from ftgate.edges.tokens import IGNORED, Tokenized
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place


class Family(NamedTuple):
    """Special tokens of a family of models; a generation ends at each of `ends`, as its generation_config.json says."""

    ends: tuple[str, ...]
    others: tuple[str, ...] = ()
    bos: str = ""


_CHATML = ("<|im_start|>", "<think>", "</think>", "<tool_call>", "</tool_call>")
_HEADERS = ("<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>")
FAMILIES = {
    "cohere": Family(
        ("<|END_OF_TURN_TOKEN|>",),
        ("<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>", "<|USER_TOKEN|>", "<|SYSTEM_TOKEN|>"),
        "<BOS_TOKEN>",
    ),
    "deepseek": Family(
        ("<｜end▁of▁sentence｜>",), ("<｜User｜>", "<｜Assistant｜>"), "<｜begin▁of▁sentence｜>"
    ),
    "diffusion_gemma": Family(("<turn|>", "<|tool_response>"), ("<|turn>", "<|tool_call>"), "<bos>"),
    "gemma4": Family(("<turn|>", "<eos>", "<|tool_response>"), ("<|turn>", "<|tool_call>"), "<bos>"),
    "gemma": Family(("<end_of_turn>", "<eos>"), ("<start_of_turn>",), "<bos>"),
    "glm4moe": Family(
        ("<|endoftext|>", "<|user|>", "<|observation|>"), ("<|assistant|>", "<|system|>", "[gMASK]", "<sop>")
    ),
    "gptoss": Family(
        ("<|return|>", "<|call|>", "<|endoftext|>"),
        ("<|start|>", "<|message|>", "<|channel|>", "<|end|>", "<|constrain|>"),
        "<|startoftext|>",
    ),
    "idefics3": Family(("<end_of_utterance>",), (), "<|begin_of_text|>"),
    "smolvlm": Family(("<end_of_utterance>",), ("<|im_start|>",), "<|im_start|>"),
    "lfm2": Family(("<|im_end|>",), ("<|im_start|>",), "<|startoftext|>"),
    "llama3": Family(("<|eot_id|>", "<|end_of_text|>", "<|eom_id|>"), _HEADERS, "<|begin_of_text|>"),
    "llava_next": Family(("</s>",), (), "<s>"),
    "mistral": Family(
        ("</s>",), ("[INST]", "[/INST]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"), "<s>"
    ),
    "muse_glimmer": Family(("<|eot|>",), ("<|start|>", "<|message|>"), "<|begin_of_text|>"),
    "nemotron": Family(("<|im_end|>",), _CHATML),
    "phi3": Family(("<|endoftext|>", "<|end|>", "<|assistant|>"), ("<|user|>", "<|system|>"), "<s>"),
    "qwen": Family(("<|im_end|>", "<|endoftext|>"), _CHATML),
}


def family(template: str) -> Family:
    """Of a template by the beginning of its name, the longest that fits."""
    return FAMILIES[max((name for name in FAMILIES if template.startswith(name)), key=len)]


@lru_cache(maxsize=1)
def _letters() -> Any:
    return load_tokenizer(BaseModels().resolve(BUNDLED, None), "right")


def speaking(kind: Family, template: str, folder: Path) -> Any:
    """A tokenizer with these special tokens and this template. Its first end is the tokenizer's own; the others are
    in the generation_config.json of its folder."""
    tokenizer = deepcopy(_letters())
    special = [*kind.ends, *kind.others, *([kind.bos] if kind.bos else [])]
    tokenizer.add_special_tokens({"extra_special_tokens": [AddedToken(t, special=True) for t in special]})
    tokenizer.eos_token = tokenizer.pad_token = kind.ends[0]
    if kind.bos:
        tokenizer.bos_token = kind.bos
    tokenizer.chat_template = template
    tokenizer.name_or_path = str(folder)
    ends = [tokenizer.convert_tokens_to_ids(end) for end in kind.ends]
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}))
    return tokenizer


def said(tokenizer: Any, row: Tokenized) -> list[str]:
    """The text of each stretch of tokens that carry loss."""
    runs = groupby(zip(row.input_ids, row.labels, strict=True), key=lambda pair: pair[1] != IGNORED)
    return [str(tokenizer.decode([token for token, _ in run])) for trained, run in runs if trained]


def before(row: Tokenized) -> list[list[int]]:
    """The tokens before each such stretch."""
    starts = [
        at
        for at, label in enumerate(row.labels)
        if label != IGNORED and (at == 0 or row.labels[at - 1] == IGNORED)
    ]
    return [row.input_ids[:at] for at in starts]


def example(*messages: Message, tools: tuple[dict[str, Any], ...] = ()) -> Example:
    """On line 7 of a.jsonl."""
    place = Place(path="a.jsonl", line=7)
    return Example(place=place, format=Format.CONVERSATION, messages=messages, tools=tools)


def turn(role: str, content: str | None = None, **more: Any) -> Message:
    return Message(role=role, content=content, **more)


ARGUMENTS = '{"where": "PLACE", "deep": true}'
TOOLS = (
    {
        "type": "function",
        "function": {
            "name": "find_it",
            "description": "Finds.",
            "parameters": {
                "type": "object",
                "properties": {
                    "where": {"type": "string", "description": "A place."},
                    "deep": {"type": "boolean", "description": "How."},
                },
                "required": ["where"],
            },
        },
    },
)
CALLS = ({"id": "abcdefghi", "type": "function", "function": {"name": "find_it", "arguments": ARGUMENTS}},)
CONVERSATIONS = {
    "one": example(turn("user", "QONE"), turn("assistant", "AONE")),
    "two": example(
        turn("user", "QONE"), turn("assistant", "AONE"), turn("user", "QTWO"), turn("assistant", "ATWO")
    ),
    "system": example(turn("system", "SYSTEM"), turn("user", "QONE"), turn("assistant", "AONE")),
    "thinking": example(
        turn("user", "QONE"),
        turn("assistant", "<think>\nWHY\n</think>\n\nAONE"),
        turn("user", "QTWO"),
        turn("assistant", "<think>\nHOW\n</think>\n\nATWO"),
    ),
    "weighed": example(
        turn("user", "QONE"),
        turn("assistant", "AONE", weight=0),
        turn("user", "QTWO"),
        turn("assistant", "ATWO", weight=1),
    ),
    "tools": example(
        turn("user", "QONE"),
        turn("assistant", None, tool_calls=CALLS),
        turn("tool", "FOUND", tool_call_id="abcdefghi"),
        turn("assistant", "ATWO"),
        tools=TOOLS,
    ),
    "telling": example(
        turn("user", "QONE"),
        turn("assistant", "AONE", tool_calls=CALLS),
        turn("tool", "FOUND", tool_call_id="abcdefghi"),
        turn("assistant", "ATWO"),
        tools=TOOLS,
    ),
}
ANSWERS = {
    "one": [["AONE"]],
    "two": [["AONE"], ["ATWO"]],
    "system": [["AONE"]],
    "thinking": [["WHY", "AONE"], ["HOW", "ATWO"]],
    "weighed": [["ATWO"]],
    "tools": [["find_it", "PLACE"], ["ATWO"]],
    "telling": [["AONE", "find_it", "PLACE"], ["ATWO"]],
}
OTHERS = ("QONE", "QTWO", "SYSTEM", "FOUND")
