"""`ftgate engine`, and the server that the settings name, against a real server on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ftgate.cli import wiring
from ftgate.cli.main import main
from ftgate.edges.yaml_files import Documents
from ftgate.errors import SettingsError
from ftgate.values.settings import Settings
from tests.edges.engine_server import BASE, EngineServer, engine

pytestmark = pytest.mark.filterwarnings("default")


TASK = "behavior: Sorts messages.\nbase_model: bundled:tiny\ndata: {train: [a.jsonl]}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[EngineServer]:
    with engine() as running:
        yield running


def text(url: str, more: str = "") -> str:
    return (
        f"{TASK}training: {{method: lora}}\n"
        f"evaluation: {{engine: server, server: {{base: {BASE}, base_url: '{url}'{more}}}}}\n"
    )


def settings(content: str) -> Settings:
    return Documents().settings("ftgate.yaml", content.encode())


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "VLLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_check_prints_how_far_server_and_machine_agree(
    server: EngineServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ftgate.yaml").write_text(text(f"{server.url}/v1"))
    assert main(["engine", "check", "-q"]) == 0
    out = capsys.readouterr().out
    assert "vllm 0.11.0 at 127.0.0.1" in out and "against transformers" in out
    assert "prompts read alike: 5 of 5 prompts" in out and "answers alike:      5 of 5 prompts" in out


@pytest.mark.slow
def test_check_sees_another_chat_template(
    server: EngineServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def longer(answer: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
        answer["usage"]["prompt_tokens"] += 3
        return answer

    monkeypatch.setattr(server, "after", longer)
    (tmp_path / "ftgate.yaml").write_text(text(f"{server.url}/v1"))
    assert main(["engine", "check", "-q"]) == 4
    out = capsys.readouterr().out
    assert "prompts read alike: 0 of 5 prompts" in out and "tokens here" in out


def test_check_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ftgate.yaml").write_text(TASK)
    assert main(["engine", "check"]) == 2
    assert "evaluation.engine is local" in capsys.readouterr().err


def sent(server: EngineServer, content: str) -> str:
    """The key that a server gets to see."""
    server.keys.clear()
    made = wiring.server(settings(content))
    assert made is not None
    made.versions()
    [key] = set(server.keys)
    return key


def test_openai_s_key_goes_to_its_own_host_alone(
    server: EngineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = text(f"{server.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    assert sent(server, content) == "Bearer none"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")
    assert sent(server, content) == "Bearer none"
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    assert sent(server, content) == "Bearer sk-own"
    monkeypatch.setenv("VLLM_API_KEY", "vk")
    assert sent(server, text(f"{server.url}/v1", ", api_key_env: VLLM_API_KEY")) == "Bearer vk"


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "VLLM_API_KEY"])
def test_another_host_without_a_key_of_its_own_is_a_settings_error(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    with pytest.raises(SettingsError, match=variable):
        wiring.server(settings(text("https://gpu.example/v1", f", api_key_env: {variable}")))


def test_without_a_url_openai_s_is_asked_or_nobody(
    server: EngineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = text("x").replace(", base_url: 'x'", "")
    with pytest.raises(SettingsError, match="says where it is"):
        wiring.server(settings(content))
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    assert sent(server, content) == "Bearer none"


@pytest.mark.parametrize(
    "wrong",
    [
        f"{TASK}evaluation: {{engine: server}}\n",
        text("https://gpu.example/v1"),
        text("http://127.0.0.1.example/v1"),
        text("http://user:password@localhost/v1"),
        text("http://localhost/v1", ", extra_body: {model: other}"),
        text("http://localhost/v1", ", adapters: merged"),
    ],
)
def test_settings_that_cannot_be_meant(wrong: str) -> None:
    assert settings(TASK).evaluation.engine == "local"
    with pytest.raises(SettingsError, match="evaluation"):
        settings(wrong)


def test_the_local_engine_needs_no_server() -> None:
    assert wiring.server(settings(TASK)) is None
