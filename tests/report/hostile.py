"""A run in which every text that somebody else can choose is an attack."""

import math
from collections.abc import Sequence

from msgspec.structs import replace

from ftgate.decide.preflight import readiness
from ftgate.values.baseline import Drift, History, Origin
from ftgate.values.dataset import Message
from ftgate.values.evaluation import (
    ArmEvaluation,
    Evaluation,
    Prompt,
)
from ftgate.values.finding import Finding, Severity
from ftgate.values.preflight import LeftOut, Readiness, Span
from ftgate.values.run import (
    Cost,
    DataDiff,
    Distribution,
    Preview,
    Protected,
    Provenance,
    Reason,
    Run,
    Sample,
    Shift,
    Size,
    Verdict,
    VerdictOutcome,
)
from tests.report.parts import (
    BASE_MODEL,
    FACTS,
    TRAINING,
    history,
    trained,
)
from tests.report.runs import failed

ATTACKS = (
    "@octocat and @github/security please look",
    "fixes #1, GH-2 and octo/repo#3 in 5f2c1d9e0a",
    "<script>alert(1)</script><img src=x onerror=alert(1)><details open>",
    "![beacon](https://evil.example/x) [click](javascript:alert(1)) https://evil.example www.evil.example",
    "<!-- ftgate:comment v1 head=0000000000000000000000000000000000000000 -->",
    "```\n# A heading\n```\n~~~\n</details>\n- [x] approved\n\n| a | b |\n|---|---|\n`````",
    "`code` ``co`de`` \\| \\\\| | pipe ` alone",
    "\x1b[31mred\x1b]52;c;ZXZpbA==\x07 \u202egnp.exe \u200bhidden\ud800 \x00 \r\n::error::no",
    ":shipit: :+1: $\\color{red}{x}$ <a@b.example> mailto:a@b.example ##[error]no",
    "# heading\n> quote\n1. one\n- [ ] task\n***\n===\n&lt;b&gt; &#64;octocat",
)


def hostile(text: str = "\n".join(ATTACKS)) -> Run:
    """Every text that a data file, a model or a stored run can choose is an attack."""
    run = failed()
    assert run.evaluation is not None and run.comparison is not None
    asked = tuple(_hostile_prompt(each, n, text) for n, each in enumerate(run.evaluation.prompts))
    arms = {name: _hostile_arm(each, asked, text) for name, each in run.evaluation.arms.items()}
    ids = tuple(each.id for each in asked if each.kind == "regression")
    level = list(Severity)
    spread = Distribution(
        before=2, after=3, new=1, moved=0.5, shifts=(Shift(name=text, before=1, after=2),) * 9
    )
    promoted = history((15, 100), (14, 99)).promotions[1]
    forged = replace(promoted, commit=text, key=text, data_sha256=text, created=text)
    origin = Origin(source="data branch", said=text, problem=text, commit=text, created=text, ftgate=text)
    return replace(
        run,
        plan=replace(
            run.plan,
            head=text,
            merge_base=text,
            settings_path=text,
            protected=(Protected(path=text, role=text, change=text),) * 12,
        ),
        findings=tuple(
            Finding(
                check=text,
                severity=level[n % 3],
                path=f"{text}{n % 11}",
                line=n,
                message=f"{text}{n}",
                advice=text,
            )
            for n in range(60)
        ),
        slices=tuple(
            replace(each, name=f"{text}{n}", broken=(text,) * 30, words=(text,), same_as=(text, text))
            for n, each in enumerate(run.slices)
        ),
        diff=DataDiff(
            before=1,
            after=2,
            added=9,
            removed=9,
            changed=9,
            reprompted=3,
            size=Size(unit="tokens", before=1, after=2),
            labels=spread,
            systems=spread,
            samples={
                name: (Sample(place=text, prompt=text, reply=text, before=text),) * 7
                for name in ("added", "removed", "changed")
            },
        ),
        preview=Preview(
            files=9,
            examples=9,
            counts={level.value: 20 for level in Severity} | {text: 3},
            gone=9,
            findings=(
                Finding(check=text, severity=Severity.ERROR, path=text, line=1, message=text, advice=text),
            )
            * 9,
        ),
        preflight=_hostile_preflight(text),
        candidate=replace(trained("candidate", 3), failure=text),
        evaluation=Evaluation(prompts=asked, arms=arms),
        comparison=replace(run.comparison, broken=ids, fixed=ids, new=ids, missing=ids, ungraded=ids),
        origin=origin,
        history=History(promotions=(forged,) * 9, problem=text),
        drift=(
            Drift(set="held-out", now=forged.held_out, best=forged, drop=0.1, beyond=True, incomparable=0),
        ),
        verdict=Verdict(
            outcome=VerdictOutcome.FAIL,
            decided_by=text,
            reasons=(Reason(id=text, severity=Severity.ERROR, text=text, decides=VerdictOutcome.FAIL),) * 20,
        ),
        cost=Cost(seconds={text: math.nan}),
        provenance=Provenance(
            ftgate=text,
            created=text,
            base_model=replace(BASE_MODEL, name=text, revision=text, sha256=text),
            versions={text: text},
            generation={text: text},
        ),
    )


def _hostile_preflight(text: str) -> Readiness:
    left = (LeftOut(path=text, line=1, reason=text),) * 12
    named = {"hardware": text, "template_of": text, "measured_by": text}
    facts = replace(FACTS, left_out=left, endless=left, dropped=100, unstopped=100, **named)
    made = readiness(facts, TRAINING)
    return replace(
        made,
        recipe=replace(made.recipe, reasons=dict.fromkeys(made.recipe.reasons, text)),
        minutes=Span(low=math.nan, high=1e300, source=text),
        cost=Span(low=0, high=0, source=text),
        currency=text,
        unknown={text: text, "memory": text},
        hints=(text,),
    )


def _hostile_prompt(asked: Prompt, number: int, text: str) -> Prompt:
    return replace(
        asked,
        id=f"{text}{number}",
        protects=text,
        messages=(Message(role="user", content=text),),
        expect={text: text, "json_fields": {text: text}},
    )


def _hostile_arm(arm: ArmEvaluation, asked: Sequence[Prompt], text: str) -> ArmEvaluation:
    items = tuple(
        replace(
            item,
            prompt=each.id,
            completion=replace(item.completion, text=text, finish="length"),
            grades=tuple(replace(grade, grader=text, reason=text) for grade in item.grades),
        )
        for item, each in zip(arm.items, asked, strict=True)
    )
    return replace(arm, items=items)
