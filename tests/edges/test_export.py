"""Exports of the bundled model with real weights: what is written is loaded back and says what was trained."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.edges import agreement as agreeing
from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.completer import LocalCompleter
from ftgate.edges.export import LocalExporter
from ftgate.edges.qlora import QloraTrainer
from ftgate.edges.store import DirectoryStore
from ftgate.edges.weights import distance, lora_b_norm
from ftgate.edges.whole_model import load_whole
from ftgate.errors import InputError, OutsideError
from ftgate.ports import CompletionJob, ExportJob
from ftgate.report.run_card import cards, run_card
from ftgate.values.dataset import Message
from ftgate.values.evaluation import Prompt
from ftgate.values.run_card import Form
from ftgate.values.training import BaseModel, Training
from tests.edges.test_qlora import job
from tests.edges.trainings import EXAMPLES
from tests.fakes import FakeProgress

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

HELD_OUT = tuple(
    Prompt(
        id=f"held-out-{n}",
        kind="held-out",
        protects="x",
        messages=example.prompt,
        expect={"equals": "x"},
        reference=example.reference,
    )
    for n, example in enumerate(EXAMPLES)
)
REGRESSION = tuple(
    Prompt(
        id=text, kind="regression", protects="x", messages=(Message(role="user", content=text),), expect={}
    )
    for text in ("copy: the parcel is late", "tell me about a bird", "what is in the box")
)


@pytest.fixture(scope="module")
def base() -> BaseModel:
    return BaseModels().resolve(BUNDLED, None)


@pytest.fixture(scope="module")
def store(base: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[DirectoryStore, Training]:
    store = DirectoryStore(tmp_path_factory.mktemp("store"))
    with store.claim("k") as workspace:
        training = QloraTrainer().train(job(base, workspace, epochs=6), FakeProgress())
    return store, store.keep_training(training, lambda kept: cards(run_card(kept, base)))


@pytest.fixture(scope="module")
def export_job(base: BaseModel, store: tuple[DirectoryStore, Training]) -> ExportJob:
    kept = store[1]
    return ExportJob(
        base_model=base,
        training=kept,
        artefact=store[0].adapter(kept),
        form="adapter",
        prompts=(*REGRESSION, *HELD_OUT),
        minimum=0.5,
    )


@pytest.fixture(scope="module")
def exports(export_job: ExportJob, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Form], Any]:
    """Each form is written once for all tests."""
    root, done = tmp_path_factory.mktemp("exports"), {}

    def export(form: Form) -> Any:
        if form not in done:
            wanted = replace(export_job, form=form, target=root / form)
            done[form] = LocalExporter(root).export(wanted, FakeProgress())
        return done[form]

    return export


def test_an_adapter_export_is_what_was_trained_in_vllm_s_layout(
    exports: Callable[[Form], Any], export_job: ExportJob
) -> None:
    done = exports("adapter")
    figures = done.exported.agreement
    assert figures.top1 == 1.0 and figures.nll_trained == figures.nll_exported
    assert figures.texts == 27 and figures.tokens > 27
    names = {file.name for file in done.folder.iterdir()}
    assert {
        "adapter_config.json",
        "adapter_model.safetensors",
        "tokenizer.json",
        "chat_template.jinja",
    } <= names
    assert "=$PWD" not in done.launch and str(done.folder) in done.launch
    script = (done.folder / "serve.sh").read_text()
    assert script.endswith(f"exec {done.launch.replace(str(done.folder), chr(34) + '$PWD' + chr(34))}\n")
    assert str(done.folder) not in (done.folder / "README.md").read_text(), "it may go to the Hub"
    rank = export_job.training.recipe.rank
    assert done.launch.endswith(f"--max-lora-rank {rank}") and "--quantization bitsandbytes" in done.launch
    assert "base_model_relation" not in (done.folder / "README.md").read_text(), (
        "the bundled model is on no Hub"
    )


def test_a_dequantised_merge_says_what_was_trained(exports: Callable[[Form], Any], base: BaseModel) -> None:
    done = exports("merged-dequantised")
    assert done.exported.agreement.top1 > 0.99
    config = json.loads((done.folder / "config.json").read_text())
    assert "quantization_config" not in config and config["dtype"] == "bfloat16"
    model = load_whole(done.folder, base)
    assert sum(p.numel() for p in model.parameters()) == base.parameters
    card = json.loads((done.folder / "run-card.json").read_text())
    assert card["form"] == "merged-dequantised" and card["agreement"]["top1"] == done.exported.agreement.top1
    assert "of what was trained" not in done.launch and done.launch.startswith(f"vllm serve {done.folder}")


def test_a_merge_onto_16_bit_is_measured_and_differs_more(exports: Callable[[Form], Any]) -> None:
    onto_16, dequantised = (
        exports(form).exported.agreement for form in ("merged-16bit", "merged-dequantised")
    )
    assert onto_16.top1 <= dequantised.top1
    assert abs(onto_16.nll_exported - onto_16.nll_trained) > abs(
        dequantised.nll_exported - dequantised.nll_trained
    )


def test_a_merge_within_4_bit_is_why_there_is_none(
    export_job: ExportJob, exports: Callable[[Form], Any]
) -> None:
    """After a forward pass on a CPU the weights are packed anew, and a merge into them destroys what they say."""
    from peft import PeftModel

    with loading.quiet():
        tokenizer = loading.load_tokenizer(export_job.base_model, "right")
        asked = agreeing.texts(tokenizer, export_job.prompts, 2048)
        model = PeftModel.from_pretrained(
            loading.load_model(export_job.base_model, "qlora"), str(export_job.artefact)
        ).eval()
        with FakeProgress().task("", 0) as task:
            trained = agreeing.foretell(model, asked, task)
            merged = agreeing.foretell(model.merge_and_unload(), asked, task)
    within = agreeing.agreement(asked, trained, merged, 0.98)
    assert within.top1 < exports("merged-dequantised").exported.agreement.top1


def completion_job(base: BaseModel, artefact: Path | None, merged: Path | None = None) -> CompletionJob:
    return CompletionJob(
        label="asking",
        base_model=base,
        method="qlora",
        adapter=artefact,
        merged=merged,
        prompts=HELD_OUT[:5],
        max_new_tokens=8,
        batch_size=2,
    )


def test_the_exported_model_answers_in_place_of_the_adapter(
    exports: Callable[[Form], Any], export_job: ExportJob, base: BaseModel
) -> None:
    completer, merged = LocalCompleter(), exports("merged-dequantised").folder
    asked = completion_job(base, export_job.artefact, merged)
    said = completer.complete(asked, FakeProgress())
    sentinel = completer.sentinel(asked)
    assert said != completer.complete(completion_job(base, None), FakeProgress())
    assert sentinel.lora_b_norm == lora_b_norm(export_job.artefact)
    assert sentinel.logit_difference is not None and sentinel.logit_difference > 0.01


def test_a_model_of_which_all_was_trained_is_stored_asked_and_exported(
    exports: Callable[[Form], Any], export_job: ExportJob, base: BaseModel, tmp_path: Path
) -> None:
    store = DirectoryStore(tmp_path)
    with store.claim("f") as workspace:
        (workspace / "adapter").mkdir()
        for name in ("config.json", "generation_config.json", "model.safetensors"):
            shutil.copyfile(exports("merged-16bit").folder / name, workspace / "adapter" / name)
    recipe = replace(export_job.training.recipe, method="full")
    kept = store.keep_training(replace(export_job.training, key="f", form="full", recipe=recipe))
    assert store.find_training("f") == kept
    folder = store.adapter(kept)
    completer = LocalCompleter()
    asked = replace(completion_job(base, folder), method="full")
    assert completer.complete(asked, FakeProgress()) != completer.complete(
        replace(asked, adapter=None), FakeProgress()
    )
    sentinel = completer.sentinel(asked)
    assert sentinel.lora_b_norm == distance(folder, Path(base.location)) and sentinel.lora_b_norm > 0
    assert sentinel.logit_difference is not None and sentinel.logit_difference > 0
    full = replace(export_job, training=kept, artefact=folder, form="full", target=tmp_path / "out")
    done = LocalExporter(tmp_path).export(full, FakeProgress())
    assert done.exported.agreement is not None and done.exported.agreement.top1 == 1.0
    with pytest.raises(InputError, match="no adapter to merge"):
        LocalExporter(tmp_path).export(replace(full, form="merged-16bit"), FakeProgress())


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_agrees_with_nothing(loss: float) -> None:
    asked = [agreeing.Text([1, 2], [1])]
    found = agreeing.agreement(asked, agreeing.Foretold([2], 1.0), agreeing.Foretold([2], loss), 0.0)
    assert found.top1 == 0.0 and found.nll_exported == 0.0


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    export_job: ExportJob, tmp_path: Path
) -> None:
    huge = replace(export_job.base_model, parameters=10**15)
    wanted = replace(export_job, base_model=huge, form="merged-16bit", target=tmp_path / "out")
    with pytest.raises(OutsideError, match="GB left"):
        LocalExporter(tmp_path).export(wanted, FakeProgress())
    assert not (tmp_path / "out").exists()


def test_nothing_to_compare_on_is_no_agreement(export_job: ExportJob, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no regression prompt"):
        LocalExporter(tmp_path).export(replace(export_job, prompts=()), FakeProgress())
