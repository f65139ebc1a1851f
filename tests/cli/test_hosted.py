"""Where the service of a hosted base model is, and which key goes there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftgate.cli import wiring
from ftgate.edges.base_model import BaseModels
from ftgate.edges.hosted_completer import HostedCompleter
from ftgate.edges.yaml_files import Documents
from ftgate.errors import OutsideError, SettingsError
from ftgate.values.settings import Settings
from tests.edges.hosted_child import job
from tests.edges.hosted_server import BASE, Tuner, tuning
from tests.fakes import FakeProgress

pytestmark = pytest.mark.filterwarnings("default")

TASK = f"behavior: Sorts messages.\nbase_model: hosted:{BASE}\ndata: {{train: [a.jsonl]}}\n"


@pytest.fixture
def service() -> Iterator[Tuner]:
    with tuning() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TUNE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def settings(hosted: str = "", more: str = "") -> Settings:
    text = f"{TASK}training: {{hosted: {{poll_seconds: 0.02{hosted}}}}}\n{more}"
    return Documents().settings("ftgate.yaml", text.encode())


def sent(service: Tuner, chosen: Settings, workspace: Path) -> str:
    """The key that the service gets to see."""
    service.keys.clear()
    made = wiring.hosted(chosen)
    assert made is not None
    made.train(job(workspace, chosen.training), FakeProgress())
    [key] = set(service.keys)
    return key


def test_keys_go_to_their_own_host_alone(
    service: Tuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = f", base_url: '{service.url}', api_key_env: OPENAI_API_KEY"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    assert sent(service, settings(here), tmp_path / "a") == "Bearer none", (
        "it is OpenAI's, and this is loopback"
    )
    monkeypatch.setenv("OPENAI_BASE_URL", service.url)
    assert sent(service, settings(here), tmp_path / "b") == "Bearer sk-own"
    assert sent(service, settings(), tmp_path / "c") == "Bearer sk-own"
    monkeypatch.setenv("TUNE_API_KEY", "sk-tune")
    tune = here.replace("OPENAI_API_KEY", "TUNE_API_KEY")
    assert sent(service, settings(tune), tmp_path / "d") == "Bearer sk-tune"


@pytest.mark.parametrize("url", ["", ", base_url: 'https://tune.example/v1', api_key_env: TUNE_API_KEY"])
def test_a_missing_key_is_an_error_of_the_settings_when_it_is_needed(url: str, tmp_path: Path) -> None:
    chosen = settings(url)
    made = wiring.hosted(chosen)
    assert made is not None
    host = "tune.example" if url else "api.openai.com"
    assert made.versions()["host"] == host, "what only names keys of trainings needs none"
    with pytest.raises(SettingsError, match=f"training.hosted is {host}, but .*API_KEY is not set"):
        made.train(job(tmp_path, chosen.training), FakeProgress())


def test_openai_s_key_is_not_sent_to_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    chosen = settings(", base_url: 'https://tune.example/v1', api_key_env: OPENAI_API_KEY")
    made = wiring.hosted(chosen)
    assert made is not None
    with pytest.raises(SettingsError, match="which is another host"):
        made.train(job(tmp_path, chosen.training), FakeProgress())


def test_the_service_answers_for_all_arms(service: Tuner) -> None:
    made = wiring.completer(settings(f", base_url: '{service.url}', api_key_env: TUNE_API_KEY"))
    assert isinstance(made, HostedCompleter)
    assert made.versions() == {"engine": f"hosted {BASE}", "host": service.url[7:-3]}
    with pytest.raises(SettingsError, match="answers for all arms"):
        wiring.completer(settings(more="evaluation: {engine: server, server: {base: x}}\n"))


@pytest.mark.parametrize("page", ["README.md", "docs/hosted.md"])
def test_the_settings_in_the_documents_are_heeded(page: str) -> None:
    text = (Path(__file__).parents[2] / page).read_text()
    [block] = re.findall(r"```yaml\n(base_model: hosted:.*?)```", text, re.S)
    read = Documents().settings(page, f"data: {{train: [a.jsonl]}}\n{block}".encode())
    made = wiring.hosted(read)
    assert made is not None and made.versions()["host"] == "tune.example"
    assert read.training.preflight.max_cost == 5


def test_other_base_models_have_no_service() -> None:
    other = Documents().settings("ftgate.yaml", TASK.replace(f"hosted:{BASE}", "bundled:tiny").encode())
    assert wiring.hosted(other) is None and wiring.completer(other) is None


@pytest.mark.parametrize(("name", "revision"), [("hosted:", None), ("hosted: ", None), ("hosted:m", "main")])
def test_a_hosted_model_has_a_name_and_no_revision(name: str, revision: str | None) -> None:
    with pytest.raises(SettingsError, match="base_model"):
        BaseModels().resolve(name, revision)


def test_two_names_are_two_models() -> None:
    one, other = (BaseModels().resolve(f"hosted:{name}", None) for name in ("a", "b"))
    assert one.sha256 != other.sha256 and one.parameters == 0 and one.location == ""


def test_a_record_of_another_service_is_not_asked_here(service: Tuner, tmp_path: Path) -> None:
    from tests.edges.hosted_child import train

    train(service.url, tmp_path)
    made = wiring.completer(settings(", base_url: 'http://127.0.0.1:1/v1', api_key_env: TUNE_API_KEY"))
    assert made is not None
    from ftgate.ports import CompletionJob
    from ftgate.values.dataset import Message
    from ftgate.values.evaluation import Prompt

    asked = Prompt(
        id="p", kind="regression", protects="", messages=(Message(role="user", content="x"),), expect={}
    )
    base = BaseModels().resolve(f"hosted:{BASE}", None)
    question = CompletionJob(
        label="asking",
        base_model=base,
        method="qlora",
        adapter=tmp_path / "adapter",
        prompts=(asked,),
        max_new_tokens=5,
        batch_size=1,
    )
    with pytest.raises(OutsideError, match=r"was tuned from .* not from"):
        made.complete(question, FakeProgress())
