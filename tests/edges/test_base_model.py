"""Finding the base model: pinned by content, safetensors only, every mistake named."""

import json
import shutil
from pathlib import Path

import pytest

from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.model_shape import _PLAIN
from ftgate.errors import OutsideError, SettingsError
from ftgate.values.training import Shape


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


def shaped(folder: Path, **changes: object) -> Shape:
    config = folder / "config.json"
    plain = {**json.loads(config.read_text()), **changes}
    config.write_text(json.dumps({name: value for name, value in plain.items() if value is not None}))
    return BaseModels().resolve(str(folder), None).shape


def test_the_shape_is_what_the_configuration_says(folder: Path) -> None:
    shape = shaped(folder)
    assert (shape.type, shape.hidden, shape.layers, shape.intermediate) == ("qwen3", 192, 4, 512)
    assert (shape.heads, shape.kv_heads, shape.head, shape.vocabulary) == (3, 1, 64, 3072)
    assert (shape.tied, shape.attention, shape.experts) == (True, "full", 0)


def test_what_the_configuration_does_not_say_is_unknown(folder: Path) -> None:
    gone = {"head_dim": None, "num_key_value_heads": None, "vocab_size": None, "hidden_size": "large"}
    shape = shaped(folder, **gone, max_position_embeddings=None, model_type="new")
    assert (shape.hidden, shape.vocabulary, shape.head) == (0, 0, 0)
    assert shape.kv_heads == 3, "as transformers has it: every head its own keys"
    assert shape.attention == "unknown"
    assert BaseModels().resolve(str(folder), None).max_length == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"model_type": "qwen3_next", "layer_types": ["linear_attention", "full_attention"]},
        {"model_type": "granitemoehybrid", "layer_types": None, "mamba_d_state": 128},
        {"model_type": "lfm2", "layer_types": ["conv", "full_attention"]},
        {"model_type": "jamba", "layer_types": None, "attn_layer_period": 8},
        {"model_type": "qwen3_5", "layer_types": None, "linear_num_value_heads": 32},
    ],
)
def test_a_state_along_the_row_is_found(folder: Path, changes: dict[str, object]) -> None:
    assert shaped(folder, **changes).attention == "linear"


def test_a_language_model_within_a_larger_one_is_read(folder: Path) -> None:
    inner = {"model_type": "gemma3_text", "hidden_size": 640, "layer_types": ["sliding_attention"]}
    shape = shaped(folder, model_type="gemma3", text_config=inner)
    assert (shape.type, shape.hidden, shape.attention) == ("gemma3_text", 640, "full")


@pytest.mark.parametrize("text", ["[]", "{", "[" * 5000])
def test_a_configuration_that_is_none_is_refused(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(OutsideError, match=r"config\.json"):
        BaseModels().resolve(str(folder), None)


def test_the_types_that_keep_joined_examples_apart_do_so_in_the_installed_library() -> None:
    """Each has its own modelling code that makes masks from positions, and names no state."""
    models = Path(str(pytest.importorskip("transformers").__file__)).parent / "models"
    for name in sorted(_PLAIN):
        file = models / name.removesuffix("_text") / f"modeling_{name.removesuffix('_text')}.py"
        text = file.read_text()
        assert "create_causal_mask" in text and "position_ids=position_ids" in text, name
        assert "linear_attn" not in text and "mamba" not in text.lower(), name


@pytest.mark.parametrize(
    ("problem", "advice"),
    [
        ("CUDA out of memory. Tried to allocate 2 GiB", "do not fit"),
        ("CUDA error: out of memory", "do not fit"),
        ("Error while deserializing header", "Fetch the base model again"),
    ],
)
@pytest.mark.filterwarnings("default")
def test_weights_that_do_not_fit_are_not_told_to_be_damaged(
    monkeypatch: pytest.MonkeyPatch, problem: str, advice: str
) -> None:
    transformers = pytest.importorskip("transformers")

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError(problem)

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", fails)
    with pytest.raises(OutsideError, match=problem) as refused:
        loading.load_model(BaseModels().resolve(BUNDLED, None), "qlora")
    assert advice in refused.value.advice
