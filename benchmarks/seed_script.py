"""The QLoRA script of the fine-tuning guide that ftgate puts into practice, as a reader would run it today.

Its numbers are the guide's; only what today's TRL refuses is renamed (max_seq_length, warmup_ratio,
evaluation_strategy, tokenizer). It leaves to the libraries all that the guide does not mention.
"""

import time
from pathlib import Path
from typing import Any, NamedTuple


class Chosen(NamedTuple):
    """What a measurement sets alike for everybody."""

    model: str
    folder: Path
    epochs: int
    rank: int
    learning_rate: float


def now() -> tuple[float, float]:
    """Seconds on the wall and of all processors so far."""
    return time.monotonic(), time.process_time()


def train(chosen: Chosen, examples: list[dict[str, Any]], held_out: list[dict[str, Any]]) -> list[float]:
    """Trains and writes the adapter into `folder/adapter`; wall and CPU seconds of the training alone."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    on_gpu = torch.cuda.is_available()
    model = AutoModelForCausalLM.from_pretrained(
        chosen.model,
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=torch.bfloat16,
            bnb_4bit_use_double_quant=True,
        ),
        device_map="auto",
    )
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(chosen.folder / "checkpoints"),
            num_train_epochs=chosen.epochs,
            per_device_train_batch_size=4,
            gradient_accumulation_steps=4,
            learning_rate=chosen.learning_rate,
            warmup_steps=0.1,
            lr_scheduler_type="cosine",
            bf16=True,
            use_cpu=not on_gpu,
            logging_steps=10,
            eval_strategy="steps",
            eval_steps=50,
            save_strategy="steps",
            save_steps=100,
            max_length=2048,
            packing=False,
            seed=42,
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(examples),
        eval_dataset=Dataset.from_list(held_out),
        processing_class=AutoTokenizer.from_pretrained(chosen.model),
        peft_config=LoraConfig(
            r=chosen.rank,
            lora_alpha=2 * chosen.rank,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
            lora_dropout=0.05,
            bias="none",
            task_type="CAUSAL_LM",
        ),
    )
    began = now()
    trainer.train()
    seconds = [end - begin for begin, end in zip(began, now(), strict=True)]
    trainer.model.save_pretrained(str(chosen.folder / "adapter"))
    return seconds
