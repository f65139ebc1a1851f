"""What the maintainers declare in ftgate.yaml: task, data, recipe, policy. Defaults are the seed's."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

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


class TrainingSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides of the resolved recipe; None means "resolve it from the data and the model"."""

    method: Literal["qlora", "lora"] = "qlora"
    rank: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    accumulation: int | None = None
    dropout: float | None = None
    max_length: int | None = None
    seed: int = 42


class EvaluationSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`max_new_tokens` bounds every completion of every arm."""

    max_new_tokens: int = 256
    batch_size: int = 16


class JudgeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The model that judge graders ask; key and endpoint come from OPENAI_API_KEY and OPENAI_BASE_URL."""

    model: str
    pass_score: int = 4


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the maintainers accept.

    `max_broken`: confirmed broken regression prompts still accepted (the seed: three fail the run).
    `margin`: share of held-out examples by which the candidate may be worse than the baseline.
    `existing`: whether errors that stand on the base branch already only warn, or block like new ones. It is part of
    the policy, as it says what blocks; the keys of `checks` are ids of checks.
    """

    max_broken: int = 2
    margin: float = 0.1
    existing: Existing = "warn"


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
