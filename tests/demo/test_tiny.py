"""The bundled model: script, text, weights and manifest must agree, and it must be able to do what the demo needs."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from ftgate.demo import tiny_build, tiny_measure, tiny_text

FOLDER = Path(tiny_build.__file__).parent / "tiny"
MANIFEST: dict[str, Any] = json.loads((FOLDER / "MANIFEST.json").read_text())
SEED: int = MANIFEST["seed"]
FLOORS = {"words": 0.7, "copy": 0.8, "json": 0.9}
MIB = 1 << 20


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def model() -> Any:
    return AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def raw_tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(FOLDER / "tokenizer.json"))


def test_every_file_has_the_digest_in_the_manifest() -> None:
    assert tiny_build.file_digests(FOLDER) == MANIFEST["files"]


def test_the_folder_is_small_and_complete() -> None:
    names = {p.name for p in FOLDER.iterdir()}
    assert names == {"MANIFEST.json", "chat_template.jinja", "config.json", "generation_config.json",
                     "model.safetensors", "tokenizer.json", "tokenizer_config.json"}  # fmt: skip
    assert sum(p.stat().st_size for p in FOLDER.iterdir()) <= 8 * MIB


def test_the_text_is_the_text_in_the_manifest() -> None:
    text = MANIFEST["text"]
    assert tiny_text.digest(SEED, "train", text["conversations"]) == text["sha256"]


def test_a_conversation_depends_on_its_number_alone() -> None:
    one_by_one = [tiny_text.conversation(SEED, "train", i) for i in (7, 3)]
    assert one_by_one == [list(tiny_text.conversations(SEED, "train", 8))[i] for i in (7, 3)]


def test_retraining_the_tokenizer_gives_the_same_bytes(tmp_path: Path) -> None:
    tiny_build.write_tokenizer(tmp_path, tiny_build.train_tokenizer(SEED))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def test_the_model_file_is_what_the_shape_in_the_script_gives() -> None:
    fresh = tiny_build.new_model(SEED)
    assert sum(p.numel() for p in fresh.parameters()) == MANIFEST["parameters"]
    stored = AutoModelForCausalLM.from_pretrained(FOLDER)
    assert {p.dtype for p in stored.parameters()} == {torch.bfloat16}
    assert {n: p.shape for n, p in stored.named_parameters()} == {
        n: p.shape for n, p in fresh.named_parameters()
    }


def test_the_held_back_loss_is_the_manifests_and_far_below_an_untrained_models(
    model: Any, raw_tokenizer: Tokenizer
) -> None:
    stated = MANIFEST["held_out_loss"]
    losses = tiny_measure.held_out_losses(model, raw_tokenizer, SEED)
    assert losses == pytest.approx(stated, abs=2e-3)
    untrained = tiny_measure.held_out_losses(tiny_build.new_model(SEED), raw_tokenizer, SEED)
    assert losses["all_tokens"] < untrained["all_tokens"] / 5
    assert losses["reply_tokens"] < untrained["reply_tokens"] / 15


def test_two_short_builds_are_equal_and_start_as_the_manifest_says(raw_tokenizer: Tokenizer) -> None:
    plan = tiny_build.Plan(SEED, MANIFEST["steps"], 1)
    weights, starts = [], []
    for _ in range(2):
        model = tiny_build.new_model(SEED)
        losses, _ = tiny_build.train(model, raw_tokenizer, plan, tiny_build.FIRST_STEPS)
        starts.append(losses)
        blob = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
        weights.append(hashlib.sha256(blob).hexdigest())
    assert weights[0] == weights[1] and starts[0] == starts[1]
    assert starts[0] == pytest.approx(MANIFEST["first_losses"], abs=0.02)


CHAT = [
    {"role": "system", "content": "You sort messages."},
    {"role": "user", "content": "Where is my coat? ŝ 漢 🙂"},
    {"role": "assistant", "content": '{"topic": "late_delivery"}'},
    {"role": "tool", "content": "[1, 2]"},
    {"role": "user", "content": "And now?"},
    {"role": "assistant", "content": "\n  two  spaces, lines\n\nand a mark. "},
]


def test_the_template_marks_replies_and_their_end_of_turn_and_nothing_else(tokenizer: Any) -> None:
    got = tokenizer.apply_chat_template(CHAT, return_assistant_tokens_mask=True, return_dict=True)
    runs: list[list[int]] = []
    inside = False
    for token, marked in zip(got["input_ids"], got["assistant_masks"], strict=True):
        if marked and not inside:
            runs.append([])
        if marked:
            runs[-1].append(token)
        inside = bool(marked)
    replies = [m["content"] for m in CHAT if m["role"] == "assistant"]
    assert [tokenizer.decode(r) for r in runs] == [r + tokenizer.eos_token for r in replies]


def test_the_script_marks_the_same_tokens_as_the_template(tokenizer: Any, raw_tokenizer: Tokenizer) -> None:
    chats = list(tiny_text.conversations(SEED, "held", 200))
    for chat, (ids, marks) in zip(chats, tiny_measure.encode(raw_tokenizer, chats), strict=True):
        got = tokenizer.apply_chat_template(chat, return_assistant_tokens_mask=True, return_dict=True)
        assert got["input_ids"] == ids and list(map(bool, got["assistant_masks"])) == marks


def test_a_prompt_is_the_beginning_of_the_whole_conversation(tokenizer: Any) -> None:
    prompt = tokenizer.apply_chat_template(CHAT[:-1], tokenize=False, add_generation_prompt=True)
    assert tokenizer.apply_chat_template(CHAT, tokenize=False).startswith(prompt)
    assert prompt.endswith("<|im_start|>assistant\n") and prompt.count("<|im_end|>\n") == len(CHAT) - 1


def test_special_tokens_are_whole_and_any_text_survives_encoding(tokenizer: Any) -> None:
    assert tokenizer.eos_token == "<|im_end|>" and tokenizer.pad_token == "<|pad|>"
    assert (
        len({tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.convert_tokens_to_ids("<|im_start|>")})
        == 3
    )
    assert tokenizer.encode("<|im_end|>", add_special_tokens=False) == [tokenizer.eos_token_id]
    for text in ("ŝ 漢字 🙂\t\r\n  x", "12 345", "\u0000\u2028", "İ ﬁ é e\u0301"):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_it_follows_short_instructions_on_prompts_it_has_not_seen(model: Any, tokenizer: Any) -> None:
    rates = tiny_measure.skill_rates(model, tokenizer, SEED)
    assert all(rates[name] >= floor for name, floor in FLOORS.items()), rates


def test_it_ends_its_turn_even_on_a_task_it_does_not_know(model: Any, tokenizer: Any) -> None:
    system = "You rate films. Reply with one JSON object with the keys stars and genre."
    texts = ("A dull evening.", "I laughed all night!")
    chats = [[{"role": "system", "content": system}, {"role": "user", "content": text}] for text in texts]
    for reply in tiny_measure.complete(model, tokenizer, chats, 64):
        assert 0 < len(tokenizer.encode(reply, add_special_tokens=False)) < 60
