"""What is served: which forms a training has, the command that serves it, and whether an exported form is what was
trained."""

import re
import shlex
from collections.abc import Iterator

from ftgate.decide.rulings import Rulings, fail, note, unsure
from ftgate.values.evaluation import Arm, Evaluation
from ftgate.values.run_card import Agreement, Form
from ftgate.values.settings import Settings
from ftgate.values.training import BaseModel, Training

MERGED: tuple[Form, ...] = ("merged-dequantised", "merged-16bit")
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as --max-lora-rank (vllm/config/lora.py, without 1)."""

_HERE = "@HERE@"
_UNNAMED = re.compile(r"[^A-Za-z0-9_.-]+")


def merged_form(settings: Settings) -> Form | None:
    """The merged form that the settings serve, and so ask; None where what was trained is served as it is."""
    form = settings.training.export.form
    whole = settings.training.method == "full" or settings.base_model.startswith("hosted:")
    return form if form in MERGED and not whole else None


def base_method(settings: Settings) -> str:
    """How the base is loaded that the arms are compared with: quantised, unless what is served stands on 16 bits."""
    return "lora" if merged_form(settings) == "merged-16bit" else settings.training.method


def refusal(training: Training, form: Form) -> str:
    """Why a training cannot be exported in a form; empty when it can."""
    if training.failure is not None or not training.adapter_sha256:
        return "it has no weights"
    if training.form == "hosted" or training.model:
        return f"a service keeps its weights (as {training.model or 'a model of its own'}), and serves them"
    if training.recipe.method == "full":
        return (
            ""
            if form == "full"
            else "all weights were trained: there is no adapter to merge, only the form full"
        )
    if form == "full":
        return "an adapter was trained, and not all weights"
    if form == "merged-dequantised" and training.recipe.method != "qlora":
        return "its base was not quantised: merged-16bit is what was trained"
    return ""


def max_lora_rank(rank: int) -> int | None:
    """The least value of vLLM's --max-lora-rank that serves this rank; None where none does."""
    return next((allowed for allowed in RANKS if allowed >= rank), None)


def served_name(training: Training) -> str:
    """Under which name a server shall know it: no name ever means two trainings."""
    return f"ftgate-{_UNNAMED.sub('-', training.key)[:12]}"


def launch(training: Training, form: Form, base: BaseModel, place: str) -> str:
    """The command that serves an export that lies in `place`; empty where vLLM cannot.

    An adapter that was trained on a base in 4 bit is served on one in 4 bit: on another it answers differently.
    """
    name = served_name(training)
    if form != "adapter":
        return shlex.join(["vllm", "serve", place, "--served-model-name", name])
    rank = max_lora_rank(training.recipe.rank)
    if rank is None:
        return ""
    words = ["vllm", "serve", base.name if _is_id(base) else base.location]
    if _is_id(base):
        words += ["--revision", base.revision]
    if training.recipe.method == "qlora":
        words += ["--quantization", "bitsandbytes"]
    return shlex.join(
        [*words, "--enable-lora", "--lora-modules", f"{name}={place}", "--max-lora-rank", str(rank)]
    )


def launch_here(training: Training, form: Form, base: BaseModel) -> str:
    """The same for a shell in the export's own directory, wherever that was moved to."""
    return launch(training, form, base, _HERE).replace(_HERE, '"$PWD"')


def _is_id(base: BaseModel) -> bool:
    return not base.name.startswith((".", "/", "~", "bundled:"))


def told(evaluation: Evaluation) -> Rulings:
    """An arm that was asked in an exported form is only as good as that form agrees with what was trained."""
    for name in (Arm.BASELINE, Arm.CANDIDATE):
        arm = evaluation.arms.get(name.value)
        if arm is None or arm.exported is None:
            continue
        agreement = arm.exported.agreement
        if agreement is None or not agreement.tokens:
            text = f"nobody compared the exported form of the {name.value} with what was trained"
            yield unsure("evaluate", f"export.unmeasured.{name.value}", text)
        elif not agreement.holds:
            ruling = fail if name is Arm.CANDIDATE else unsure
            yield ruling(
                "evaluate", f"export.agreement.{name.value}", _short(name, arm.exported.form, agreement)
            )
        elif name is Arm.CANDIDATE:
            yield note("evaluate", "export.form", _short(name, arm.exported.form, agreement))


def _short(name: Arm, form: Form, agreement: Agreement) -> str:
    return (
        f"the {name.value} as exported ({form}) agrees with what was trained on {agreement.shown} of "
        f"{agreement.tokens:,} tokens, at least {100 * agreement.minimum:g} % is asked"
    )


def forged(evaluation: Evaluation, settings: Settings) -> Iterator[str]:
    """Where the arms of another machine were not asked in the form that the settings name."""
    form, least = merged_form(settings), settings.training.export.min_agreement
    for name in (Arm.BASELINE, Arm.CANDIDATE):
        arm = evaluation.arms.get(name.value)
        if arm is None:
            continue
        asked = arm.exported.form if arm.exported else None
        if asked != form:
            yield f"the {name.value} was asked in the form {asked or 'that was trained'}, not {form or 'as trained'}"
        elif arm.exported and arm.exported.agreement and arm.exported.agreement.minimum != least:
            yield f"the {name.value} was held to another agreement than {100 * least:g} %"
