"""bot: answers a command in a comment. It runs nothing itself: it has GitHub run the failed jobs of the gate again.

Whether a head is trained and what is waived, those jobs ask again; the bot's word counts for nothing there.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import Struct

from ftgate import wire
from ftgate.decide.trust import NEEDED, parse, refusal
from ftgate.errors import InputError, OutsideError
from ftgate.ports import GitHubFacts, Progress
from ftgate.report.explain import explain
from ftgate.report.help import HELP, gone, status_line
from ftgate.stages.admit import permissions
from ftgate.values.trust import Command, Comment, PullFacts, Verb, WorkflowJob, WorkflowRun

TRIES = 20
PAUSE = 15.0
"""Seconds between two looks at a run that is about to end."""

_SHOWN = 12
_EVENT = "pull_request_target"
_WAITING = ("queued", "waiting", "pending", "requested", "")


class Reply(NamedTuple):
    """A reaction to the comment and a line for the sticky comment."""

    sign: str
    text: str


class Desk(Struct, frozen=True, kw_only=True):
    """What the bot works with. `workflow` is the path of the gate's workflow file; `pause` waits some seconds."""

    github: GitHubFacts
    progress: Progress
    workflow: str
    pause: Callable[[float], None]


class _Case(NamedTuple):
    desk: Desk
    command: Command
    comment: Comment
    pull: PullFacts

    def newest(self) -> WorkflowRun | None:
        """The newest run of the gate for the head as it is now."""
        runs = [run for run in self.desk.github.workflow_runs(self.pull.head) if self._is_gate(run)]
        return max(runs, key=lambda run: (run.number, run.id), default=None)

    def _is_gate(self, run: WorkflowRun) -> bool:
        """One head may be in two pull requests; each has runs of its own."""
        path, number = run.path.partition("@")[0], self.pull.number
        mine = not run.pulls or number in run.pulls
        return mine and run.event == _EVENT and run.head == self.pull.head and path == self.desk.workflow


def obey(number: int, desk: Desk) -> Reply | None:
    """Answers the comment of this number, as it reads now; None when it is no command of a person."""
    comment = desk.github.comment(number)
    command = parse(comment.body) if comment is not None else None
    if comment is None or command is None or not comment.author.is_human:
        return None
    _react(desk, comment, "eyes")
    pull = desk.github.pull()
    permission = permissions(desk.github, desk.progress)(comment.author)
    refused = refusal(command, comment, permission, pull)
    if refused:
        may = permission is not None and permission.covers(NEEDED[command.verb])
        reply = Reply(
            "confused" if may else "-1", f"{refused}." + (f" {HELP}" if command.problem and may else "")
        )
    else:
        reply = _done(_Case(desk, command, comment, pull))
    _react(desk, comment, reply.sign)
    _show(desk, f"{comment.author.login}, {command.verb.value}: {reply.text}")
    return reply


def _show(desk: Desk, text: str) -> None:
    """What was done is done, also when nobody can be told."""
    try:
        if not desk.github.answer(text):
            desk.progress.say("there is no comment of the gate yet that could show the answer")
    except OutsideError as error:
        desk.progress.say(error.message)


def _done(case: "_Case") -> Reply:
    """Does what was asked. What GitHub refuses (a run of last month, say) is an answer, too."""
    try:
        return _VERBS[case.command.verb](case)
    except OutsideError as error:
        return Reply("confused", error.message)


def _react(desk: Desk, comment: Comment, sign: str) -> None:
    """A reaction is a courtesy: an outage must not lose the command over it."""
    try:
        desk.github.react(comment.id, sign)
    except OutsideError as error:
        desk.progress.say(error.message)


def _again(case: _Case) -> Reply:
    run = case.newest()
    for _ in range(TRIES):
        if run is None:
            return Reply(
                "confused", f"the gate has not run for {case.pull.head[:_SHOWN]}. Push, or reopen this."
            )
        if not _must_wait(case, run):
            break
        case.desk.pause(PAUSE)
        run = case.newest()
    else:
        return Reply("confused", "the run is still ending; comment again when it is done.")
    if not run.is_done:
        return Reply("+1", f"{status_line(run)} It goes on by itself, so nothing is run twice.")
    if run.started and case.comment.created <= run.started:
        return Reply("+1", f"{status_line(run)} It began after your comment, so nothing is run twice.")
    if run.conclusion == "success":
        return Reply("+1", f"{status_line(run)} There is nothing to run again.")
    # A finding that is accepted now lets train what was skipped, and a skipped job is no failed one.
    whole = case.command.verb is Verb.WAIVE and case.command.target.startswith("findings.")
    case.desk.github.run_again(run, failed_only=not whole)
    return Reply("+1", f"{'everything' if whole else 'the failed jobs'} of run {run.number} run again.")


def _must_wait(case: _Case, run: WorkflowRun) -> bool:
    """Whether the run may have read the comments before this one came, and so has to end before it runs again."""
    if run.is_done or case.command.verb is Verb.RETRY:
        return False
    waits_for = "ftgate" if case.command.verb is Verb.WAIVE else "admit"
    if case.command.target.startswith("findings."):
        waits_for = "admit"
    job = _job(case.desk.github.jobs(run), waits_for)
    if job is None or job.status in _WAITING:
        return False
    return job.conclusion not in ("success", "skipped") or case.command.verb is Verb.WAIVE


def _job(jobs: Sequence[WorkflowJob], name: str) -> WorkflowJob | None:
    return next((job for job in jobs if job.short_name == name), None)


def _cancel(case: _Case) -> Reply:
    run = case.newest()
    if run is None or run.is_done:
        return Reply("confused", "nothing is running for this head.")
    case.desk.github.cancel(run)
    return Reply("+1", f"run {run.number} is cancelled.")


def _status(case: _Case) -> Reply:
    run = case.newest()
    if run is None:
        return Reply("+1", f"the gate has not run for {case.pull.head[:_SHOWN]} yet.")
    return Reply("+1", status_line(run))


def _explain(case: _Case) -> Reply:
    run = case.newest()
    try:
        content = case.desk.github.run_file(run) if run else None
        stored = wire.foreign_run_of(content, "run.json") if content is not None else None
    except (InputError, OutsideError) as error:
        case.desk.progress.say(error.message)
        stored = None
    if stored is None or stored.plan.head != case.pull.head:
        return Reply("confused", gone(case.pull.head, run.url if run else ""))
    text = explain(stored, case.command.target)
    if text is None:
        return Reply("confused", f"the run of {case.pull.head[:_SHOWN]} asked no such prompt.")
    return Reply("+1", f"answered in {case.desk.github.post(text)}")


_VERBS: dict[Verb, Callable[[_Case], Reply]] = {
    Verb.RUN: _again,
    Verb.RETRY: _again,
    Verb.WAIVE: _again,
    Verb.CANCEL: _cancel,
    Verb.STATUS: _status,
    Verb.EXPLAIN: _explain,
    Verb.HELP: lambda case: Reply("+1", HELP),
    Verb.UNKNOWN: lambda case: Reply("confused", HELP),
}
