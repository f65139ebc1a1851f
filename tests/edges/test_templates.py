"""Every chat template of today gives labels that are what the model must say, or is refused with a reason."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ftgate.edges.chat import dated
from ftgate.edges.tokens import IGNORED, Labelled, Tokenized, label, prompt_ids, told
from ftgate.values.dataset import Example
from tests.edges.chat_models import (
    ANSWERS,
    CONVERSATIONS,
    FAMILIES,
    OTHERS,
    TOOLS,
    Family,
    before,
    example,
    family,
    said,
    speaking,
    turn,
)

pytestmark = pytest.mark.filterwarnings("default")

OWN = {path.stem: path for path in sorted((Path(__file__).parent / "templates").glob("*.jinja"))}
_SPEC = find_spec("trl")
BUNDLED = {
    path.stem: path
    for folder in (_SPEC.submodule_search_locations or () if _SPEC else ())
    for path in sorted((Path(folder) / "chat_templates").glob("*.jinja"))
}
TOOLLESS = ("tools", "telling")
REFUSED = {
    "cohere": TOOLLESS,
    "cohere2": TOOLLESS,
    "deepseek_r1_distill": TOOLLESS,
    "deepseekv3": TOOLLESS,
    "diffusion_gemma": ("telling",),
    "gemma4": ("thinking",),
    "gemma4_v3": ("thinking",),
    "gemma4_v4": ("thinking",),
    "gemma4_v5": ("telling",),
    "llama3_1": ("telling",),
    "llama3_2": ("telling",),
    "muse_glimmer": ("telling",),
    "own/gemma4": TOOLLESS,
    "mistral": ("telling",),
    "gemma": ("system", *TOOLLESS),
    "gemma2": ("system", *TOOLLESS),
    "gemma3": TOOLLESS,
    "idefics3": TOOLLESS,
    "lfm2": TOOLLESS,
    "llama3": TOOLLESS,
    "llava_next": TOOLLESS,
    "phi3": TOOLLESS,
    "phi3_5": TOOLLESS,
    "qwen2_5_vl": TOOLLESS,
    "smolvlm": TOOLLESS,
}
"""What a template cannot say, with and without the markers that TRL adds to it."""


def label_one(tokenizer: Any, one: Example) -> Labelled:
    (done,) = label(tokenizer, [one])
    return done


@pytest.mark.parametrize("name", [f"{n}" for n in BUNDLED] + [f"own/{n}" for n in OWN])
def test_what_is_trained_is_what_the_model_must_say(name: str, tmp_path: Path) -> None:
    path = OWN[name.removeprefix("own/")] if name.startswith("own/") else BUNDLED[name]
    kind = family(path.stem)
    tokenizer = speaking(kind, path.read_text(), tmp_path)
    refused = []
    for which, one in CONVERSATIONS.items():
        done = label_one(tokenizer, one)
        if done.refused:
            assert done.refused.message.startswith("a.jsonl:7: the base model's chat template "), which
            assert done.refused.advice
            refused.append(which)
            continue
        assert done.stopped, which
        replies = [reply for row in done.rows for reply in said(tokenizer, row)]
        assert len(replies) == len(ANSWERS[which]), which
        for reply, answer in zip(replies, ANSWERS[which], strict=True):
            assert all(piece in reply for piece in answer), which
            assert not any(other in reply for other in OTHERS), which
            ends = [end for end in kind.ends if end in reply]
            assert len(ends) == 1 and reply.endswith(ends[0]), which
        if which not in TOOLLESS:
            check_prompts(tokenizer, one, done)
    plain = path.stem.removesuffix("_training")
    assert tuple(refused) == REFUSED.get(name, REFUSED.get(plain, ()))


def check_prompts(tokenizer: Any, one: Example, done: Labelled) -> None:
    """The tokens before each reply are those that the completer asks a model with."""
    asked = [
        prompt_ids(tokenizer, one.messages[:at])
        for at, message in enumerate(one.messages)
        if message.role == "assistant" and message.weight != 0
    ]
    assert [ids for row in done.rows for ids in before(row)] == asked


@pytest.mark.parametrize(
    ("own", "bundled"),
    [
        ("llama3_1", "llama3_1"),
        ("llama3_2", "llama3_2"),
        ("qwen2_5", "qwen2_5"),
        ("qwen3", "qwen3"),
        ("gemma2", "gemma"),
        ("gemma3", "gemma3"),
        ("gemma4", "gemma4_v5"),
    ],
)
def test_our_own_templates_render_as_the_models_do(own: str, bundled: str, tmp_path: Path) -> None:
    if bundled not in BUNDLED:
        pytest.skip("TRL is not installed")
    texts = []
    for path in (OWN[own], BUNDLED[bundled]):
        tokenizer = speaking(family(bundled), path.read_text(), tmp_path)
        done = {which: label_one(tokenizer, one) for which, one in CONVERSATIONS.items()}
        texts.append({w: [tokenizer.decode(r.input_ids) for r in d.rows] for w, d in done.items() if d.rows})
    ours, theirs = texts
    assert set(ours) <= set(theirs) and len(ours) >= 4
    for which in set(ours) - ({"thinking"} if own == "gemma4" else set()):
        assert ours[which] == theirs[which], which


PARTS = ("idefics3", "smolvlm", "llava_next")
OTHERWISE = {
    "deepseek_r1_distill": "the prompt opens a thought, which the reply must close",
    "deepseekv3": "the prompt opens a thought, which the reply must close",
    "gptoss": "the header, which the prompt gives, is in the loss; an earlier turn does not end in a stop token",
    "muse_glimmer": "the header is in the loss",
    "nemotron_3_5_lightning": "the beginning of the thought is in the loss",
    "nemotron_3_nano": "the beginning of the thought is in the loss",
    "nemotron_3_super": "the beginning of the thought is in the loss",
    "nemotron_3_ultra": "the beginning of the thought is in the loss",
    "phi3": "what stands behind the stop token is in the loss",
    "phi3_5": "what stands behind the stop token is in the loss",
    "qwen2_5": "the line end of the header is in the loss",
    "qwen3_5_nothink": "the thought that the prompt gives is in the loss",
    "qwen3_5_think": "the beginning of the thought is in the loss",
    "qwen3_6": "the beginning of the thought is in the loss",
    "qwen3_8": "the beginning of the thought is in the loss",
}
"""Where TRL's training templates train other tokens than the model must say after its prompt."""


@pytest.mark.parametrize("name", [n for n, path in BUNDLED.items() if "generation %}" in path.read_text()])
def test_assistant_only_loss_trains_the_same_where_it_works(name: str, tmp_path: Path) -> None:
    tokenizer = speaking(family(name), BUNDLED[name].read_text(), tmp_path)
    messages: list[dict[str, Any]] = [
        {
            "role": message.role,
            "content": [{"type": "text", "text": message.content}]
            if name.startswith(PARTS)
            else message.content,
        }
        for message in CONVERSATIONS["two"].messages
    ]
    encoded = tokenizer.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    masked = [
        token if kept else IGNORED
        for token, kept in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
    ]
    theirs = [text.rstrip("\n") for text in said(tokenizer, Tokenized(list(encoded["input_ids"]), masked))]
    ours = [
        reply for row in label_one(tokenizer, CONVERSATIONS["two"]).rows for reply in said(tokenizer, row)
    ]
    assert len(theirs) == len(ours) == 2
    assert (theirs != ours) is (name.removesuffix("_training") in OTHERWISE)


def test_refusals_say_what_and_what_to_do(tmp_path: Path) -> None:
    gemma = speaking(family("gemma"), OWN["gemma2"].read_text(), tmp_path)
    done = label_one(gemma, CONVERSATIONS["system"])
    assert done.refused and told(CONVERSATIONS["system"], done.refused) == (
        "the base model's chat template cannot render this example: System role not supported. "
        "It takes no system turn: put its text at the beginning of the first user turn."
    )
    done = label_one(gemma, CONVERSATIONS["tools"])
    assert done.refused and "leaves out tool calls" in done.refused.message
    assert "knows tools" in done.refused.advice
    only_tools = example(turn("user", "QONE"), turn("assistant", "AONE"), tools=TOOLS)
    done = label_one(gemma, only_tools)
    assert done.refused and "leaves out the tools" in done.refused.message


def test_today_s_date_stands_still(tmp_path: Path) -> None:
    tokenizer = speaking(family("llama3_2"), OWN["llama3_2"].read_text(), tmp_path)
    done = label_one(tokenizer, CONVERSATIONS["one"])
    assert "Today Date: 26 Jul 2024\n" in tokenizer.decode(done.rows[0].input_ids)
    asked = tokenizer.decode(prompt_ids(tokenizer, CONVERSATIONS["one"].messages[:1]))
    assert "Today Date: 26 Jul 2024\n" in asked
    assert dated("{{ messages }}") == "{{ messages }}"


def test_a_model_whose_generation_goes_on_is_told(tmp_path: Path) -> None:
    """A base model's tokenizer ends texts, not turns: with a chat template alone it never stops."""
    kind = Family(("<|endoftext|>",), ("<|im_start|>", "<|im_end|>"))
    tokenizer = speaking(kind, OWN["qwen2_5"].read_text(), tmp_path)
    done = label_one(tokenizer, CONVERSATIONS["one"])
    assert not done.stopped
    assert said(tokenizer, done.rows[0]) == ["AONE<|im_end|>"]


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("llama3_1", "<|eot_id|>"),
        ("llama3_2", "<|eot_id|>"),
        ("qwen2_5", "<|im_end|>"),
        ("qwen3", "<|im_end|>"),
        ("gemma2", "<end_of_turn>"),
        ("gemma3", "<end_of_turn>"),
        ("gemma4", "<turn|>"),
        ("mistral", "</s>"),
    ],
)
def test_the_token_that_ends_a_turn_is_in_the_loss_also_where_it_pads(
    name: str, end: str, tmp_path: Path
) -> None:
    tokenizer = speaking(FAMILIES[family_name(name)], OWN[name].read_text(), tmp_path)
    assert tokenizer.pad_token == tokenizer.eos_token
    done = label_one(tokenizer, CONVERSATIONS["two"])
    last = [label for row in done.rows for label in row.labels if label != IGNORED][-1]
    assert done.stopped and last == tokenizer.convert_tokens_to_ids(end)


def family_name(template: str) -> str:
    return max((name for name in FAMILIES if template.startswith(name)), key=len)
