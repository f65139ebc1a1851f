"""What every arm is asked, and the key of its answers: needs neither an adapter nor a judge."""

from collections.abc import Sequence

from ftgate import __version__
from ftgate.decide.keys import ArmInputs, asked_key
from ftgate.ports import Ports
from ftgate.values.baseline import Baseline
from ftgate.values.evaluation import Prompt
from ftgate.values.settings import Settings
from ftgate.values.training import BaseModel


class Asking:
    """Prompts, base model and engine of a run: the same for all arms."""

    def __init__(
        self, ports: Ports, settings: Settings, base_model: BaseModel, prompts: Sequence[Prompt]
    ) -> None:
        self.ports = ports
        self.settings = settings
        self.base_model = base_model
        self.prompts = tuple(prompts)

    def inputs(self, sha256: str | None) -> ArmInputs:
        """All that the completions of an adapter depend on; None is the base."""
        return ArmInputs(
            base_model=self.base_model,
            method=self.settings.training.method,
            adapter_sha256=sha256,
            prompts=self.prompts,
            generation=self.settings.evaluation,
            versions={"ftgate": __version__, **self.ports.completer.versions()},
        )

    def answered(self, record: Baseline) -> bool:
        """Whether a record holds what its adapter said to exactly these prompts, asked in exactly this way."""
        asked = asked_key(self.inputs(record.training.adapter_sha256))
        return any(arm.asked == asked and len(arm.items) == len(self.prompts) for arm in record.arms)
