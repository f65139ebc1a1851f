"""What is looked at before it is loaded: an adapter or a model that was changed is refused, whatever its digest."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.edges import loading
from ftgate.edges.completer import LocalCompleter
from ftgate.edges.export import LocalExporter
from ftgate.edges.weights import demand_adapter
from ftgate.edges.whole_model import load_whole
from ftgate.errors import OutsideError
from ftgate.ports import ExportJob
from ftgate.values.run_card import Form
from ftgate.values.training import BaseModel
from tests.edges.test_export import base, completion_job, export_job, exports, store
from tests.fakes import FakeProgress

__all__ = ["base", "export_job", "exports", "store"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def _edit(file: Path, **changes: Any) -> None:
    plain = json.loads(file.read_text())
    file.write_text(json.dumps({**plain, **changes}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"modules_to_save": ["lm_head"]}, "sets modules_to_save"),
        ({"auto_mapping": {"base_model_class": "X", "parent_library": "evil"}}, "sets auto_mapping"),
        ({"base_model_name_or_path": "other/model"}, "belongs to the base model 'other/model'"),
        ({"revision": "0" * 12}, "belongs to the base model"),
        ({"peft_type": "IA3"}, "peft_type"),
        ({"use_dora": True}, "sets use_dora"),
        ({"exclude_modules": ["q_proj"]}, "sets exclude_modules"),
        ({"invented_tomorrow": {"x": 1}}, "sets invented_tomorrow"),
        ({"init_lora_weights": "pissa"}, "its init_lora_weights is 'pissa'"),
        ({"bias": "all"}, "its bias is 'all'"),
        ({"r": 4}, "not of rank 4"),
        ({"r": "16"}, "its rank is"),
    ],
)
def test_a_configuration_that_ftgate_does_not_write_is_refused(
    export_job: ExportJob, base: BaseModel, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    folder = shutil.copytree(export_job.artefact, tmp_path / "adapter")
    _edit(folder / "adapter_config.json", **changes)
    with pytest.raises(OutsideError, match=said):
        demand_adapter(folder, base)
    with pytest.raises(OutsideError, match=said):
        LocalCompleter().complete(completion_job(base, folder), FakeProgress())


def _nan(key: str, tensor: Any) -> Any:
    return tensor * float("nan")


def _wide(key: str, tensor: Any) -> Any:
    import torch

    return torch.cat([tensor, tensor], 1) if "lora_A" in key else tensor


def _whole(key: str, tensor: Any) -> Any:
    return tensor.long()


@pytest.mark.parametrize(
    ("change", "said"),
    [(_nan, "is not finite"), (_wide, "does not fit the base model"), (_whole, "has the type I64")],
)
def test_weights_that_are_no_adapter_of_this_base_are_refused(
    export_job: ExportJob, base: BaseModel, tmp_path: Path, change: Callable[[str, Any], Any], said: str
) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(export_job.artefact, tmp_path / "adapter")
    file = folder / "adapter_model.safetensors"
    save_file(
        {key: change(key, value).contiguous() for key, value in load_file(str(file)).items()}, str(file)
    )
    with pytest.raises(OutsideError, match=said):
        LocalCompleter().complete(completion_job(base, folder), FakeProgress())


def _without(key: str) -> bool:
    return ".layers.0.self_attn.q_proj." not in key


@pytest.mark.parametrize(
    ("kept", "targets", "said"),
    [
        (_without, None, r"layers\.0\.self_attn\.q_proj has no weights"),
        (None, ["q_proj", "k_proj"], "has weights, and the configuration does not name it"),
        (None, "all-linear", "no list of names"),
    ],
)
def test_an_adapter_that_lacks_a_module_or_has_one_too_many_is_never_merged(
    export_job: ExportJob,
    tmp_path: Path,
    kept: Callable[[str], bool] | None,
    targets: Any,
    said: str,
) -> None:
    """PEFT would merge what fits and only warn; the digest has been made to fit by whoever did this."""
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(export_job.artefact, tmp_path / "adapter")
    file = folder / "adapter_model.safetensors"
    if kept:
        save_file({key: value for key, value in load_file(str(file)).items() if kept(key)}, str(file))
    if targets:
        _edit(folder / "adapter_config.json", target_modules=targets)
    for form in ("adapter", "merged-16bit"):
        wanted = replace(export_job, artefact=folder, form=form, target=tmp_path / "out")
        with pytest.raises(OutsideError, match=said):
            LocalExporter(tmp_path).export(wanted, FakeProgress())
    assert [each.name for each in tmp_path.iterdir()] == ["adapter"], "nothing is left"


@pytest.mark.parametrize("name", ["adapter_model.bin", "handler.py", "optimizer.pt"])
def test_a_file_that_is_no_safetensors_beside_an_adapter_is_refused(
    export_job: ExportJob, base: BaseModel, tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(export_job.artefact, tmp_path / "adapter")
    (folder / name).write_bytes(b"x")
    with pytest.raises(OutsideError, match="does not belong to an artefact"):
        LocalCompleter().complete(completion_job(base, folder), FakeProgress())


def test_weights_behind_a_link_are_refused(export_job: ExportJob, base: BaseModel, tmp_path: Path) -> None:
    folder = shutil.copytree(export_job.artefact, tmp_path / "adapter")
    (folder / "adapter_model.safetensors").rename(tmp_path / "elsewhere")
    (folder / "adapter_model.safetensors").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutsideError, match="is no plain file"):
        LocalCompleter().complete(completion_job(base, folder), FakeProgress())


def test_a_whole_model_with_a_weight_missing_or_foreign_is_refused(
    exports: Callable[[Form], Any], base: BaseModel, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(exports("merged-16bit").folder, tmp_path / "model")
    tensors = load_file(str(folder / "model.safetensors"))
    last = sorted(key for key in tensors if "layernorm" in key)[-1]
    for changed in (
        {key: value for key, value in tensors.items() if key != last},
        {**tensors, "model.foreign": tensors[last].clone()},
        {**tensors, last: tensors[last] * float("nan")},
    ):
        save_file(changed, str(folder / "model.safetensors"), metadata={"format": "pt"})
        with pytest.raises(OutsideError, match="is refused"), loading.quiet():
            load_whole(folder, base)
    _edit(folder / "config.json", auto_map={"AutoModelForCausalLM": "evil.Model"})
    with pytest.raises(OutsideError, match="sets auto_map"):
        load_whole(folder, base)
