"""The page of a blinded reading: one HTML file, nothing fetched, all foreign text inert, driven by the keyboard."""

import json
from importlib import resources
from typing import Any

from ftgate.values.evaluation import Arm, Evaluation, Prompt
from ftgate.values.spot_check import VOTES_SCHEMA, Key

_DATA = "/*FTGATE-SHEET*/null"


def spot_check_page(evaluation: Evaluation, key: Key, sheet: str, behavior: str) -> str:
    """HTML of a sheet. Whose completion a card shows is not in it; `sheet` is the digest of the key."""
    prompts = {prompt.id: prompt for prompt in evaluation.prompts}
    answers = {arm.value: evaluation.items(arm) for arm in Arm}
    cards = [
        _asked(prompts[card.prompt])
        | {"number": card.number, "completion": answers[card.arm][card.prompt].completion.text}
        for card in key.cards
    ]
    plain = {"schema": VOTES_SCHEMA, "sheet": sheet, "behavior": behavior, "cards": cards}
    template = (resources.files("ftgate.report") / "spot_check.html").read_text(encoding="utf-8")
    return template.replace(_DATA, _script_json(plain), 1)


def _asked(prompt: Prompt) -> dict[str, Any]:
    turns = [{"role": m.role, "content": m.content or ""} for m in prompt.messages]
    return {"messages": turns, "reference": prompt.reference}


def _script_json(value: Any) -> str:
    """JSON that can end no script element and open no comment, whatever text is in it."""
    text = json.dumps(value, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
