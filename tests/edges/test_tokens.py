"""What the trainer sees: loss on assistant turns and their end, with and without template markers."""

from typing import Any

import pytest

from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.loading import load_tokenizer
from ftgate.edges.tokens import IGNORED, Tokenized, prompt_ids, tokenize
from ftgate.errors import InputError
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

WITHOUT_MARKERS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA = (
    "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
STRIPS_EARLIER_TURNS = (
    "{% for m in messages %}{% if loop.last or m.role != 'assistant' %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "<|im_end|>\n{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
REFUSES_TOOLS = (
    "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}"
    "{% endfor %}"
)


@pytest.fixture
def tokenizer() -> Any:
    return load_tokenizer(BaseModels().resolve(BUNDLED, None), "right")


def example(*turns: tuple[str, str, int | None]) -> Example:
    messages = tuple(Message(role=role, content=content, weight=weight) for role, content, weight in turns)
    return Example(place=Place(path="a.jsonl", line=7), format=Format.CONVERSATION, messages=messages)


TWO_TURNS = example(
    ("user", "one", None), ("assistant", "two", None), ("user", "three", None), ("assistant", "four", None)
)


def trained(tokenizer: Any, tokenized: Tokenized) -> str:
    kept = [label for label in tokenized.labels if label != IGNORED]
    return str(tokenizer.decode(kept))


def test_loss_is_on_the_reply_and_its_end_alone(tokenizer: Any) -> None:
    tokenized = tokenize(tokenizer, TWO_TURNS)
    assert trained(tokenizer, tokenized).replace("\n", "") == "two<|im_end|>four<|im_end|>"
    assert len(tokenized.input_ids) == len(tokenized.labels)
    assert tokenized.trained < len(tokenized.labels)


@pytest.mark.parametrize("template", [WITHOUT_MARKERS, LLAMA])
def test_templates_without_markers_are_labelled_by_what_a_turn_adds(tokenizer: Any, template: str) -> None:
    tokenizer.chat_template = template
    text = trained(tokenizer, tokenize(tokenizer, TWO_TURNS))
    assert "two" in text and "four" in text
    assert "one" not in text and "three" not in text
    assert text.count("<|im_end|>" if "im_end" in template else "<|eot_id|>") == 2


@pytest.mark.parametrize("markers", [True, False])
def test_a_turn_of_weight_zero_carries_no_loss(tokenizer: Any, markers: bool) -> None:
    if not markers:
        tokenizer.chat_template = WITHOUT_MARKERS
    turns = (
        ("user", "one", None),
        ("assistant", "two", 0),
        ("user", "three", None),
        ("assistant", "four", 1),
    )
    text = trained(tokenizer, tokenize(tokenizer, example(*turns)))
    assert "two" not in text and "four" in text


def test_a_template_that_rewrites_earlier_turns_is_refused_with_the_line(tokenizer: Any) -> None:
    tokenizer.chat_template = STRIPS_EARLIER_TURNS
    with pytest.raises(InputError, match=r"a\.jsonl:7: .*renders a turn differently"):
        tokenize(tokenizer, TWO_TURNS)


def test_a_template_that_raises_is_refused_with_the_line(tokenizer: Any) -> None:
    tokenizer.chat_template = REFUSES_TOOLS
    with pytest.raises(InputError, match=r"a\.jsonl:7: .*no tools here"):
        tokenize(tokenizer, example(("user", "x", None), ("tool", "y", None), ("assistant", "z", None)))


def test_a_prompt_ends_where_the_assistant_begins(tokenizer: Any) -> None:
    ids = prompt_ids(tokenizer, TWO_TURNS.messages[:1])
    assert tokenizer.decode(ids).endswith("<|im_start|>assistant\n")
    assert tokenize(tokenizer, TWO_TURNS).input_ids[: len(ids)] == ids
