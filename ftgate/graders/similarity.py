"""The completion is like a reference, by a measure of a kept library: chrF, BLEU, ROUGE, or edit distance.

chrF (Popović 2015) and BLEU with effective order come from sacrebleu, ROUGE-1 to 5 and ROUGE-L as F1 from
rouge-score, without stemming, and fuzzy is RapidFuzz's normalised InDel ratio. Likeness is no correctness: one wrong
number changes a score by little. All are in 0..1.
"""

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ftgate.graders.base import (
    failed,
    is_number,
    passed,
    show,
    show_type,
    text_problems,
    ungraded,
    unknown_keys,
)
from ftgate.values.evaluation import Completion, Grade, Prompt

_KEYS = ("to", "metric", "threshold")
METRICS = (
    "chrf",
    "bleu",
    "fuzzy",
    "rouge_1",
    "rouge_2",
    "rouge_3",
    "rouge_4",
    "rouge_5",
    "rouge_l",
)
_LONGEST = 20_000
"""Characters that are compared; measures of edit distance take the product of both lengths."""


def problems(argument: Any) -> list[str]:
    """The argument maps threshold to the least score, to a number above 0; metric (chrf) and to are optional.

    `to` is the text compared with: the prompt's reference where it is left out.
    """
    if not isinstance(argument, Mapping):
        return [f"must be a mapping with threshold, not {show_type(argument)}"]
    wrong = unknown_keys(argument, _KEYS)
    threshold = argument.get("threshold")
    if not is_number(threshold) or not 0 < float(threshold or 0) <= 1:
        wrong.append(f"threshold: must be a number above 0 and at most 1, not {threshold!r:.40}")
    if argument.get("metric", "chrf") not in METRICS:
        wrong.append(f"metric: must be one of {', '.join(METRICS)}, not {show(str(argument['metric']))}")
    if "to" in argument:
        wrong += [f"to: {text}" for text in text_problems(argument["to"])]
        if isinstance(argument["to"], str) and len(argument["to"]) > _LONGEST:
            wrong.append(f"to: is longer than {_LONGEST:,} characters")
    return wrong


def grade(argument: Any, prompt: Prompt, completion: Completion) -> Grade:
    """The score is the measure."""
    reference = argument.get("to", prompt.reference)
    if not reference:
        return ungraded("similarity", "nothing to compare with: give `to`, or a reference to the prompt")
    if max(len(reference), len(completion.text)) > _LONGEST:
        return ungraded("similarity", f"more than {_LONGEST:,} characters are not compared")
    metric = argument.get("metric", "chrf")
    score = _measure(metric)(completion.text, reference) if completion.text.strip() else 0.0
    said = f"{metric} {score:.3f}, at least {argument['threshold']:g} expected"
    if score >= argument["threshold"]:
        return passed("similarity", said, score)
    return failed("similarity", said, score)


@cache
def _measure(metric: str) -> Callable[[str, str], float]:
    if metric == "fuzzy":
        ratio = importlib.import_module("rapidfuzz.fuzz").ratio
        return lambda text, reference: float(ratio(text, reference)) / 100
    if metric in ("chrf", "bleu"):
        metrics = importlib.import_module("sacrebleu.metrics")
        scorer = metrics.CHRF() if metric == "chrf" else metrics.BLEU(effective_order=True)
        return lambda text, reference: min(1.0, float(scorer.sentence_score(text, [reference]).score) / 100)
    name = metric.replace("_", "").replace("l", "L")
    rouge = importlib.import_module("rouge_score.rouge_scorer").RougeScorer([name])
    return lambda text, reference: float(rouge.score(reference, text)[name].fmeasure)
