"""The estimate of activations is counted again: what autograd keeps of a small model of the real libraries."""

from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.decide.estimate import Load, memory
from ftgate.edges.loading import quiet
from ftgate.values.preflight import Memory
from ftgate.values.training import BaseModel, Shape

torch = pytest.importorskip("torch")
SHAPE = Shape(
    type="qwen3",
    hidden=256,
    layers=2,
    intermediate=704,
    heads=4,
    kv_heads=2,
    head=64,
    vocabulary=512,
    attention="full",
)
TOKENS = 512


def kept(shape: Shape, dropout: float | None) -> int:
    """Bytes that one forward pass of the blocks keeps; `dropout` None trains all weights."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        shape.type,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head,
        vocab_size=shape.vocabulary,
        use_cache=False,
    )
    torch.set_num_threads(1)
    dtype = torch.float32 if dropout is None else torch.bfloat16
    model: Any = AutoModelForCausalLM.from_config(config, dtype=dtype)
    if dropout is not None:
        lora = LoraConfig(r=2, lora_dropout=dropout, target_modules="all-linear", task_type="CAUSAL_LM")
        with quiet():
            model = get_peft_model(model, lora)
        for parameter in model.parameters():
            parameter.data = parameter.data.float() if parameter.requires_grad else parameter.data
    model.train()
    body = model.model if dropout is None else model.model.model
    still = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    seen: dict[int, int] = {}
    alive: list[Any] = []

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in still:
            seen[storage.data_ptr()] = storage.nbytes()
        alive.append(tensor)
        return tensor

    ids = torch.randint(0, shape.vocabulary, (1, TOKENS))
    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
    with hooks, torch.autocast("cpu", dtype=torch.bfloat16):
        body(input_ids=ids, use_cache=False)
    return sum(seen.values())


def estimated(shape: Shape, dropout: float | None) -> int:
    method: Any = "full" if dropout is None else "lora"
    model = BaseModel(
        name="m", revision="r", sha256="s", parameters=1, location="", max_length=2048, shape=shape
    )
    load = Load(method=method, rank=2, dropout=dropout or 0.0, tokens=TOKENS, checkpointing=False)
    found = memory(model, load)
    assert isinstance(found, Memory)
    return found.activations


@pytest.mark.parametrize(
    ("dropout", "wider"),
    [
        (0.05, {}),
        (0.05, {"intermediate": 1408}),
        (0.05, {"heads": 8}),
        (0.05, {"hidden": 512}),
        (0.0, {}),
        (0.0, {"intermediate": 1408}),
        (None, {}),
        (None, {"hidden": 512}),
    ],
)
def test_a_block_keeps_what_the_estimate_says(dropout: float | None, wider: dict[str, int]) -> None:
    """Two layers more, so that what is not of a block cancels; a fifth either way is what an estimate is good for."""
    few = replace(SHAPE, **wider)
    many = replace(few, layers=4)
    measured = (kept(many, dropout) - kept(few, dropout)) / 2
    if dropout is None:  # autocast keeps a 16-bit copy of each weight, which the estimate counts as weights
        queries, keys = few.heads * few.head, few.kv_heads * few.head
        measured -= 2 * few.hidden * (2 * queries + 2 * keys + 3 * few.intermediate)
    told = (estimated(many, dropout) - estimated(few, dropout)) / 2
    assert told == pytest.approx(measured, rel=0.2)
