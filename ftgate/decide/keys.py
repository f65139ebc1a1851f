"""Keys of what need not be done twice: digests of all that may change the result, and of nothing else.

A key that misses an input serves a stale result as fresh; one that holds a path or a date never matches.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ftgate.decide.questions import sampled
from ftgate.values.dataset import plain_messages
from ftgate.values.digest import digest
from ftgate.values.evaluation import Prompt
from ftgate.values.settings import EvaluationSettings, JudgeSettings, ServerSettings
from ftgate.values.training import BaseModel, Basis, Recipe

BASE_ADAPTER = "base"


class ArmInputs(Struct, frozen=True, kw_only=True):
    """All that a graded arm depends on.

    `adapter_sha256` is None for the base, `judge` None without a judge; it covers weights and configuration of the
    adapter, as the digest of `base_model` does weights, tokenizer and chat template. `versions` covers the engine (its
    version, device, dtype and how it batches), and ftgate itself, which quantises, renders and sorts prompts, and whose
    graders read the completions. `seed` is that of drawn samples. `form` is what of the adapter was asked: itself, or
    a model that it was merged into.
    """

    base_model: BaseModel
    method: str
    adapter_sha256: str | None
    prompts: tuple[Prompt, ...]
    generation: EvaluationSettings
    versions: Mapping[str, str]
    judge: JudgeSettings | None = None
    judge_identity: str = ""
    seed: int = 0
    form: str = "adapter"


def generation(settings: EvaluationSettings) -> EvaluationSettings:
    """What of the settings may change a completion. What prompts are chosen by shows in the prompts; where a server is,
    with which key it is asked and for how long are no part of it (its versions name the host), and neither are settings
    of the engine that is not used. How many questions it is asked at once is: that changes its batches."""
    server = settings.server
    if settings.engine == "local" or server is None:
        server = None
    else:
        server = ServerSettings(
            base=server.base, setup=server.setup, concurrency=server.concurrency, extra_body=server.extra_body
        )
    batch_size = settings.batch_size if server is None else 0
    return replace(
        settings, base_sample=0, probes=False, held_out="auto", server=server, batch_size=batch_size
    )


def training_key(
    base_model: BaseModel,
    recipe: Recipe,
    data_sha256: str,
    held_out_sha256: str,
    basis: Basis,
    versions: Mapping[str, str],
) -> str:
    """SHA-256 (64 hex digits) that names a training. The same key never trains twice.

    The held-out set is part of it because its loss chooses the checkpoint; the recipe's reasons are not. Of the basis
    token ids, labels and chat template count: what else it holds shows in the recipe.
    """
    settings = msgspec.to_builtins(recipe)
    del settings["reasons"]
    return digest(
        {
            "kind": "training/2",
            "base_model": _pinned(base_model),
            "recipe": settings,
            "data": data_sha256,
            "tokenised": basis.tokenised,
            "template": basis.template,
            "held_out": held_out_sha256,
            "versions": dict(versions),
        }
    )


def evaluation_key(inputs: ArmInputs) -> str:
    """SHA-256 (64 hex digits) that names one graded arm.

    The judge is part of it, so that grades of two judges are never compared with each other. Tags are not: they
    change neither completion nor grade.
    """
    return digest(
        {
            "kind": "arm/3",
            "base_model": _pinned(inputs.base_model),
            "method": inputs.method,
            "adapter": inputs.adapter_sha256 or BASE_ADAPTER,
            "form": inputs.form,
            "prompts": prompts_digest([replace(prompt, tags=()) for prompt in inputs.prompts]),
            "generation": msgspec.to_builtins(inputs.generation),
            "seed": inputs.seed,
            "versions": dict(inputs.versions),
            "judge": [_grading(inputs.judge), inputs.judge_identity],
        }
    )


def asked_key(inputs: ArmInputs) -> str:
    """SHA-256 (64 hex digits) that names the completions of one arm, whoever grades them.

    Only what is sent to the model counts of a prompt: messages in order, and whether it is sent again at a temperature.
    `versions` hold ftgate's own too, as another ftgate may ask in another way.
    """
    return digest(
        {
            "kind": "asked/3",
            "base_model": _pinned(inputs.base_model),
            "method": inputs.method,
            "adapter": inputs.adapter_sha256 or BASE_ADAPTER,
            "form": inputs.form,
            "messages": [plain_messages(prompt.messages) for prompt in inputs.prompts],
            "again": sampled(inputs.prompts),
            "generation": msgspec.to_builtins(inputs.generation),
            "seed": inputs.seed,
            "versions": dict(inputs.versions),
        }
    )


def measure_key(prompts: Sequence[Prompt], judge: JudgeSettings | None, judge_identity: str) -> str:
    """SHA-256 (64 hex digits) of what a pass rate was measured with: prompts, expectations and judge."""
    told = [msgspec.to_builtins(judge), judge_identity]
    return digest({"kind": "measure/1", "prompts": prompts_digest(prompts), "judge": told})


def prompts_digest(prompts: Sequence[Prompt]) -> str:
    """SHA-256 over the prompts in order, expectations included; where they stand in a file is left out."""
    return digest([msgspec.to_builtins(replace(prompt, source="")) for prompt in prompts])


def _pinned(model: BaseModel) -> dict[str, object]:
    """Where it lies is no part of it; its shape is read from config.json, which the digest covers."""
    pinned: dict[str, object] = msgspec.to_builtins(model)
    del pinned["location"], pinned["shape"]
    return pinned


def _grading(judge: JudgeSettings | None) -> dict[str, object] | None:
    """The settings that may change a grade: how fast and for how much a judge is asked does not."""
    if judge is None:
        return None
    plain: dict[str, object] = msgspec.to_builtins(judge)
    del plain["limits"], plain["canaries"]
    return plain
