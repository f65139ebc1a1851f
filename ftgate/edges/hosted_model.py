"""A base model at a service, and its data as the service counts it: nothing of it is on this machine."""

from collections.abc import Sequence

from ftgate.decide import hosted, hosted_lines
from ftgate.errors import SettingsError
from ftgate.ports import Tokenizer
from ftgate.values.dataset import Example
from ftgate.values.digest import digest
from ftgate.values.tokens import TokenSurvey
from ftgate.values.training import BaseModel


def hosted_model(name: str, revision: str | None) -> BaseModel | None:
    """The base model `hosted:NAME`; None for another name.

    Its digest is that of its name. The service is no part of it but of the versions of trainer and completer, and so of
    every key; nothing is asked of it here, as a machine that only promotes has no key for it. Raises SettingsError for
    a revision: no service pins one beside the name.
    """
    asked = hosted.name_of(name)
    if asked is None:
        return None
    if not asked.strip() or revision is not None:
        raise SettingsError(
            f"base_model: {name}: a hosted model has a name and no base_revision",
            advice="Put the dated name into base_model, e.g. hosted:gpt-4.1-mini-2025-04-14.",
        )
    return BaseModel(
        name=name,
        revision=asked,
        sha256=digest(["hosted", asked]),
        parameters=0,
        location="",
        max_length=hosted.MAX_LENGTH,
    )


class AnyTokenizer:
    """Port Tokenizer: that of this machine, or estimates from bytes where the base model is at a service."""

    def __init__(self, local: Tokenizer) -> None:
        self._local = local

    def survey(self, base_model: BaseModel, examples: Sequence[Example]) -> TokenSurvey:
        """Every example once, in order."""
        if hosted.name_of(base_model.name) is not None:
            return hosted_lines.survey(examples)
        return self._local.survey(base_model, examples)
