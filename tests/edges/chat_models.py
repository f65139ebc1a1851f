"""Tokenizers for the tests of chat templates: the bundled model's letters, and each family's own special tokens."""

from copy import deepcopy
from functools import lru_cache
from typing import Any, NamedTuple

from tokenizers import AddedToken

from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.loading import load_tokenizer


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
    "mistral": Family(("</s>",), ("[INST]", "[/INST]", "[TOOL_CALLS]"), "<s>"),
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


def speaking(kind: Family, template: str) -> Any:
    """A tokenizer with these special tokens and this template. Its first end is the tokenizer's own; the others are
    in `generation_config.json`, which a test writes where it matters."""
    tokenizer = deepcopy(_letters())
    special = [*kind.ends, *kind.others, *([kind.bos] if kind.bos else [])]
    tokenizer.add_special_tokens({"extra_special_tokens": [AddedToken(t, special=True) for t in special]})
    tokenizer.eos_token = kind.ends[0]
    tokenizer.pad_token = kind.ends[0]
    if kind.bos:
        tokenizer.bos_token = kind.bos
    tokenizer.chat_template = template
    tokenizer.name_or_path = ""
    return tokenizer
