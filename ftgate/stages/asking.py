"""What every arm is asked, and the key of its answers: needs neither an adapter nor a judge."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from ftgate import __version__
from ftgate.decide.keys import ArmInputs, asked_key, generation
from ftgate.decide.questions import held_out_prompts, sampled
from ftgate.decide.serving import base_method, merged_form
from ftgate.errors import SettingsError
from ftgate.ports import Ports
from ftgate.stages.inputs import Reserved
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
        server = ports.server(settings)
        if server is not None and (form := merged_form(settings)) is not None:
            raise SettingsError(
                f"training.export.form is {form}, and a server (evaluation.engine) can be given adapters only",
                advice="Set training.export.form to adapter, or evaluation.engine to local.",
            )
        self.completer = server or ports.completer

    @property
    def sampled(self) -> tuple[Prompt, ...]:
        """Regression prompts that are asked again, each as often as the settings say. A judge votes again instead."""
        again = tuple(self.prompts[place] for place in sampled(self.prompts))
        return again * self.settings.evaluation.samples

    @cached_property
    def engine(self) -> Mapping[str, str]:
        """What generates: a server is asked once."""
        return self.completer.versions()

    def inputs(self, sha256: str | None) -> ArmInputs:
        """All that the completions of an adapter depend on; None is the base."""
        return ArmInputs(
            base_model=self.base_model,
            method=base_method(self.settings),
            adapter_sha256=sha256,
            prompts=self.prompts,
            generation=generation(self.settings.evaluation),
            versions={"ftgate": __version__, **self.engine},
            seed=self.settings.training.seed,
            form=(merged_form(self.settings) or "adapter") if sha256 else "adapter",
        )

    def answered(self, record: Baseline) -> bool:
        """Whether a record holds what its adapter said to exactly these prompts, asked in exactly this way."""
        asked = asked_key(self.inputs(record.training.adapter_sha256))
        return any(arm.asked == asked and len(arm.items) == len(self.prompts) for arm in record.arms)


def questions(ports: Ports, kept: Reserved, settings: Settings) -> tuple[Prompt, ...]:
    """What every arm is asked: regression prompts, held-out set, and the probes of general ability."""
    held_out = held_out_prompts(kept.held_out, kept.output_schema, settings)
    probes = ports.documents.probes() if settings.evaluation.probes else ()
    return (*kept.prompts, *held_out, *probes)
