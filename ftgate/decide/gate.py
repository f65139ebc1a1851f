"""The verdict of a run. This page is the policy; the tests go through it by number.

1. A pull request that changes no training data is not-applicable.
2. Any finding of severity error fails the run, one reason for each check. Under `policy.existing: warn`, what is on
   the base branch already is no error.
   A preflight that fails fails the run, and one that cannot check a ceiling is inconclusive (see preflight_rulings).
3. A training of the candidate that failed, or whose loss is not finite, fails the run. No candidate, no
   examples or no validation at all is inconclusive, and so is an adapter that other data left as it was.
4. Evidence must be whole: an arm, an item or a sentinel that is missing, an adapter that does not act on the
   base or is not the one that was trained, a set that is empty or that neither arm passes any of:
   inconclusive, whatever the rest says.
   So it is with an adapter whose completions are the base's although its loss moved (decide/outputs.py), and
   with a judge that was not there, failed its canaries or left completions ungraded (decide/canaries.py).
5. More broken regression prompts than the policy accepts fail the run. Ungraded ones are inconclusive when
   they could change that, else a warning.
6. The held-out set passes when the candidate is not worse than the reference by more than the margin (lower
   bound of the difference), fails when it is worse and not within it (upper bound below zero), else is
   inconclusive. Ungraded examples count against passing and against failing alike. Where a judge grades it, the
   same holds for its scores, and for the mean correctness that the policy asks for (decide/judged.py).
7. What warns by default: training examples that the base answers already, general abilities that were lost (an
   error where the policy says so). More completions than the policy accepts that a blinded reader would not
   ship fail the run; so does the lack of such a reading leave it undecided where the policy requires one.
8. A slice (label, tag, output field) that collapses fails the run, and is inconclusive when it may have; see slices.
9. Evidence from another machine that cannot be believed, and a job of the workflow that did not do what the plan asked
   for, are reasons of their own, which nobody can waive.
10. A reason that a maintainer waived, for exactly this data, stays listed and does not decide. When nothing else would
   block, the outcome is waived. Data is trained in spite of waived findings, or the evidence is missing.

Fail wins over inconclusive, inconclusive over waived, waived over pass. Data that is known to be wrong is not
trained, and is not blamed for lacking an evaluation. Everything is read from the evidence itself: the stored
comparison renders the same items and decides nothing.
"""

import math
from collections import Counter
from itertools import chain

from ftgate.decide import forgetting, headroom, past, score_rulings, spot_check
from ftgate.decide.canaries import believed
from ftgate.decide.drift import remembered
from ftgate.decide.evidence import weigh
from ftgate.decide.jobs import job_rulings, waits
from ftgate.decide.preflight_rulings import halts, preflighted
from ftgate.decide.rulings import Rulings, count, fail, names, note, unconcerned, unsure, warn, worst_first
from ftgate.decide.slices import rulings as slice_rulings
from ftgate.decide.waivers import unwaived_errors, waived
from ftgate.values.finding import Finding, Severity
from ftgate.values.run import Run, Verdict, VerdictOutcome
from ftgate.values.training import Training


def decide(run: Run) -> Verdict:
    """Verdict of a run under its plan's policy. Pure: a stored run gives the stored verdict again."""
    if not run.plan.applicable:
        why = unconcerned("plan", "plan.not-applicable", run.plan.why)
        rulings = [why, *_protected(run), *_previewed(run)]
    else:
        rulings = worst_first(
            waived(
                run,
                chain(
                    _believed(run),
                    _validated(run),
                    preflighted(run),
                    _trained(run),
                    _evaluated(run),
                    spot_check.told(run, run.plan.policy),
                    remembered(run),
                    _reused(run),
                    _protected(run),
                    _previewed(run),
                ),
            )
        )
    deciding = next((r for r in rulings if r.reason.decides is not VerdictOutcome.PASS), None)
    return Verdict(
        outcome=deciding.reason.decides if deciding else VerdictOutcome.PASS,
        decided_by=deciding.stage if deciding else "decide",
        reasons=tuple(ruling.reason for ruling in rulings),
    )


def _believed(run: Run) -> Rulings:
    for doubt in run.doubts:
        yield unsure("decide", f"run.{doubt.id}", doubt.text)
    yield from job_rulings(run)


def _validated(run: Run) -> Rulings:
    by_check: dict[str, list[Finding]] = {}
    for finding in _errors(run):
        by_check.setdefault(finding.check, []).append(finding)
    for check, findings in by_check.items():
        text = (
            f"{check}: {count(len(findings), 'error')}, first at {_where(findings[0])}: {findings[0].message}"
        )
        yield fail("validate", f"findings.{check}", text)
    if not by_check and "validate" not in run.stages:
        yield unsure("validate", "validation.missing", "the training data was not validated; run validate")
    warnings = [f for f in run.findings if f.severity is Severity.WARNING]
    new = Counter(f.check for f in warnings if not f.existing)
    if new:
        yield warn("validate", "findings.warnings", f"{count(new.total(), 'warning')}: {_by_check(new)}")
    old = Counter(f.check for f in warnings if f.existing)
    if old:
        text = f"{count(old.total(), 'warning')} about what is on the base branch already: {_by_check(old)}"
        yield warn("validate", "findings.existing", text)


def _by_check(found: Counter[str]) -> str:
    return ", ".join(f"{check} {number}" for check, number in found.most_common())


def _trained(run: Run) -> Rulings:
    if run.candidate is None:
        if not unwaived_errors(run) and not run.doubts and not waits(run) and not halts(run):
            yield unsure(
                "train", "training.missing", "the data changed and no candidate was trained; run train"
            )
        return
    yield from _lost(run, run.candidate)
    if problem := _problem(run.candidate):
        yield fail("train", "training.failed", f"the candidate could not be trained: {problem}")
    elif run.candidate.examples <= 0 or not run.candidate.adapter_sha256:
        yield unsure("train", "training.empty", "the candidate was trained on no example or has no adapter")
    if run.baseline is None:
        text = "there is no baseline (the base branch has no training data); compared with the base model"
        yield warn("train", "baseline.missing", text)
    elif problem := _problem(run.baseline):
        yield unsure("train", "baseline.failed", f"the baseline cannot be compared with: {problem}")


def _lost(run: Run, candidate: Training) -> Rulings:
    """Examples that the trainer left out, where they are more than the preflight saw and the settings accept."""
    if run.preflight is None or candidate.dropped <= run.preflight.facts.dropped:
        return
    total, accepted = candidate.examples + candidate.dropped, run.preflight.limits.max_dropped
    text = (
        f"the trainer dropped {candidate.dropped} of {count(total, 'example')}, the preflight saw "
        f"{run.preflight.facts.dropped} and the settings accept {accepted:.1%}"
    )
    over = candidate.dropped > accepted * total
    yield (fail if over else warn)("train", "preflight.lost", text)


def _evaluated(run: Run) -> Rulings:
    if run.evaluation is not None:
        yield from believed(run.evaluation)
        yield from weigh(run, run.evaluation)
        yield from score_rulings.told(run.evaluation, run.plan.policy)
        yield from past.told(run)
        yield from headroom.told(headroom.headroom(run.evaluation))
        yield from forgetting.told(run.evaluation, forgetting.forgetting(run.evaluation), run.plan.policy)
        yield from slice_rulings(run.evaluation, run.plan.policy)
    elif not unwaived_errors(run) and run.candidate is not None and not _problem(run.candidate):
        yield unsure("evaluate", "evaluation.missing", "the candidate was not evaluated; run evaluate")


def _reused(run: Run) -> Rulings:
    trainings = {"baseline": run.baseline, "candidate": run.candidate}
    reused = [f"training of the {arm}" for arm, training in trainings.items() if training and training.reused]
    if run.evaluation is not None:
        reused += [
            f"completions of the {name}{' (graded again)' if arm.regraded else ''}"
            for name, arm in run.evaluation.arms.items()
            if arm.reused
        ]
    if reused:
        yield note("evaluate", "reused", f"known from an earlier run and not done again: {', '.join(reused)}")


def _protected(run: Run) -> Rulings:
    if run.plan.protected:
        paths = names([f"{file.path} ({file.role}, {file.change})" for file in run.plan.protected])
        yield note("plan", "protected.changed", f"changed here, takes effect after merge: {paths}")


def _previewed(run: Run) -> Rulings:
    """A preview is of settings that nobody has merged: it is told, whatever it says."""
    if run.preview is None:
        return
    if run.preview.problem:
        text = f"what is changed here could not be previewed: {run.preview.problem}"
        yield note("validate", "preview.problem", text)
    elif found := [f"{level} {number}" for level, number in run.preview.counts.items() if number]:
        text = f"once merged, what is changed here would find more in this data: {', '.join(found)}"
        yield note("validate", "preview.findings", text)


def _errors(run: Run) -> list[Finding]:
    return [finding for finding in run.findings if finding.severity is Severity.ERROR]


def _where(finding: Finding) -> str:
    return f"{finding.path}:{finding.line}" if finding.line else finding.path


def _problem(training: Training) -> str | None:
    if training.failure is not None:
        return training.failure or "no reason was recorded"
    losses = [loss for point in training.curve for loss in (point.train, point.held_out) if loss is not None]
    return None if all(map(math.isfinite, losses)) else "its loss is not finite"
