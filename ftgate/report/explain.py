"""One prompt in full, for a comment of its own: what was asked, what each arm said, and how it was graded."""

import json
from collections.abc import Mapping

from ftgate.report.markdown import paragraphs
from ftgate.report.quote import block, code, prose
from ftgate.report.wording import short
from ftgate.values.evaluation import Arm, ArmEvaluation, Outcome, Prompt
from ftgate.values.run import Run

_SIGNS = {Outcome.PASSED: "✅", Outcome.FAILED: "❌", Outcome.UNGRADED: "🟡"}
_MESSAGES = 8
_ROOMS = (3_000, 1_000, 300)
"""Characters of each text, from comfortable to what always fits."""
_GRADES = 8


def explain(run: Run, prompt: str, *, limit: int = 60_000) -> str | None:
    """Markdown of at most `limit` bytes; None when the run asked no such prompt."""
    asked = next((p for p in run.evaluation.prompts if p.id == prompt), None) if run.evaluation else None
    if run.evaluation is None or asked is None:
        return None
    texts = (_text(run, asked, run.evaluation.arms, room) for room in _ROOMS)
    return next(
        (text for text in texts if len(text.encode()) <= limit), f"{code(asked.id, 100)} is too long to show"
    )


def _text(run: Run, asked: Prompt, answers: Mapping[str, ArmEvaluation], room: int) -> str:
    arms = [(arm, answers[arm.value]) for arm in Arm if arm.value in answers]
    return paragraphs(
        f"### {code(asked.id, 100)} protects {prose(asked.protects, 200)}",
        f"Head {code(short(run.plan.head))}, merge base {code(short(run.plan.merge_base))}, "
        f"from {code(asked.source, 120)}",
        *_asked(asked, room),
        "**Expected**",
        block(json.dumps(asked.expect, indent=1, ensure_ascii=False, default=str), room, lines=40),
        *(_answered(arm, found, asked, room) for arm, found in arms),
    )


def _asked(prompt: Prompt, room: int) -> list[str]:
    shown = prompt.messages[-_MESSAGES:]
    left = len(prompt.messages) - len(shown)
    said = [paragraphs(f"**{prose(m.role, 20)}**", block(m.content or "", room)) for m in shown]
    return [f"*{left} earlier messages left out*", *said] if left else said


def _answered(arm: Arm, found: ArmEvaluation, prompt: Prompt, room: int) -> str:
    item = next((item for item in found.items if item.prompt == prompt.id), None)
    if item is None:
        return f"**{arm.value}** did not answer"
    grades = [
        f"- {_SIGNS[grade.outcome]} {code(grade.grader, 40)}: {prose(grade.reason, 300)}"
        for grade in item.grades[:_GRADES]
    ]
    title = f"**{arm.value}** {_SIGNS[item.outcome]} {item.outcome.value}"
    return paragraphs(title, block(item.completion.text, room, lines=40), "\n".join(grades))
