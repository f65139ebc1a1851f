"""The guide's script against ftgate's recipe: same data, same examples in a step, each in a process of its own.

`python -m benchmarks.training [--device cpu|cuda] [--model bundled:tiny|8b-random|PATH] [--examples N] [--rounds N]`
prints a Markdown table. Seconds are those of the training alone, with its measurements and checkpoints and without
imports and loading; on a machine that others use, CPU seconds say more. Tokens are counted without padding. All of the
adapters are measured on the same held-out examples by the same function. `8b-random` has the shape of Llama 3.1 8B,
whose random weights are written on the spot (16 GB of disk): right for speed and memory. On a CPU all take one thread.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks import seed_script, training_data
from ftgate.decide.recipe import basis_of, resolve
from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.held_out_loss import HeldOut
from ftgate.edges.qlora import QloraTrainer
from ftgate.edges.tokens import LocalTokenizer, tokenize
from ftgate.edges.trainer_model import collator
from ftgate.ports import Task, TrainingJob
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place
from ftgate.values.training import BaseModel, Recipe
from ftgate.values.training_settings import TrainingSettings

RANDOM = "8b-random"
# What is measured, and what of ftgate's recipe is set for it.
CONTENDERS: dict[str, dict[str, Any]] = {
    "the guide's script": {},
    "ftgate": {},
    "ftgate, padding-free": {"batching": "padding-free"},
    "ftgate, padded": {"batching": "padded"},
    "ftgate, padding-free, checkpointing": {"batching": "padding-free", "checkpointing": True},
    "ftgate, lora, padding-free": {"method": "lora", "batching": "padding-free"},
}


class _Clock:
    """Port Progress that measures from the first step to the end: wall and CPU seconds."""

    began = ended = (0.0, 0.0)

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Task]:
        clock = self

        class Ticking:
            def advance(self, steps: int = 1) -> None:
                clock.began = clock.began if clock.began[0] else seed_script.now()

        yield Ticking()
        self.ended = seed_script.now()

    def say(self, text: str) -> None:
        print(text, file=sys.stderr)


def example(chat: dict[str, Any], line: int) -> Example:
    turns = tuple(Message(role=m["role"], content=m["content"]) for m in chat["messages"])
    return Example(place=Place(path="chats.jsonl", line=line), format=Format.CONVERSATION, messages=turns)


def one(options: argparse.Namespace) -> dict[str, Any]:
    """Trains one contender in this process."""
    base = BaseModels().resolve(str(options.model), None)
    words = options.words or (12 if base.name == BUNDLED else 90)
    chats = training_data.chats(options.examples, words, seed=1)
    held_out = training_data.chats(max(20, options.examples // 7), words, seed=2)
    examples = tuple(example(chat, line) for line, chat in enumerate(chats, 1))
    reserved = tuple(example(chat, line) for line, chat in enumerate(held_out, 1))
    rate = 5e-3 if base.name == BUNDLED else 2e-4
    settings = {"batch_size": 4, "accumulation": 4, "epochs": options.epochs, "learning_rate": rate}
    survey = LocalTokenizer().survey(base, examples)
    trainer = QloraTrainer()
    basis = basis_of(survey, trainer.memory())
    recipe = resolve(TrainingSettings(**(settings | CONTENDERS[options.one])), base, basis)
    with tempfile.TemporaryDirectory() as folder:
        if options.one.startswith("ftgate"):
            clock = _Clock()
            job = TrainingJob(
                label=options.one,
                key="benchmark",
                commit="",
                base_model=base,
                recipe=recipe,
                examples=examples,
                held_out=reserved,
                workspace=Path(folder),
            )
            training = trainer.train(job, clock)
            assert training.failure is None, training.failure
            seconds, cpu = (end - begin for begin, end in zip(clock.began, clock.ended, strict=True))
        else:
            chosen = seed_script.Chosen(base.location, Path(folder), options.epochs, recipe.rank, rate)
            with loading.quiet():
                seconds, cpu = seed_script.train(chosen, chats, held_out)
        memory = _memory()
        loss = _held_out_loss(base, recipe, reserved, Path(folder) / "adapter")
    tokens = basis.tokens * options.epochs
    return {"seconds": seconds, "cpu": cpu, "tokens": tokens, "memory": memory, "loss": loss}


def _memory() -> float:
    """Highest so far, in MB: of the GPU where there is one, else resident."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _held_out_loss(base: BaseModel, recipe: Recipe, reserved: tuple[Example, ...], adapter: Path) -> float:
    """Nats per token of the replies."""
    from peft import PeftModel
    from trl.trainer.utils import add_fused_lm_head

    with loading.quiet():
        tokenizer = loading.load_tokenizer(base, "right")
        rows = HeldOut([tokenize(tokenizer, each) for each in reserved], collator(tokenizer, recipe), 8)
        model = loading.load_model(base, recipe.method)
        add_fused_lm_head(model)
        losses = rows.losses(PeftModel.from_pretrained(model, str(adapter)), nullcontext, lambda: False)
    assert losses is not None
    return sum(losses) / rows.tokens


def random_model(folder: Path) -> None:
    """Weights of the shape of Llama 3.1 8B, and the bundled tokenizer, whose ids are all below its vocabulary."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=128_256,
        hidden_size=4096,
        intermediate_size=14_336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=8192,
        dtype="bfloat16",
    )
    torch.manual_seed(1)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    model.save_pretrained(str(folder))
    tokenizer = AutoTokenizer.from_pretrained(BaseModels().resolve(BUNDLED, None).location)
    tokenizer.save_pretrained(str(folder))


def measured(options: argparse.Namespace, name: str, model: str) -> dict[str, Any]:
    """One contender in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.training", "--one", name, "--model", model]
    for option in ("device", "examples", "epochs", "words"):
        command += [f"--{option}", str(getattr(options, option))]
    # Products this small lose more to the hand-over between threads than they gain, the guide's most of all.
    alone = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    chosen = alone if options.device == "cpu" else {}
    done = subprocess.run(command, stdout=subprocess.PIPE, env={**os.environ, **chosen}, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def table(rows: list[tuple[str, dict[str, Any]]]) -> str:
    first = rows[0][1]["seconds"]
    lines = [
        "| contender | seconds | speed | tokens/s | CPU s | peak MB | held-out loss |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, row in rows:
        rate = row["tokens"] / row["seconds"]
        lines.append(
            f"| {name} | {row['seconds']:.1f} | {first / row['seconds']:.2f} | {rate:,.0f} | {row['cpu']:.1f} "
            f"| {row['memory']:,.0f} | {row['loss']:.4f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--model", default=BUNDLED)
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--words", type=int, default=0, help="median words of a message; 0 chooses by model")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--only", default="", help="contenders whose name has this; the first one always runs"
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options)))
        return
    chosen = options.only.split("/") if options.only else CONTENDERS
    names = [name for at, name in enumerate(CONTENDERS) if at == 0 or name in chosen]
    with tempfile.TemporaryDirectory() as folder:
        model = options.model
        if model == RANDOM:
            random_model(Path(folder))
            model = folder
        for turn in range(options.rounds):
            rows = []
            for name in names:
                rows.append((name, measured(options, name, model)))
                print(f"{name}: {rows[-1][1]}", file=sys.stderr)
            print(f"\nRound {turn + 1}, load {os.getloadavg()[0]:.1f}\n\n{table(rows)}")


if __name__ == "__main__":
    main()
