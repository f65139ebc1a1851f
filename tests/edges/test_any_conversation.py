"""Whatever a conversation says: what is trained follows exactly what the model is asked with, and says it all."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftgate.edges.tokens import IGNORED, label, prompt_ids
from ftgate.values.dataset import Message
from tests.edges.chat_models import before, example, family, said, speaking
from tests.edges.test_templates import OWN

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

_PIECES = st.sampled_from(
    [
        "a",
        "two words",
        " ",
        "\n",
        "\n\n",
        "<think>",
        "</think>",
        "<|im_end|>",
        "<|im_start|>assistant\n",
        "</s>",
        "<end_of_turn>",
        "<|eot_id|>",
        "[INST]",
        "é",
        "日本",
        "🙂",
        "\u200b",
        "\x00",
        "{{ x }}",
        "{% if %}",
        '"',
        "\\",
    ]
)
_TEXT = st.lists(_PIECES, max_size=6).map("".join)
_WEIGHT = st.sampled_from([None, None, 0, 1])
_TURNS = st.lists(st.tuples(_TEXT, _TEXT, _WEIGHT), min_size=1, max_size=4)


@pytest.fixture(scope="module", params=sorted(OWN))
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp(request.param)
    return speaking(family(request.param), Path(OWN[request.param]).read_text(), folder)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(turns=_TURNS, system=st.one_of(st.none(), _TEXT))
def test_any_conversation(
    tokenizer: Any, turns: list[tuple[str, str, int | None]], system: str | None
) -> None:
    messages = [Message(role="system", content=system)] if system is not None else []
    for asked, replied, weight in turns:
        messages += [
            Message(role="user", content=asked),
            Message(role="assistant", content=replied, weight=weight),
        ]
    (done,) = label(tokenizer, [example(*messages)])
    if done.refused:
        assert not done.rows and done.refused.message.startswith("a.jsonl:7: ")
        return
    trained = [at for at, m in enumerate(messages) if m.role == "assistant" and m.weight != 0]
    assert done.stopped
    assert [ids for row in done.rows for ids in before(row)] == [
        prompt_ids(tokenizer, messages[:at]) for at in trained
    ]
    replies = [reply for row in done.rows for reply in said(tokenizer, row)]
    for at, reply in zip(trained, replies, strict=True):
        answer = (messages[at].content or "").replace("</think>", "<think>").split("<think>")[-1].strip()
        assert answer in reply
    for row in done.rows:
        assert all(mark in (IGNORED, token) for mark, token in zip(row.labels, row.input_ids, strict=True))
