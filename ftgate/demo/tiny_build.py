"""Build the tiny model that ships with the package: tokenizer, weights, chat template and manifest.

    python -m ftgate.demo.tiny_build --out DIR [--minutes M | --steps N] [--threads N] [--seed S]

Everything comes from `tiny_text`; nothing is downloaded. The same seed, steps and threads give the same files on the
same kind of processor.
"""

import argparse
import hashlib
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

from ftgate.demo import tiny_text
from ftgate.demo.tiny_measure import (
    END,
    PAD,
    START,
    Encoded,
    encode,
    held_out_losses,
    rendered,
    skill_rates,
    tensors,
    token_losses,
)

VOCABULARY = 3072
TOKENIZER_TEXTS = 30_000
DIGEST_TEXTS = 3_000
FIRST_STEPS = 3
MAX_POSITIONS = 2048
POOL = 4_096  # conversations drawn at a time and sorted by length, so that batches need little padding
BATCH_TOKENS = 4_096
MATRIX_RATE, OTHER_RATE = 4e-3, 3e-3  # of Muon for the layers' matrices, of AdamW for embeddings and norms
WARMUP, DECAY = 40, 0.7  # steps of the linear start; share of the steps of the linear way down
TEMPLATE = """\
{%- for message in messages %}
{{- '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['role'] == 'assistant' %}
{%- generation %}{{- message['content'] + '<|im_end|>' }}{%- endgeneration %}
{%- else %}{{- message['content'] + '<|im_end|>' }}
{%- endif %}
{{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""


@dataclass(frozen=True)
class Plan:
    """What determines the weights."""

    seed: int
    steps: int
    threads: int


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def train_tokenizer(seed: int) -> Tokenizer:
    """A byte-level BPE trained on the first conversations; any UTF-8 text can be encoded."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            # the line break after a role never merges with the reply, whatever the reply begins with
            pre_tokenizers.Split("\n", "isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(t, special=True, normalized=False) for t in (PAD, START, END)],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        map(rendered, tiny_text.conversations(seed, "train", TOKENIZER_TEXTS)), trainer
    )
    return tokenizer


def config() -> Qwen3Config:
    """The shape: widths are multiples of 64, the block size of NF4."""
    return Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=3,
        num_key_value_heads=1,
        head_dim=64,
        max_position_embeddings=MAX_POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
    )


def new_model(seed: int) -> Qwen3ForCausalLM:
    """Random weights in float32."""
    torch.manual_seed(seed)
    return Qwen3ForCausalLM(config())


def batches(tokenizer: Tokenizer, seed: int) -> Iterator[list[Encoded]]:
    """Endless batches of about BATCH_TOKENS tokens, each of conversations of similar length."""
    rng = random.Random(f"batches/{seed}")
    start = 0
    while True:
        pool = encode(tokenizer, list(tiny_text.conversations(seed, "train", POOL, start)))
        start += POOL
        pool.sort(key=lambda e: len(e[0]))
        groups: list[list[Encoded]] = [[]]
        for item in pool:
            if (len(groups[-1]) + 1) * len(item[0]) > BATCH_TOKENS:
                groups.append([])
            groups[-1].append(item)
        rng.shuffle(groups)
        yield from groups


def batch_loss(model: Qwen3ForCausalLM, batch: list[Encoded]) -> torch.Tensor:
    """Weighted mean loss per token, in nats; padding is on the right, so causal attention never sees it."""
    ids, targets, weights = tensors(batch)
    return (token_losses(model, ids, targets) * weights.flatten()).sum() / weights.sum()


def schedule(step: int, steps: int) -> float:
    """Factor on the learning rates: a linear start, a plateau, and a linear way down."""
    return min(1.0, (step + 1) / WARMUP, (steps - step) / (steps * DECAY))


def optimizers(model: Qwen3ForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, which learns from fewer tokens than AdamW, and AdamW for the rest."""
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=MATRIX_RATE, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=OTHER_RATE, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def train(
    model: Qwen3ForCausalLM, tokenizer: Tokenizer, plan: Plan, stop: int | None = None
) -> tuple[list[float], int]:
    """Train in place for `stop` of the plan's steps (all by default); the losses, and the number of tokens seen."""
    torch.set_num_threads(plan.threads)
    both = optimizers(model)
    schedules = [torch.optim.lr_scheduler.LambdaLR(o, lambda s: schedule(s, plan.steps)) for o in both]
    losses, seen, began = [], 0, time.monotonic()
    model.train()
    for step, batch in zip(
        range(plan.steps if stop is None else stop), batches(tokenizer, plan.seed), strict=False
    ):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = batch_loss(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, follower in zip(both, schedules, strict=True):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            follower.step()
        losses.append(loss.item())
        seen += sum(len(ids) for ids, _ in batch)
        if step % 50 == 49:
            took = time.monotonic() - began
            left = took / (step + 1) * (plan.steps - step - 1)
            mean = sum(losses[-50:]) / 50
            _say(
                f"step {step + 1}/{plan.steps} loss {mean:.4f} {seen / took:.0f} tokens/s, {left / 60:.1f} min left"
            )
    return losses, seen


def steps_for(minutes: float, tokenizer: Tokenizer, seed: int, threads: int) -> int:
    """How many steps fit into the time, from a few steps on a model that is thrown away."""
    model, tries = new_model(seed), 12
    train(model, tokenizer, Plan(seed, 1000, threads), 3)
    began = time.monotonic()
    train(model, tokenizer, Plan(seed, 1000, threads), tries)
    return max(FIRST_STEPS, int(minutes * 60 / ((time.monotonic() - began) / tries)))


def write_tokenizer(out: Path, tokenizer: Tokenizer) -> None:
    """tokenizer.json, its settings and the chat template."""
    tokenizer.save(str(out / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": PAD,
        "additional_special_tokens": [START],
        "model_max_length": MAX_POSITIONS,
        "clean_up_tokenization_spaces": False,
        "padding_side": "right",
    }
    (out / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    (out / "chat_template.jinja").write_text(TEMPLATE)


def write_model(out: Path, model: Qwen3ForCausalLM) -> None:
    """config.json, generation_config.json and the weights in bfloat16."""
    model.generation_config.update(do_sample=False, eos_token_id=2, pad_token_id=0, bos_token_id=None)
    model.to(torch.bfloat16).save_pretrained(out)


def file_digests(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of every file but the manifest."""
    paths = sorted(p for p in folder.iterdir() if p.name != "MANIFEST.json")
    return {
        p.name: {"bytes": p.stat().st_size, "sha256": hashlib.sha256(p.read_bytes()).hexdigest()}
        for p in paths
    }


def build(out: Path, plan: Plan, tokenizer: Tokenizer) -> None:
    """Train and write everything into the folder."""
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    model = new_model(plan.seed)
    losses, seen = train(model, tokenizer, plan)
    minutes = (time.monotonic() - began) / 60
    write_tokenizer(out, tokenizer)
    write_model(out, model)
    for path in out.iterdir():
        path.chmod(0o644)  # safetensors writes files that only their owner may read
    loaded = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
    manifest = {
        "seed": plan.seed,
        "steps": plan.steps,
        "threads": plan.threads,
        "tokens": seen,
        "minutes": round(minutes, 1),
        "parameters": sum(p.numel() for p in model.parameters()),
        "torch": torch.__version__,
        "text": {"conversations": DIGEST_TEXTS, "sha256": tiny_text.digest(plan.seed, "train", DIGEST_TEXTS)},
        "first_losses": [round(x, 5) for x in losses[:FIRST_STEPS]],
        "held_out_loss": held_out_losses(loaded, tokenizer, plan.seed),
        "skills": skill_rates(loaded, AutoTokenizer.from_pretrained(out), plan.seed),
        "files": file_digests(out),
    }
    (out / "MANIFEST.json").write_text(json.dumps(manifest, indent=2) + "\n")


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="tiny_build", description="Build the bundled tiny model.")
    parser.add_argument("--out", type=Path, required=True)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=30.0)
    length.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    tokenizer = train_tokenizer(args.seed)
    steps = args.steps or steps_for(args.minutes, tokenizer, args.seed, args.threads)
    _say(f"{steps} steps of about {BATCH_TOKENS} tokens")
    build(args.out, Plan(args.seed, steps, args.threads), tokenizer)


if __name__ == "__main__":
    main()
