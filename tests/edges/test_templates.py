"""Every chat template of today gives labels that are what the model must say, or is refused with a reason."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ftgate.edges.chat import dated
from ftgate.edges.tokens import Labelled, label, prompt_ids, told
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
