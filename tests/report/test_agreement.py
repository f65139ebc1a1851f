"""The judge in one line, and agreement on one screen."""

from msgspec.structs import replace

from ftgate.decide.agreement import agreement
from ftgate.report.agreement import agreement_lines, judge_line, probe_lines
from ftgate.report.comment import comment
from ftgate.report.summary import plain, summary
from ftgate.values.evaluation import Evaluation
from ftgate.values.judging import CanaryResult, Judging, Usage
from ftgate.values.run import Run
from tests.fakes import JUDGE
from tests.report.runs import not_applicable, passed

CANARIES = tuple(
    CanaryResult(judge="j", kind="verbatim", prompt="p", low=5, high=5, score=score, state="scored")
    for score in (5,) * 29 + (4,)
)


def judged(judging: Judging) -> Run:
    run = passed()
    assert run.evaluation is not None
    evaluation: Evaluation = replace(run.evaluation, judging=judging)
    return replace(run, evaluation=evaluation, provenance=replace(run.provenance, judges=judging.judges))


def test_one_line_says_who_judged_how_well_and_for_how_much() -> None:
    run = judged(Judging(judges=(JUDGE,), canaries=CANARIES, usage=Usage(calls=210, cached=12, cost=0.417)))
    said = "Judge: fake-judge-1; canaries 29 of 30 right; 210 calls, 12 from the cache, cost 0.42"
    assert judge_line(run) == said
    assert "canaries 29 of 30 right" in comment(run) and said in plain(summary(run)).replace("\n    ", " ")
    assert "json_schema, temperature, seed" in comment(run)


def test_no_judge_is_said_and_no_question_is_not() -> None:
    assert judge_line(judged(Judging(unavailable="down"))) == "Judge: none (down)"
    assert judge_line(passed()) == judge_line(not_applicable()) == ""


def test_a_served_name_cannot_act() -> None:
    hostile = replace(JUDGE, served_model="\x1b[2J<img src=x>@everyone", fingerprint="`|`\n# x")
    run = judged(Judging(judges=(hostile,), canaries=CANARIES))
    [line] = [line for line in comment(run).splitlines() if line.startswith("Judge:")]
    assert "<img" not in line and "`src=x>@everyone`" in line  # inert: no tag, and a mention only as code
    assert "\x1b" not in comment(run) + plain(summary(run))
    assert not any("\x1b" in line for line in probe_lines(hostile, {"tool": "\x1b[2J"}, True))


def test_what_the_labels_do_not_determine_is_said() -> None:
    lines = "\n".join(agreement_lines(agreement([5, 5], [5, 5], 4), "judge"))
    assert lines.count("undetermined by these labels") == 2
    assert max(map(len, lines.splitlines())) <= 100
