"""A real server on loopback as the engine: real completions, adapters by digest, and every way to be of no use."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.decide.recipe import resolve
from ftgate.edges.artefact import adapter_digest
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.completer import LocalCompleter
from ftgate.edges.qlora import QloraTrainer
from ftgate.errors import OutsideError, SettingsError
from ftgate.ports import CompletionJob, Sampling, TrainingJob
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.evaluation import Prompt
from ftgate.values.finding import Place
from ftgate.values.training import Basis
from ftgate.values.training_settings import TrainingSettings
from tests.edges.engine_server import BASE, EngineServer, engine
from tests.edges.servers import unused_url
from tests.fakes import FakeProgress

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

WORDS = ("rain", "snow", "wind")


def example(text: str, reply: str, line: int) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content=reply))
    return Example(place=Place(path="a.jsonl", line=line), format=Format.CONVERSATION, messages=turns)


EXAMPLES = tuple(example(f"message {n} about {w}", w, n) for n in range(1, 5) for w in WORDS)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = BaseModels().resolve(BUNDLED, None)
    settings = TrainingSettings(method="lora", epochs=3, batch_size=6, learning_rate=5e-3)
    workspace = tmp_path_factory.mktemp("trained")
    job = TrainingJob(
        label="training",
        key="k",
        commit="c",
        base_model=model,
        recipe=resolve(settings, model, Basis(examples=len(EXAMPLES))),
        examples=EXAMPLES,
        held_out=EXAMPLES[:3],
        workspace=workspace,
    )
    assert QloraTrainer().train(job, FakeProgress()).failure is None
    return workspace / "adapter"


@pytest.fixture(scope="module")
def running() -> Iterator[EngineServer]:
    with engine() as server:
        yield server


@pytest.fixture
def server(running: EngineServer) -> Iterator[EngineServer]:
    """The same server, as it was at the start: loading the model takes longer than a test."""
    fresh = vars(EngineServer())
    for name in ("before", "after", "deaf", "sglang", "logprobs", "version"):
        setattr(running, name, fresh[name])
    running.adapters.clear()
    running.asked.clear()
    running.keys.clear()
    yield running


def job(adapter: Path | None = None, **changes: Any) -> CompletionJob:
    prompts = tuple(
        Prompt(id=str(n), kind="regression", protects="x", messages=e.prompt, expect={"equals": "x"})
        for n, e in enumerate(EXAMPLES[:5])
    )
    asked = CompletionJob(
        label="asking",
        base_model=BaseModels().resolve(BUNDLED, None),
        method="lora",
        adapter=adapter,
        prompts=prompts,
        max_new_tokens=8,
        batch_size=1,
    )
    return replace(asked, **changes)


def test_answers_are_those_of_this_machine_for_base_and_adapter(server: EngineServer, adapter: Path) -> None:
    served, local = server.completer(), LocalCompleter()
    base = served.complete(job(), FakeProgress())
    tuned = served.complete(job(adapter), FakeProgress())
    assert base == local.complete(job(), FakeProgress())
    assert tuned == local.complete(job(adapter), FakeProgress())
    assert tuned != base and served.complete(job(), FakeProgress()) == base
    assert served.prompt_tokens(job().prompts) == local.prompt_tokens(job())
    assert {asked["temperature"] for asked in server.asked} == {0}


def test_an_adapter_is_loaded_once_under_a_name_made_of_its_digest(
    server: EngineServer, adapter: Path, tmp_path: Path
) -> None:
    served = server.completer()
    served.complete(job(adapter), FakeProgress())
    served.complete(job(adapter), FakeProgress())
    assert server.adapters == {f"ftgate-{adapter_digest(adapter)[:32]}": adapter.resolve()}
    other = Path(shutil.copytree(adapter, tmp_path / "other"))
    config = other / "adapter_config.json"
    config.write_text(config.read_text().replace('"lora_alpha": ', '"lora_alpha": 1'))
    served.complete(job(other), FakeProgress())
    assert len(server.adapters) == 2


def test_progress_and_finish_reasons_and_token_counts(server: EngineServer) -> None:
    progress = FakeProgress()
    completions = server.completer(concurrency=3).complete(job(max_new_tokens=1), progress)
    assert progress.tasks == [("asking", 5)] and progress.done == [5]
    assert {(each.finish, each.tokens) for each in completions} == {("length", 1)}


def test_samples_of_one_prompt_are_drawn_apart_and_again_alike(server: EngineServer) -> None:
    hot = job(prompts=job().prompts[:1] * 4, sampling=Sampling(temperature=1.5, seed=7))
    first = server.completer().complete(hot, FakeProgress())
    assert len({each.text for each in first}) > 1
    assert server.completer().complete(hot, FakeProgress()) == first


def test_the_sentinel_sees_an_adapter_that_acts(server: EngineServer, adapter: Path) -> None:
    found = server.completer().sentinel(job(adapter))
    assert found.lora_b_norm and found.logit_difference and found.logit_difference > 0.01
    server.logprobs = False
    assert server.completer().sentinel(job(adapter)).logit_difference == 1.0


def test_the_sentinel_sees_a_server_that_ignores_the_adapter(server: EngineServer, adapter: Path) -> None:
    server.deaf = True
    for server.logprobs in (True, False):
        found = server.completer().sentinel(job(adapter))
        assert found.lora_b_norm and found.logit_difference == 0.0


def test_noise_of_a_server_is_no_proof(server: EngineServer, adapter: Path) -> None:
    server.deaf = True
    answers = iter(range(1000))

    def noisy(answer: dict[str, Any]) -> dict[str, Any]:
        shift = 0.01 * (next(answers) % 3)
        for each in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
            each["logprob"] += shift
        return answer

    server.after = noisy
    assert server.completer().sentinel(job(adapter)).logit_difference == 0.0


def test_a_server_that_knows_no_logprobs_is_asked_without(server: EngineServer, adapter: Path) -> None:
    server.before = lambda body: (400, {"error": {"message": "no"}}, {}) if "logprobs" in body else None
    assert server.completer().sentinel(job(adapter)).logit_difference == 1.0


def test_no_probe_is_no_proof(server: EngineServer, adapter: Path) -> None:
    assert server.completer().sentinel(job(adapter, prompts=())).logit_difference is None


def test_sglang_loads_elsewhere_and_names_adapters_after_the_base(
    server: EngineServer, adapter: Path
) -> None:
    server.sglang = True
    tuned = server.completer().complete(job(adapter), FakeProgress())
    assert tuned == LocalCompleter().complete(job(adapter), FakeProgress())
    assert {asked["model"] for asked in server.asked} == {f"{BASE}:{next(iter(server.adapters))}"}


def test_versions_name_kind_version_host_and_setup(server: EngineServer) -> None:
    told = server.completer(setup="bf16").versions()
    host = server.url.removeprefix("http://")
    assert told == {"engine": "vllm 0.11.0", "host": host, "adapters": "load", "setup": "bf16"}


def test_the_key_is_sent_and_never_shown(server: EngineServer) -> None:
    server.before = lambda body: (403, {"error": {"message": "sk-secret is not welcome"}}, {})
    with pytest.raises(OutsideError, match=r"HTTP 403: .*\*\*\* is not welcome") as caught:
        server.completer().complete(job(), FakeProgress())
    assert "sk-secret" not in caught.value.message + caught.value.advice
    assert set(server.keys) == {"Bearer sk-secret"}


def test_a_server_without_a_version_must_be_described(server: EngineServer) -> None:
    server.version = ""
    with pytest.raises(SettingsError, match="does not tell its version"):
        server.completer().versions()
    assert server.completer(setup="0.11, bf16").versions()["engine"] == "vllm"


def test_a_base_that_is_not_served_is_named(server: EngineServer) -> None:
    completer = server.completer()
    completer._base = "llama"
    with pytest.raises(SettingsError, match=r"serves no model 'llama' \(it serves tiny\)"):
        completer.versions()


def test_an_adapter_that_should_be_there_and_is_not(server: EngineServer, adapter: Path) -> None:
    with pytest.raises(OutsideError, match=f"serves no adapter ftgate-{adapter_digest(adapter)[:32]}"):
        server.completer(adapters="served").complete(job(adapter), FakeProgress())
    server.adapters[f"ftgate-{adapter_digest(adapter)[:32]}"] = adapter
    assert len(server.completer(adapters="served").complete(job(adapter), FakeProgress())) == 5


def test_another_server_midway_ends_the_run(server: EngineServer) -> None:
    completer = server.completer()
    completer.complete(job(), FakeProgress())
    server.version = "0.12.0"
    with pytest.raises(OutsideError, match=r"it was vllm 0\.11\.0 and is vllm 0\.12\.0 now"):
        completer.complete(job(), FakeProgress())


def _with(**changes: Any) -> Any:
    def change(answer: dict[str, Any]) -> dict[str, Any]:
        choice = answer["choices"][0]
        choice["message"].update(changes.get("message_", {}))
        choice.update({name: value for name, value in changes.items() if name in choice})
        return {**answer, **{name: value for name, value in changes.items() if name in answer}}

    return change


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (_with(choices=[]), "without a choice"),
        (_with(choices=None), "without a choice"),
        (_with(message=None), "without a message"),
        (_with(finish_reason="content_filter"), "'content_filter', which is no completion"),
        (_with(finish_reason=None), "'None', which is no completion"),
        (_with(usage=None), "no token counts"),
        (_with(usage={"prompt_tokens": 1, "completion_tokens": -1}), "no token counts"),
        (_with(message_={"content": 7}), "is no text"),
        (_with(message_={"reasoning_content": "hm"}), "takes answers apart"),
        (_with(message_={"tool_calls": [{}]}), "takes answers apart"),
    ],
)
def test_an_answer_that_is_not_whole_is_none(server: EngineServer, after: Any, why: str) -> None:
    server.after = after
    with pytest.raises(OutsideError, match=why):
        server.completer().complete(job(), FakeProgress())


def test_an_answer_in_the_base_models_name_is_no_adapters(server: EngineServer, adapter: Path) -> None:
    server.after = _with(model=BASE)
    assert len(server.completer().complete(job(), FakeProgress())) == 5
    with pytest.raises(OutsideError, match="it answered with the base model"):
        server.completer().complete(job(adapter), FakeProgress())


def test_an_end_at_once_is_an_empty_completion(server: EngineServer) -> None:
    server.after = _with(message_={"content": None})
    assert {each.text for each in server.completer().complete(job(), FakeProgress())} == {""}


def test_what_passes_is_waited_for(server: EngineServer) -> None:
    """A 429 with Retry-After, a 500, half an answer: each once."""
    hindered: list[Any] = [
        (429, {"error": {"message": "slow down"}}, {"Retry-After": "0.1"}),
        (500, {"error": {"message": "oh"}}, {}),
        (200, b'{"choices": [{"mess', {}),
    ]
    server.before = lambda body: hindered.pop(0) if hindered else None
    completions = server.completer(retries=3, concurrency=1).complete(job(), FakeProgress())
    assert completions == LocalCompleter().complete(job(), FakeProgress())
    assert not hindered


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((500, {"error": {"message": "oh"}}, {}), "HTTP 500"),
        ((429, {"error": {"message": "slow"}}, {"Retry-After": "0"}), "HTTP 429"),
        ((401, {"error": {"message": "who"}}, {}), "HTTP 401$"),
        ((200, b'{"choices": [{"mess', {}), "cannot be read"),
        ((200, b"", {}), "cannot be read|without a choice"),
    ],
)
def test_what_stays_is_an_error_and_no_completion(server: EngineServer, answer: Any, why: str) -> None:
    server.before = lambda body: answer if len(server.asked) > 2 else None
    with pytest.raises(OutsideError, match=why):
        server.completer(concurrency=1).complete(job(prompts=job().prompts * 6), FakeProgress())
    assert len(server.asked) <= 2 + 3 * 3  # the third question and those that had begun, three times at most


def test_nobody_there(server: EngineServer) -> None:
    completer = server.completer()
    server.url, url = unused_url(), server.url
    try:
        with pytest.raises(OutsideError, match="cannot be reached"):
            server.completer().versions()
    finally:
        server.url = url
    assert completer.versions()
