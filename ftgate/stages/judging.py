"""The judge's part of evaluate: questions about all arms at once, canaries among them, and grades from the replies.

Graders ask for one completion at a time and know nothing of this. So they grade twice: the first time what they ask is
written down, then everything is asked in an order that tells nothing, and then they are given the replies.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ftgate.decide.canaries import alarm
from ftgate.errors import OutsideError
from ftgate.graders import grade
from ftgate.graders import judge as judging
from ftgate.graders.canaries import Canary, canaries
from ftgate.ports import Judge, Progress
from ftgate.values.digest import digest
from ftgate.values.evaluation import ArmEvaluation, Completion, Grade, Prompt, Question
from ftgate.values.judging import CanaryResult, Judging, Reply
from ftgate.values.settings import JudgeSettings

CONFIRMING = 3
"""Fresh votes on each side of a suspect (evaluation.md's measurement: 0.08 % false alarms instead of 7.5 %)."""
_ROUNDS = 3
"""A server may change its model in the middle of a round; twice in one run is taken for what it is: no judge."""

Key = tuple[str, str, int, bool]


class Bench:
    """All that graders need of a judge, for one run."""

    def __init__(
        self, judge: Judge | None, settings: JudgeSettings | None, salt: str, progress: Progress
    ) -> None:
        self._judge = judge
        self._settings = settings
        self._salt = salt
        self._progress = progress
        self._known: dict[Key, tuple[Reply, ...]] = {}
        self._open: dict[Key, Question] = {}
        self._invalid = ""
        self._changed = False
        self._tests: dict[Key, Canary] = {}
        self._identity = ""
        self._greeted = False
        self._needed: bool | None = None
        self.unavailable = ""

    def grade(self, prompt: Prompt, completion: Completion) -> tuple[Grade, ...]:
        """One grade per entry of the prompt's expectation; what needs a reply not given yet is ungraded until then."""
        if self._judge is None or self._settings is None:
            return grade(prompt, completion)
        return grade(prompt, completion, self._reply, salt=self._salt, pass_score=self._settings.pass_score)

    def identity(self, prompts: Sequence[Prompt]) -> str:
        """Digest of who judges, "" where no prompt asks. A judge that cannot be asked is nobody: see `unavailable`."""
        if self._judge is None or not self._asks(prompts) or self.unavailable:
            return self.unavailable
        try:
            if not self._greeted:
                self._progress.say("asking the judge's server what it can do")
                self._greeted = True
            return self._named()
        except OutsideError as error:
            self.unavailable = f"{error.message}. {error.advice}".rstrip()
            return self.unavailable

    def settle(
        self, arms: Mapping[str, ArmEvaluation], prompts: Sequence[Prompt]
    ) -> tuple[dict[str, ArmEvaluation], Judging | None]:
        """The arms with all grades, and what is to be known about the judge; None where no prompt asks one.

        An arm from the store keeps its grades, unless the judge is another one by the end: then all are asked again.
        """
        identity = self.identity(prompts)
        if self._judge is None or not identity:
            return dict(arms), None
        if not self.unavailable:
            self._ask_all(arms, prompts)
        stale = self._changed or bool(self._invalid)
        graded = {
            name: arm if _settled(arm) and not stale else self._regraded(arm, prompts)
            for name, arm in arms.items()
        }
        return graded, self._report()

    def confirm(self, prompt: Prompt, completion: Completion, votes: int = CONFIRMING) -> tuple[Grade, ...]:
        """The grades that fresh votes give: `votes` of each judge that no earlier grade has seen."""
        return self.confirm_all([(prompt, completion)], votes)[0]

    def confirm_all(
        self, suspects: Sequence[tuple[Prompt, Completion]], votes: int = CONFIRMING
    ) -> list[tuple[Grade, ...]]:
        """The same for many at once, which is faster. Without a usable judge their judge grades are ungraded."""
        if self._judge is None or self._settings is None:
            return [grade(prompt, completion) for prompt, completion in suspects]
        first = self._settings.votes
        asked: list[Question] = []

        def note(question: Question) -> Sequence[Reply]:
            asked.append(replace(question, first_vote=first, votes=votes))
            return self._known.get(_key(asked[-1]), ())

        salt, pass_score = self._salt, self._settings.pass_score
        graded = [grade(p, c, note, salt=salt, pass_score=pass_score) for p, c in suspects]
        if self.unavailable or self._invalid or not asked:
            return graded
        self._put({_key(question): question for question in asked})
        if self._identity not in ("", self._named()):
            changed = Reply(
                state="other_judge", judge="", detail="the server changed its model since the first votes"
            )
            self._known.update({_key(question): (changed,) for question in asked})
        return [grade(p, c, note, salt=salt, pass_score=pass_score) for p, c in suspects]

    def _reply(self, question: Question) -> Sequence[Reply]:
        if self._invalid:
            return (Reply(state="invalid_judge", judge="", detail=self._invalid),)
        if self.unavailable:
            return (Reply(state="transport_error", judge="", detail=self.unavailable),)
        if _key(question) not in self._known:
            self._open[_key(question)] = question
        return self._known.get(_key(question), ())

    def _asks(self, prompts: Sequence[Prompt]) -> bool:
        """Whether any prompt asks a judge, found once by grading nothing with all of them."""
        if self._needed is not None:
            return self._needed
        asked: list[Question] = []

        def note(question: Question) -> Sequence[Reply]:
            asked.append(question)
            return ()

        for prompt in prompts:
            grade(prompt, Completion(text="", finish="stop", tokens=0), note)
        self._needed = bool(asked)
        return self._needed

    def _ask_all(self, arms: Mapping[str, ArmEvaluation], prompts: Sequence[Prompt]) -> None:
        made = canaries(prompts, self._settings.canaries if self._settings else 0)
        posed = [
            replace(judging.question(True, c.prompt, c.completion, self._salt), canary=True) for c in made
        ]
        self._tests = {_key(question): canary for question, canary in zip(posed, made, strict=True)}
        for _ in range(_ROUNDS):
            before = self._named()
            self._known.clear()
            self._open.clear()
            for arm in arms.values():
                if self._changed or not _settled(arm):
                    self._regraded(arm, prompts)
            try:
                self._put({**self._open, **{_key(question): question for question in posed}})
            except OutsideError as error:
                self.unavailable = error.message
                return
            self._identity = self._named()
            self._changed = self._changed or self._identity != before
            if self._identity == before and not self._mixed():
                break
        self._invalid = alarm(self._results())

    def _put(self, questions: Mapping[Key, Question]) -> None:
        """Asks in an order that tells neither arm nor canary, and that nobody can foresee."""
        assert self._judge is not None
        order = sorted(questions, key=lambda key: digest([self._salt, *key]))
        replies = self._judge.ask([questions[key] for key in order], self._progress)
        self._known.update({key: tuple(votes) for key, votes in zip(order, replies, strict=True)})

    def _mixed(self) -> bool:
        return any(reply.state == "other_judge" for votes in self._known.values() for reply in votes)

    def _named(self) -> str:
        assert self._judge is not None
        return digest([record.identity for record in self._judge.records])

    def _results(self) -> tuple[CanaryResult, ...]:
        return tuple(
            CanaryResult(
                judge=reply.judge,
                kind=canary.kind,
                prompt=canary.prompt.id,
                low=canary.low,
                high=canary.high,
                score=reply.scores.get("correctness"),
                state=reply.state,
            )
            for key, canary in self._tests.items()
            for reply in self._known.get(key, ())
        )

    def _report(self) -> Judging:
        if self._judge is None or self.unavailable:
            return Judging(unavailable=self.unavailable)
        return Judging(
            judges=tuple(self._judge.records),
            canaries=self._results(),
            usage=self._judge.usage,
            changed=self._changed,
        )

    def _regraded(self, arm: ArmEvaluation, prompts: Sequence[Prompt]) -> ArmEvaluation:
        by_id = {prompt.id: prompt for prompt in prompts}
        items = tuple(
            replace(item, grades=self.grade(by_id[item.prompt], item.completion)) for item in arm.items
        )
        return replace(arm, items=items)


def _settled(arm: ArmEvaluation) -> bool:
    """Whether the judge has graded an arm in an earlier run, and nothing was graded again since."""
    return arm.reused and not arm.regraded


def _key(question: Question) -> Key:
    return question.item, question.completion, question.first_vote, question.canary
