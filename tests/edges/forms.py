"""The table of docs/serving.md: every form of one training against what was trained, on its 24 examples and
three prompts without a reference. `python -m tests.edges.forms` prints it, test_forms.py holds the document to it.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from msgspec.structs import replace

from ftgate.edges import agreement as agreeing
from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.export import LocalExporter
from ftgate.edges.qlora import QloraTrainer
from ftgate.edges.store import DirectoryStore
from ftgate.ports import ExportJob
from ftgate.values.run_card import Agreement, Form
from tests.edges.test_export import HELD_OUT, REGRESSION
from tests.edges.test_qlora import job
from tests.fakes import FakeProgress

WITHIN = "merged within 4 bit (ftgate does not)"
WARM = "the same after one forward pass"


def measured(root: Path) -> Iterator[tuple[str, Agreement]]:
    """Each form with its figures; those within 4 bit are what ftgate does not do."""
    base, store = BaseModels().resolve(BUNDLED, None), DirectoryStore(root)
    with store.claim("k") as workspace:
        trained = QloraTrainer().train(job(base, workspace, epochs=6), FakeProgress())
    kept = store.keep_training(trained)
    wanted = ExportJob(
        base_model=base,
        training=kept,
        artefact=store.adapter(kept),
        form="adapter",
        prompts=(*REGRESSION, *HELD_OUT),
        minimum=0,
    )
    for form in get_args(Form)[:3]:
        done = LocalExporter(root).export(replace(wanted, form=form), FakeProgress())
        assert done.exported.agreement is not None
        yield f"`{form}`", done.exported.agreement
    yield WITHIN, _within(wanted, warm=False)
    yield WARM, _within(wanted, warm=True)


def _within(wanted: ExportJob, *, warm: bool) -> Agreement:
    from peft import PeftModel

    with loading.quiet(), FakeProgress().task("", 0) as task:
        asked = agreeing.texts(loading.load_tokenizer(wanted.base_model, "right"), wanted.prompts, 2048)
        trained, merged = (
            PeftModel.from_pretrained(
                loading.load_model(wanted.base_model, "qlora"), str(wanted.artefact)
            ).eval()
            for _ in range(2)
        )
        said = agreeing.foretell(trained, asked, task)
        if warm:
            agreeing.foretell(merged, asked, task)
        return agreeing.agreement(asked, said, agreeing.foretell(merged.merge_and_unload(), asked, task), 0)


def _row(form: str, figures: Agreement) -> str:
    """As the document has it."""
    top1 = f"{100 * figures.top1:.1f}".removesuffix(".0")
    return f"| {form} | {top1} % | {figures.nll_exported:.3f} |"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for form, figures in measured(Path(folder)):
            print(_row(form, figures))  # noqa: T201 - a table for a person
        print(f"{figures.tokens} tokens, trained: {figures.nll_trained:.3f}")  # noqa: T201
