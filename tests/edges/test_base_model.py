"""Finding the base model: pinned by content, safetensors only, every mistake named."""

import json
import shutil
from pathlib import Path

import pytest

from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.errors import OutsideError, SettingsError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundled = Path(BaseModels().resolve(BUNDLED, None).location)
    return Path(shutil.copytree(bundled, tmp_path / "model"))


def test_the_bundled_model_is_small_and_pinned() -> None:
    model = BaseModels().resolve(BUNDLED, None)
    assert 1_000_000 < model.parameters < 4_000_000
    assert len(model.sha256) == 64
    assert model == BaseModels().resolve(BUNDLED, None)


def test_a_path_is_taken_and_any_changed_byte_changes_the_digest(folder: Path) -> None:
    before = BaseModels().resolve(str(folder), None)
    assert before.sha256 == BaseModels().resolve(BUNDLED, None).sha256
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    assert BaseModels().resolve(str(folder), None).sha256 != before.sha256


@pytest.mark.parametrize(
    "name",
    [
        "vocab.json",
        "merges.txt",
        "spiece.model",
        "special_tokens_map.json",
        "added_tokens.json",
        "chat_template.json",
        "additional_chat_templates/tool_use.jinja",
    ],
)
def test_whatever_tokenizes_or_renders_is_in_the_digest(folder: Path, name: str) -> None:
    before = BaseModels().resolve(str(folder), None)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")
    with_it = BaseModels().resolve(str(folder), None)
    (folder / name).write_text("[]")
    assert len({before.sha256, with_it.sha256, BaseModels().resolve(str(folder), None).sha256}) == 3


def test_pickled_weights_are_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(SettingsError, match="no safetensors"):
        BaseModels().resolve(str(folder), None)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 16, b"\x08\0\0\0\0\0\0\0notjson!"])
def test_damaged_weights_are_named(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(OutsideError, match=r"model\.safetensors is damaged"):
        BaseModels().resolve(str(folder), None)


def test_a_damaged_config_is_named(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    with pytest.raises(OutsideError, match=r"config\.json is damaged"):
        BaseModels().resolve(str(folder), None)


def test_a_nested_text_config_gives_the_length(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"text_config": {"max_position_embeddings": 77}}))
    assert BaseModels().resolve(str(folder), None).max_length == 77


@pytest.mark.parametrize("name", ["./absent", "/absent", "~/absent-ftgate", "bundled:huge"])
def test_what_is_not_there_is_a_settings_error(name: str) -> None:
    with pytest.raises(SettingsError, match=r"no such directory|no bundled model"):
        BaseModels().resolve(name, None)


def test_a_name_that_cannot_be_a_hub_id_is_a_settings_error() -> None:
    pytest.importorskip("huggingface_hub")
    with pytest.raises(SettingsError, match="neither a path nor a Hub id"):
        BaseModels().resolve("not a//name", None)
