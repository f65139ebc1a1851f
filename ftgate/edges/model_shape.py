"""What config.json tells of a model's size and of how its layers look at other tokens. No code of a model is read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ftgate.errors import OutsideError
from ftgate.values.tokens import LONGEST
from ftgate.values.training import Shape

_MASKED = {"full_attention", "sliding_attention", "chunked_attention", "attention", "global", "local"}
_STATES = (
    "mamba_",
    "ssm_",
    "linear_",
    "rnn_",
    "conv_L_cache",
    "state_size",
    "attn_layer_period",
    "rwkv",
    "lru_width",
)
"""Keys of models whose layers carry a state along the row."""

_PLAIN = frozenset(
    [
        "llama", "mistral", "mixtral", "ministral", "ministral3", "qwen2", "qwen2_moe", "qwen3",
        "qwen3_moe", "gemma", "gemma2", "gemma3_text", "phi", "phi3", "phimoe", "olmo", "olmo2", "olmo3",
        "olmoe", "granite", "granitemoe", "cohere", "cohere2", "starcoder2", "stablelm", "smollm3", "glm",
        "glm4", "glm4_moe", "gpt_oss", "deepseek_v2", "deepseek_v3", "seed_oss", "ernie4_5", "exaone4",
        "hunyuan_v1_dense", "nemotron", "helium", "arcee", "apertus",
    ]
)  # fmt: skip
"""Types whose modelling code in transformers 5.23 hands position_ids to create_causal_mask and keeps no other state."""


def read_config(file: Path) -> Mapping[str, Any]:
    """The part of config.json that describes the language model. Raises OutsideError when it cannot be read."""
    try:
        plain = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise OutsideError(f"base_model: {file} is damaged: {error}", advice="Fetch it again.") from error
    if not isinstance(plain, dict):
        raise OutsideError(f"base_model: {file} is no JSON object", advice="Fetch it again.")
    nested = plain.get("text_config")
    return nested if isinstance(nested, dict) else plain


def positions(config: Mapping[str, Any]) -> int:
    """Tokens that the model has positions for; 0 where it does not say."""
    return _count(config, "max_position_embeddings", "n_positions", "seq_length", "max_seq_len")


def max_length_of(file: Path) -> int:
    """Positions that a model has, the seed's limit where it does not say. Raises OutsideError as `read_config`."""
    return positions(read_config(file)) or LONGEST


def shape_of(config: Mapping[str, Any], *, tied: bool) -> Shape:
    """Sizes from the names that transformers uses; what is not there stays 0. `tied`: there is no head of its own
    among the weights, which is surer than what a configuration leaves to the defaults of its type."""
    hidden, heads = (
        _count(config, "hidden_size", "n_embd", "d_model"),
        _count(config, "num_attention_heads", "n_head"),
    )
    even = hidden // heads if hidden and heads else 0
    return Shape(
        type=str(config.get("model_type", "")),
        hidden=hidden,
        layers=_count(config, "num_hidden_layers", "n_layer"),
        intermediate=_count(config, "intermediate_size", "n_inner", "ffn_dim"),
        heads=heads,
        kv_heads=_count(config, "num_key_value_heads") or heads,
        head=_count(config, "head_dim") or even,
        vocabulary=_count(config, "vocab_size"),
        experts=_count(config, "num_experts", "num_local_experts", "n_routed_experts"),
        tied=tied,
        attention=_attention(config),
    )


def _attention(config: Mapping[str, Any]) -> Literal["full", "linear", "unknown"]:
    layers = config.get("layer_types") or config.get("layers_block_type")
    if isinstance(layers, list) and any(layer not in _MASKED for layer in layers):
        return "linear"
    if any(config.get(name) is not None and str(name).startswith(_STATES) for name in config):
        return "linear"
    return "full" if config.get("model_type") in _PLAIN else "unknown"


def _count(config: Mapping[str, Any], *names: str) -> int:
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return 0
