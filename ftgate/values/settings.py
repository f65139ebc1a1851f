"""What the maintainers declare in ftgate.yaml: task, data, recipe, policy. Defaults are the seed's."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from ftgate.values.training_settings import TrainingSettings

Task = Literal["format", "style", "domain", "multi-step"]
Level = Literal["error", "warning", "notice", "off"]
Existing = Literal["warn", "error"]
Target = Literal[
    "trl", "openai", "azure", "together", "fireworks", "mistral", "axolotl", "llama-factory", "vertex"
]


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines of more bytes, and objects and arrays nested deeper, are errors and not read."""

    line_bytes: int = 10_000_000
    depth: int = 64


class DataSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Globs are repository paths in .gitignore syntax; `example_schema` (of a line), `output_schema` (of a reply) and
    `reviews` are paths in the repository.

    `general_sources` and `generated_sources` are values of a line's source, or tags of it.

    `lfs` fetches what git-LFS pointers name; without it no network is touched for data.

    `system_prompt` is the one used at inference: None leaves drift unchecked, "" declares that there is none.
    """

    train: tuple[str, ...]
    held_out: tuple[str, ...] = ()
    format: Literal["auto", "conversation", "instruction", "prompt-completion", "sharegpt"] = "auto"
    example_schema: str | None = None
    output_schema: str | None = None
    key_style: Literal["snake_case", "camelCase", "kebab-case"] | None = None
    system_prompt: str | None = None
    task: Task = "format"
    target: str = "trl"  # a Target; the published schema holds it
    limits: Limits = Limits()
    blank_lines: Level = "warning"
    general_sources: tuple[str, ...] = ()
    general_share: tuple[float, float] = (0.05, 0.10)
    generated_sources: tuple[str, ...] = ("generated", "synthetic")
    reviews: str = "reviews.jsonl"
    review_share: float = 0.1
    lfs: bool = False


class ServerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server behind the chat completions API that answers for all arms: vLLM, SGLang, Ollama, ...

    `base_url` usually ends in /v1; without it OPENAI_BASE_URL is asked. `base` is the name that the base model is
    served under (the settings' `base_model` by default). `adapters`: "load" asks the server to load each adapter, under
    a name made of its digest, from the path where it lies in the store; "served" expects it there under that name.

    `setup` tells two set-ups apart that the server itself does not: version, quantisation, dtype, batch invariance. It
    is part of the key of every completion, and needed where the server tells no version.
    `api_key_env` is the variable that holds the key; the schema wants it with every `base_url` that is not on this
    machine. `extra_body` is sent with every question. `retries` are those of one question.
    """

    base_url: str | None = None
    base: str | None = None
    adapters: Literal["load", "served"] = "load"
    setup: str = ""
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: int = 8
    timeout_seconds: float = 300.0
    retries: int = 6
    extra_body: Mapping[str, Any] = field(default_factory=dict)


class EvaluationSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`max_new_tokens` bounds every completion of every arm.

    A suspect is asked again `samples` times on both sides at `temperature`; 0 counts every suspect as broken.
    `base_sample`: training examples that the base is asked, to see what it knows already; 0 for none.
    `held_out`: how held-out examples are graded; "auto" compares JSON objects field by field, asks the judge about free
    text where there is one, and wants the reference itself otherwise.
    `probes`: whether base and candidate are asked the probes of general ability.
    `engine`: what generates, for all arms of a run: transformers on this machine, or what `server` describes.
    `batch_size` is of the local engine.
    """

    max_new_tokens: int = 256
    batch_size: int = 16
    samples: int = 3
    temperature: float = 0.7
    held_out: Literal["auto", "equals", "judge"] = "auto"
    base_sample: int = 100
    probes: bool = True
    engine: Literal["local", "server"] = "local"
    server: ServerSettings | None = None


class JudgeLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast and how long a judge may be asked, and what it may cost; None is no limit.

    Prices are per million tokens, in any currency; `max_cost` is in the same and needs them.
    """

    concurrency: int = 8
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    timeout_seconds: float = 90.0
    retries: int = 6
    deadline_seconds: float = 1800.0
    input_price: float | None = None
    output_price: float | None = None
    max_cost: float | None = None


class OtherJudge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A further judge, asked where the first one is unless `base_url` says otherwise.

    `api_key_env` is the variable that holds its key; the schema wants it with every `base_url`, so that no key is
    sent to another host by default.
    """

    model: str
    base_url: str | None = None
    api_key_env: str = "OPENAI_API_KEY"


class JudgeErrors(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of right and of wrong completions that the judge passes, as `ftgate judge calibrate` measured them."""

    true_pass: float
    false_pass: float


class JudgeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The model that judge graders ask; key and endpoint come from OPENAI_API_KEY and OPENAI_BASE_URL.

    Every one of `judges` is asked beside `model`, each `votes` times; the median decides. `canaries` is how many
    completions of known score test the judge in every run. `identity: model` does not tell servers of one
    model name apart by their fingerprint.

    `errors` correct the share of training examples that the base already passes.
    """

    model: str
    pass_score: int = 4
    votes: int = 1
    judges: tuple[OtherJudge, ...] = ()
    canaries: int = 30
    identity: Literal["fingerprint", "model"] = "fingerprint"
    limits: JudgeLimits = JudgeLimits()
    errors: JudgeErrors | None = None


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the maintainers accept.

    `max_broken`: confirmed broken regression prompts still accepted (the seed: three fail the run).
    `margin`: share of held-out examples by which the candidate may be worse than the baseline.
    `score_margin`: by how much the mean of a judge's criterion (1 to 5) may be lower than the baseline's.
    `min_correctness`: mean correctness (1 to 5) that the candidate must reach where a judge grades the held-out set.
    `forgetting`: what a loss of general abilities does that chance does not explain.
    `max_unshippable`: completions of twenty that a blinded reader would not ship and that are still accepted;
    `spot_check`: whether a run without such a reading may pass.
    `existing`: whether errors that stand on the base branch already only warn, or block like new ones. It is part of
    the policy, as it says what blocks; the keys of `checks` are ids of checks.
    `slices`: whether a slice that collapses fails the run, only warns, or is not looked at; slices have at least
    `min_slice` prompts, and collapse from a pass rate that falls by `max_slice_drop`.
    """

    max_broken: int = 2
    margin: float = 0.1
    score_margin: float = 0.3
    min_correctness: float = 4.0
    forgetting: Literal["warn", "error", "off"] = "warn"
    max_unshippable: int = 3
    spot_check: Literal["optional", "required"] = "optional"
    existing: Existing = "warn"
    slices: Literal["error", "warn", "off"] = "error"
    min_slice: int = 5
    max_slice_drop: float = 0.3


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One task per repository: `behavior` is the sentence that says what the tuned model does."""

    behavior: str = ""
    base_model: str = "bundled:tiny"
    base_revision: str | None = None
    data: DataSettings
    regression: tuple[str, ...] = ()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    judge: JudgeSettings | None = None
    checks: Mapping[str, Level] = field(default_factory=dict)
    policy: Policy = Policy()
