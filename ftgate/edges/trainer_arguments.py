"""A recipe in the words of TRL and PEFT. Every value stands here, so that a default of theirs changes nothing."""

from pathlib import Path
from typing import Any

from ftgate.values.training import Recipe


def sft_arguments(recipe: Recipe, folder: Path) -> Any:
    """SFTConfig of a recipe; checkpoints are written into `folder`, when ftgate says so."""
    import torch
    from trl import SFTConfig

    on_gpu = torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(folder),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=_schedule(recipe),
        warmup_steps=recipe.warmup,
        optim="adamw_torch_fused",
        weight_decay=0.0,
        max_grad_norm=1.0,
        max_length=recipe.max_length,
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},  # ids and labels are ready
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=recipe.compute_dtype == "bfloat16" and on_gpu,
        fp16=False,
        use_cpu=not on_gpu,
        ddp_find_unused_parameters=False,
        activation_checkpointing=recipe.checkpointing,
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
    )


def _schedule(recipe: Recipe) -> str:
    """transformers knows a constant rate with a warm-up under a name of its own, and ignores warm-up otherwise."""
    return "constant_with_warmup" if recipe.schedule == "constant" and recipe.warmup else recipe.schedule


def lora_config(recipe: Recipe) -> Any:
    """LoraConfig of a recipe; None where all weights are trained."""
    from peft import LoraConfig

    if recipe.method == "full":
        return None
    return LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        use_rslora=recipe.rslora,
        target_modules="all-linear",
        bias="none",
        task_type="CAUSAL_LM",
    )
