"""The card of an artefact, in JSON and as a model card of the Hub. Nothing of the training data stands in it."""

import json
import re
from collections.abc import Mapping, Sequence

import msgspec

from ftgate import __version__
from ftgate.report.curve import chart, loss_lines, loss_table
from ftgate.report.markdown import paragraphs, table
from ftgate.report.quote import code, prose
from ftgate.values.run_card import Agreement, CardBase, Form, RunCard
from ftgate.values.training import BaseModel, Training

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_IS = {
    "adapter": "LoRA adapter",
    "merged-dequantised": "adapter merged into the dequantised base, 16 bit",
    "merged-16bit": "adapter merged into the 16-bit base",
    "full": "whole model, all weights trained",
    "hosted": "record of a model that a service keeps",
}


def run_card(
    training: Training, base: BaseModel, form: Form | None = None, agreement: Agreement | None = None
) -> RunCard:
    """The card of a training, or of the form that was exported from it."""
    return RunCard(
        ftgate=__version__,
        form=form or training.form,
        base_model=CardBase(
            name=base.name, revision=base.revision, sha256=base.sha256, parameters=base.parameters
        ),
        agreement=agreement,
        **{
            name: getattr(training, name)
            for name in RunCard.__struct_fields__
            if name in Training.__struct_fields__ and name != "form"
        },
    )


def cards(card: RunCard, launch: str = "") -> dict[str, str]:
    """Both renderings by file name; `launch` is the command that serves the artefact."""
    plain = msgspec.json.format(msgspec.json.encode(card), indent=2).decode() + "\n"
    return {"run-card.json": plain, "README.md": model_card(card, launch)}


def model_card(card: RunCard, launch: str = "") -> str:
    """Markdown with the Hub's front matter. What the settings or a machine wrote is quoted."""
    curve = "\n".join(f"- {line}" for line in loss_lines(card.curve, "`"))
    return (
        paragraphs(
            _front_matter(card),
            "# Fine-tuned by ftgate",
            f"This is: {_IS[card.form]}, of {code(card.base_model.name)} at {code(card.base_model.revision)}.",
            table(["", ""], _facts(card)),
            *((f"## Serving\n\nIn this directory:\n\n```bash\n{launch}\n```",) if launch else ()),
            *((f"## Agreement with what was trained\n\n{agreed(card.agreement)}",) if card.agreement else ()),
            f"## Recipe\n\n{table(['setting', 'value', 'why'], _recipe(card))}",
            f"## Loss\n\n{paragraphs(curve, chart(card.curve), loss_table(card.curve))}"
            if card.curve
            else "",
            "## Events\n\n" + "\n".join(f"- {prose(event)}" for event in card.events) if card.events else "",
            f"## Versions\n\n{table(['library', 'version'], _quoted(card.versions))}",
            "`run-card.json` says the same for programs.",
        )
        + "\n"
    )


def agreed(agreement: Agreement) -> str:
    """The figures of an agreement check in one sentence."""
    return (
        f"The most likely token is the trained form's on {agreement.shown} of {agreement.tokens:,} tokens in "
        f"{agreement.texts:,} texts (at least {100 * agreement.minimum:g} % is asked); mean negative log likelihood "
        f"{agreement.nll_exported:.4f} against {agreement.nll_trained:.4f} nats per token."
    )


def _front_matter(card: RunCard) -> str:
    """YAML whose strings are JSON's: nothing in them can end it."""
    adapter = card.form == "adapter"
    library = [] if card.form == "hosted" else [f"library_name: {'peft' if adapter else 'transformers'}"]
    lines = [
        *library,
        "pipeline_tag: text-generation",
        f"tags: {json.dumps(['ftgate', *([card.recipe.method] if adapter else []), card.form])}",
    ]
    if _HUB_ID.fullmatch(card.base_model.name):
        # The Hub links it; a path on somebody's disk is nobody's base model there. An adapter that was merged makes a
        # fine-tuned model: a merge, to the Hub, is of several models.
        relation = "adapter" if adapter else "finetune"
        lines += [f"base_model: {json.dumps(card.base_model.name)}", f"base_model_relation: {relation}"]
    return "\n".join(["---", *lines, "---"])


def _facts(card: RunCard) -> list[list[str]]:
    basis = card.basis
    stopped = [["stopped", prose(card.stopped)]] if card.stopped else []
    digests = [["tokens and labels", basis.tokenised], ["chat template", basis.template]] if basis else []
    return [
        ["key", code(card.key)],
        ["artefact", f"{card.form}, {code(card.adapter_sha256)}"],
        ["base model", f"{card.base_model.parameters:,} parameters, {code(card.base_model.sha256)}"],
        ["commit of the data", code(card.commit)],
        ["data", f"{card.examples:,} examples, {card.dropped:,} dropped, {code(card.data_sha256)}"],
        *([name, code(sha256)] for name, sha256 in digests if sha256),
        ["trained", f"{card.trained_tokens:,} of {card.tokens:,} tokens in {card.steps:,} steps"],
        ["kept", f"step {card.best_step:,}" if card.best_step else "the last step"],
        *stopped,
        ["took", f"{card.seconds:,.1f} s on {prose(card.hardware or 'a machine that was not named')}"],
        *([["peak memory", f"{card.peak_memory / 2**30:.1f} GiB of one GPU"]] if card.peak_memory else []),
        ["ftgate", code(card.ftgate)],
    ]


def _recipe(card: RunCard) -> Sequence[Sequence[str]]:
    plain = msgspec.to_builtins(card.recipe)
    reasons = plain.pop("reasons")
    return [[name, code(str(value)), prose(reasons.get(name, "")) or " "] for name, value in plain.items()]


def _quoted(versions: Mapping[str, str]) -> list[list[str]]:
    return [[code(name), code(version)] for name, version in sorted(versions.items())]
