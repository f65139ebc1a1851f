"""Keys of what need not be done twice: digests of all that may change the result, and of nothing else.

A key that misses an input serves a stale result as fresh; one that holds a path or a date never matches.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ftgate.values.dataset import plain_messages
from ftgate.values.digest import digest
from ftgate.values.evaluation import Prompt
from ftgate.values.settings import EvaluationSettings, JudgeSettings
from ftgate.values.training import BaseModel, Recipe

BASE_ADAPTER = "base"


class ArmInputs(Struct, frozen=True, kw_only=True):
    """All that a graded arm depends on.

    `adapter_sha256` is None for the base, `judge` None without a judge. `versions` covers the engine,
    and ftgate itself, whose graders read the completions.
    """

    base_model: BaseModel
    method: str
    adapter_sha256: str | None
    prompts: tuple[Prompt, ...]
    generation: EvaluationSettings
    versions: Mapping[str, str]
    judge: JudgeSettings | None = None
    judge_identity: str = ""


def training_key(
    base_model: BaseModel,
    recipe: Recipe,
    data_sha256: str,
    held_out_sha256: str,
    versions: Mapping[str, str],
) -> str:
    """SHA-256 (64 hex digits) that names a training. The same key never trains twice.

    The held-out set is part of it because its loss chooses the checkpoint; the recipe's reasons are not.
    """
    settings = msgspec.to_builtins(recipe)
    del settings["reasons"]
    return digest(
        {
            "kind": "training/1",
            "base_model": _pinned(base_model),
            "recipe": settings,
            "data": data_sha256,
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
            "kind": "arm/1",
            "base_model": _pinned(inputs.base_model),
            "method": inputs.method,
            "adapter": inputs.adapter_sha256 or BASE_ADAPTER,
            "prompts": prompts_digest([replace(prompt, tags=()) for prompt in inputs.prompts]),
            "generation": msgspec.to_builtins(inputs.generation),
            "versions": dict(inputs.versions),
            "judge": [_grading(inputs.judge), inputs.judge_identity],
        }
    )


def asked_key(inputs: ArmInputs) -> str:
    """SHA-256 (64 hex digits) that names the completions of one arm, whoever grades them.

    Only what is sent to the model counts of a prompt: messages in order. `versions` hold ftgate's own too, as another
    ftgate may ask in another way.
    """
    return digest(
        {
            "kind": "asked/1",
            "base_model": _pinned(inputs.base_model),
            "method": inputs.method,
            "adapter": inputs.adapter_sha256 or BASE_ADAPTER,
            "messages": [plain_messages(prompt.messages) for prompt in inputs.prompts],
            "generation": msgspec.to_builtins(inputs.generation),
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
    pinned: dict[str, object] = msgspec.to_builtins(model)
    del pinned["location"]
    return pinned


def _grading(judge: JudgeSettings | None) -> dict[str, object] | None:
    """The settings that may change a grade: how fast and for how much a judge is asked does not."""
    if judge is None:
        return None
    plain: dict[str, object] = msgspec.to_builtins(judge)
    del plain["limits"], plain["canaries"]
    return plain
