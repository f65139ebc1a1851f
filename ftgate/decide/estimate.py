"""What a training takes: memory of one GPU, time and money. Arithmetic on sizes; what is not known stays unknown.

Memory. NF4 with double quantisation takes 4 bits a weight, 8 bits a block of 64, and 32 bits for 256 blocks (QLoRA,
arXiv 2305.14314, section 3); embeddings and head stay in 16 bits. Adapters are fp32 with gradient and two moments of
Adam: 16 bytes a parameter; so is every weight of full fine-tuning, which autocast copies to 16 bits besides.
Activations are what autograd keeps of one Llama-like block under bf16 autocast, counted in the installed transformers
and PEFT (tests/edges/test_activations.py counts again). With checkpointing every layer keeps its input alone, and one
layer at a time is computed again. The head is fused with its loss: logits exist for a chunk of tokens only.

Time. A token costs 2 floating point operations a weight forward and 2 for the gradients of activations; LoRA leaves out
the gradients of the weights (4N), full fine-tuning does not (6N), and checkpointing computes forward again (+2N). A GPU
reaches a share of its peak between MFU_LOW and MFU_HIGH: a baseline as commonly written, and NVIDIA's own best.
"""

import math

from msgspec import Struct

from ftgate.values.preflight import Facts, Memory, Span
from ftgate.values.training import BaseModel, Recipe
from ftgate.values.training_settings import Method, Prices

NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
ADAM_BYTES = 16
RESERVE = 2**30
"""CUDA context, kernels and workspaces."""
FRAGMENTED = 0.1
_CHUNK = 256  # tokens whose logits TRL's fused head builds at once

MFU_LOW = 0.10
MFU_HIGH = 0.41
_PEAKS = (
    ("B200", 2250.0),
    ("H200", 989.0),
    ("GH200", 989.0),
    ("H100 PCIe", 756.0),
    ("H100", 989.0),
    ("A100", 312.0),
    ("L40S", 362.0),
    ("A10G", 70.0),
    ("A10", 125.0),
    ("L4", 121.0),
    ("RTX 5090", 209.5),
    ("RTX 4090", 165.2),
    ("RTX 3090", 71.0),
    ("RTX A6000", 154.8),
)
"""Dense bf16 TFLOP/s of NVIDIA's data sheets, by what stands in the name of the GPU; the first that fits counts."""
_INEXACT = (0.7, 1.5)  # tokens estimated from bytes: English prose and code differ by this much

_LORA_KEPT = (38, 14, 12, 8)
_LORA_KEPT_WITHOUT_DROPOUT = (18, 10, 8, 8)
_FULL_KEPT = (26, 10, 8, 10)
"""Bytes that a block keeps for a token, per unit of hidden width, query width, MLP width and key-value width."""


class Load(Struct, frozen=True, kw_only=True):
    """What of a recipe takes memory; `tokens` are those of one micro-batch, `shards` the processes that share
    weights, `wide` is computing in 32 bits."""

    method: Method
    rank: int
    dropout: float
    tokens: int
    checkpointing: bool
    wide: bool = False
    shards: int = 1


def load_of(recipe: Recipe, longest: int) -> Load:
    """The load of the longest micro-batch: every example of it as long as the longest that is trained."""
    return Load(
        method=_method(recipe),
        rank=recipe.rank,
        dropout=recipe.dropout,
        tokens=recipe.batch_size * min(longest, recipe.max_length),
        checkpointing=recipe.checkpointing,
        wide=recipe.compute_dtype == "float32",
        shards=recipe.processes if recipe.strategy == "fsdp" else 1,
    )


def _method(recipe: Recipe) -> Method:
    """One of those that take memory here; a service's is none of our business."""
    return "full" if recipe.method == "full" else "qlora" if recipe.method == "qlora" else "lora"


def memory(model: BaseModel, load: Load) -> Memory | str:
    """Bytes of one GPU, or why they cannot be told."""
    shape = model.shape
    if shape.experts:
        return "a mixture of experts: how its experts are stored and adapted is not known"
    missing = [
        name
        for name in ("hidden", "layers", "intermediate", "heads", "kv_heads", "head", "vocabulary")
        if not getattr(shape, name)
    ]
    if missing or not model.parameters:
        return f"config.json does not tell {', '.join(missing or ['the number of weights'])}"
    weights, adapters = _weights(model, load), _adapters(model, load)
    kept = _activations(model, load)
    resting = (weights + adapters) / load.shards
    gathered = weights / shape.layers if load.shards > 1 else 0.0
    total = resting + gathered + kept
    return Memory(
        weights=math.ceil(weights / load.shards + gathered),
        adapters=math.ceil(adapters / load.shards),
        activations=math.ceil(kept),
        reserve=math.ceil(RESERVE + FRAGMENTED * total),
    )


def _weights(model: BaseModel, load: Load) -> float:
    """Bytes of the weights at rest; of full fine-tuning they count as what is trained."""
    wide = 4 if load.wide else 2
    shape = model.shape
    if load.method == "full":
        return 0.0 if load.wide else 2.0 * model.parameters
    if load.method == "lora":
        return float(wide * model.parameters)
    kept = min(model.parameters, shape.vocabulary * shape.hidden * (1 if shape.tied else 2))
    buffer = wide * shape.hidden * shape.intermediate  # one matrix at a time, dequantised
    return NF4_BYTES * (model.parameters - kept) + wide * kept + buffer


def _adapters(model: BaseModel, load: Load) -> float:
    """Bytes of what is trained, with gradients and the optimiser's moments."""
    if load.method == "full":
        return float(ADAM_BYTES * model.parameters)
    return float(ADAM_BYTES * adapter_parameters(model, load.rank))


def adapter_parameters(model: BaseModel, rank: int) -> int:
    """Weights of a LoRA adapter on all linear projections of all layers: rank x (in + out) each."""
    s = model.shape
    queries, keys = s.heads * s.head, s.kv_heads * s.head
    sides = 2 * (s.hidden + queries) + 2 * (s.hidden + keys) + 3 * (s.hidden + s.intermediate)
    return rank * sides * s.layers


def _activations(model: BaseModel, load: Load) -> float:
    s, wide = model.shape, 2 if load.wide else 1
    adapted = _LORA_KEPT if load.dropout else _LORA_KEPT_WITHOUT_DROPOUT
    per = _FULL_KEPT if load.method == "full" else adapted
    widths = (s.hidden, s.heads * s.head, s.intermediate, s.kv_heads * s.head)
    block = wide * sum(each * width for each, width in zip(per, widths, strict=True))
    entry = 2 * wide * s.hidden
    layers = s.layers * entry + block if load.checkpointing else s.layers * block
    logits = 8 * s.vocabulary * min(_CHUNK, load.tokens)
    return float(load.tokens * (layers + 8 * s.hidden) + logits)


def flops_per_token(method: str, parameters: int, *, checkpointing: bool) -> float:
    """Floating point operations of a training step for one token."""
    return float(parameters) * ((6 if method == "full" else 4) + (2 if checkpointing else 0))


def peak(hardware: str) -> float | None:
    """Dense bf16 TFLOP/s of a GPU by its name; None when the table lacks it."""
    name = hardware.lower()
    return next((each for known, each in _PEAKS if known.lower() in name), None)


def passes(facts: Facts, recipe: Recipe) -> tuple[float, float]:
    """Tokens that all epochs take, low and high. Held-out passes count by what they cost beside a training step: a
    forward pass of median examples, a third to a half of a step."""
    low = high = float(facts.tokens)
    if recipe.batching == "padded":
        high = max(high, float(facts.used * min(facts.basis.longest, recipe.max_length)))
    watched = recipe.evaluations * facts.held_out * facts.basis.median
    scale = (1.0, 1.0) if facts.exact else _INEXACT
    return recipe.epochs * scale[0] * (low + watched / 3), recipe.epochs * scale[1] * (high + watched / 2)


def minutes(facts: Facts, recipe: Recipe, measured: float | None) -> Span | str:
    """Minutes of one training, or why they cannot be told. `measured` are the settings' tokens a second."""
    low, high = passes(facts, recipe)
    if measured is not None:
        return Span(
            low=low / measured / 60, high=high / measured / 60, source="training.preflight.tokens_per_second"
        )
    if facts.hosted:
        return "a service does not say how fast it trains"
    if facts.measured:
        slow, fast = 0.7 * facts.measured, 1.3 * facts.measured
        source = f"{facts.measured_by}: {facts.measured:,.0f} tokens a second"
        return Span(low=low / fast / 60, high=high / slow / 60, source=source)
    known = peak(facts.hardware)
    if known is None or not facts.base_model.parameters or facts.base_model.shape.experts:
        what = facts.hardware or "a machine without a GPU"
        return (
            f"nothing was measured yet on {what}; training.preflight.tokens_per_second says what it reaches"
        )
    each = flops_per_token(recipe.method, facts.base_model.parameters, checkpointing=recipe.checkpointing)
    reached = known * 1e12 * recipe.processes
    source = f"{known:,.0f} TFLOP/s of {facts.hardware}, {MFU_LOW:.0%} to {MFU_HIGH:.0%} of them reached"
    return Span(
        low=low * each / (MFU_HIGH * reached) / 60, high=high * each / (MFU_LOW * reached) / 60, source=source
    )


def cost(facts: Facts, recipe: Recipe, prices: Prices | None, time: Span | str) -> Span | str:
    """Money of one training in the currency of the prices, or why it cannot be told."""
    if prices is None:
        return "training.preflight.prices are not set"
    source = f"prices as of {prices.as_of}"
    if facts.hosted:
        if prices.per_million_tokens is None:
            return "training.preflight.prices.per_million_tokens is not set"
        scale = (1.0, 1.0) if facts.exact else _INEXACT
        paid = facts.tokens * recipe.epochs * prices.per_million_tokens / 1e6
        return Span(low=paid * scale[0], high=paid * scale[1], source=source)
    if prices.per_hour is None:
        return "training.preflight.prices.per_hour is not set"
    if isinstance(time, str):
        return "the time is not known"
    return Span(low=time.low / 60 * prices.per_hour, high=time.high / 60 * prices.per_hour, source=source)
