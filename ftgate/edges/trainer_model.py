"""Builds the trainer of a recipe from TRL's, and writes what it has learned. Nothing is patched."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ftgate.edges import loading
from ftgate.edges.artefact import failing_as_disks_do
from ftgate.edges.held_out_loss import token_losses
from ftgate.edges.shards import sampler, with_blanks
from ftgate.edges.tokens import Tokenized
from ftgate.edges.trainer_arguments import lora_config, sft_arguments
from ftgate.errors import OutsideError, SettingsError
from ftgate.values.training import ADAPTER_CONFIG, BaseModel, Recipe

_FULL = "full.json"
_UNWRITTEN = ("inline_container.cc", "PytorchStreamWriter")
"""In what torch.save says, as RuntimeError, when a file cannot be written to its end."""


def collator(tokenizer: Any, recipe: Recipe) -> Any:
    """Makes a batch: joined without padding, each example with places of its own from 0, or padded to the longest."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    return DataCollatorForLanguageModeling(
        pad_token_id=tokenizer.pad_token_id, padding_free=recipe.batching == "padding-free"
    )


def build(
    base: BaseModel,
    recipe: Recipe,
    tokenizer: Any,
    examples: Sequence[Tokenized],
    callbacks: Sequence[Any],
    folder: Path,
) -> Any:
    """A trainer that is ready to start. Raises OutsideError when the model cannot be loaded.

    Raises SettingsError when another number of processes runs than the recipe names.
    """
    from datasets import Dataset
    from transformers import PrinterCallback, set_seed

    arguments = sft_arguments(recipe, folder)
    if arguments.world_size != recipe.processes:
        raise SettingsError(
            f"the recipe is for {recipe.processes} processes, and {arguments.world_size} run",
            advice="Start it through ftgate, which writes the launch, or correct training.launch in the settings.",
        )
    # Every further GPU that one process sees would get a replica of its own (nn.DataParallel), which TRL refuses and
    # no recipe asks for. transformers does the same where a model lies on several GPUs.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    set_seed(recipe.seed)
    rows = with_blanks(examples, recipe, tokenizer.pad_token_id)
    model = loading.load_model(
        base,
        recipe.method,
        dtype=_dtype(recipe),
        quant_storage=recipe.quant_storage,
        gpu=None if recipe.strategy == "fsdp" else arguments.local_process_index,
    )
    shared_out = sampler(len(examples), len(rows) - len(examples), recipe) if recipe.processes > 1 else None
    trainer = _trainer_class(shared_out)(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list([row._asdict() for row in rows]),
        processing_class=tokenizer,
        data_collator=collator(tokenizer, recipe),
        peft_config=lora_config(recipe),
        callbacks=list(callbacks),
    )
    trainer.remove_callback(PrinterCallback)
    _single_precision(trainer.model)
    return trainer


def computed_in(recipe: Recipe) -> str:
    """Dtype of products: the recipe's on a GPU. A processor takes float32, where bfloat16 is slower and coarser."""
    import torch

    return recipe.compute_dtype if torch.cuda.is_available() else "float32"


def _dtype(recipe: Recipe) -> str:
    """Of frozen weights. What is trained is single precision always: bfloat16 would swallow small updates."""
    return "float32" if recipe.method == "full" else computed_in(recipe)


def _single_precision(model: Any) -> None:
    """TRL casts adapters to bf16 and PEFT loads them back as fp32: only fp32 throughout resumes exactly."""
    import torch

    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)


def _trainer_class(shared_out: Any) -> Any:
    """`shared_out` is the sampler of several processes; None for one, where Trainer's own is right."""
    import torch
    from trl import SFTTrainer

    class Trainer(SFTTrainer):  # type: ignore[misc]
        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            """On a CPU without the places that carry no loss; TRL's own on a GPU, and for mixtures of experts."""
            if self.aux_loss_enabled or return_outputs or num_items_in_batch is None:
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            if inputs["input_ids"].device.type != "cpu":
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            loss = token_losses(model, inputs).sum() / torch.as_tensor(num_items_in_batch).clamp(min=1)
            # The count is of all processes, whose gradients are averaged.
            return loss * self.accelerator.num_processes

        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return shared_out if shared_out is not None else super()._get_train_sampler(train_dataset)

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            with _writing(Path(self.args.output_dir)):
                super()._save_checkpoint(model, trial)

        def floating_point_ops(self, inputs: Any) -> int:
            """Nobody reads it, and it would walk through all modules at every batch."""
            return 0

    return Trainer


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """A disk that is full is told by the system, by safetensors and by PyTorch, each in a type of its own."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if isinstance(error, RuntimeError) and not any(said in str(error) for said in _UNWRITTEN):
            raise  # out of memory, or a process that has died: those are answered elsewhere
        said = str(error) or type(error).__name__
        if isinstance(error, RuntimeError):
            said = f"torch could not write the state of the training ({said.splitlines()[0]})"
        raise OutsideError(
            f"{folder}: cannot be written: {said}",
            advice="Is the disk full? Make room, and run the same command again: it goes on from the last whole "
            "checkpoint.",
        ) from error


def write_weights(trainer: Any, base: BaseModel, recipe: Recipe, folder: Path) -> None:
    """The weights as they are now and their configuration, nothing else; the base is named, not located.

    All processes call it, and the first one writes. Raises OutsideError (disk full, no permission).
    """
    with _writing(folder):
        _write_weights(trainer, base, recipe, folder)


def _write_weights(trainer: Any, base: BaseModel, recipe: Recipe, folder: Path) -> None:
    draft = folder.with_name(f"{folder.name}.draft")
    first = bool(trainer.args.should_save)
    if first:
        shutil.rmtree(draft, ignore_errors=True)
    if trainer.is_fsdp_enabled:
        trainer.save_model(str(draft))  # gathers what lies on several machines
    elif first:
        with failing_as_disks_do(draft):
            trainer.model.save_pretrained(str(draft), safe_serialization=True)
    if not first:
        return
    for file in draft.iterdir():
        if file.suffix != ".safetensors" and file.name not in _configurations(recipe):
            file.unlink()
    if recipe.method == "full":
        marker = {"base_model": base.name, "form": "full", "revision": base.revision}
        (draft / _FULL).write_text(json.dumps(marker, indent=2) + "\n")
    else:
        _name_base(draft / ADAPTER_CONFIG, base)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def _configurations(recipe: Recipe) -> tuple[str, ...]:
    if recipe.method == "full":
        return ("config.json", "generation_config.json", "model.safetensors.index.json")
    return (ADAPTER_CONFIG,)


def _name_base(config: Path, base: BaseModel) -> None:
    plain = json.loads(config.read_text())
    plain["base_model_name_or_path"] = base.name
    plain["revision"] = base.revision
    # A set comes in any order: the same weights must have the same digest.
    plain["target_modules"] = sorted(plain["target_modules"])
    config.write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n")


def odd_weights(model: Any) -> str | None:
    """Which trained weights are not finite."""
    import torch

    for name, parameter in model.named_parameters():
        if parameter.requires_grad and not bool(torch.isfinite(parameter).all()):
            return f"weights of {name} are not finite"
    return None
