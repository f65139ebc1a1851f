"""All judges of a run: cache, votes, limits, and who the servers said that they were."""

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ftgate.edges.judge_api import Address, Answer, Endpoint, bound
from ftgate.edges.judge_cache import ReplyCache, reply_key
from ftgate.edges.judge_limits import Budget, Limiter, tokens_of
from ftgate.edges.judge_probe import SEED, Probe, probe
from ftgate.errors import OutsideError
from ftgate.graders import judge as judging
from ftgate.ports import Progress, Task
from ftgate.values.evaluation import Question
from ftgate.values.judging import JudgeRecord, Reply, Usage
from ftgate.values.settings import JudgeSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_ATTEMPTS = 2
"""A reply that is off its schema is asked for once more."""
_PATIENCE = 3
"""A probe may take so many timeouts: a server may have to load its model first."""


class Ballot(Struct, frozen=True, kw_only=True):
    """One vote that one judge is asked for."""

    seat: int
    question: Question
    vote: int


class JudgePanel:
    """Port Judge over AsyncOpenAI. What was answered is on disk at once: after Ctrl-C the next run goes on there."""

    def __init__(
        self, settings: JudgeSettings, addresses: Sequence[Address], cache: Path | None = None
    ) -> None:
        """One address per judge, the first one's first; replies are kept below `cache`."""
        self._settings = settings
        self._endpoints = [Endpoint(address, settings.limits) for address in addresses]
        self._cache = ReplyCache(cache)
        self._budget = Budget(settings.limits)
        self._limiter = Limiter(settings.limits)
        self._records: list[JudgeRecord] | None = None
        self._down: OutsideError | None = None
        self._latest: dict[int, JudgeRecord] = {}
        self._fresh: set[str] = set()

    @property
    def records(self) -> tuple[JudgeRecord, ...]:
        if self._records is None:
            self._records = [seen.record for seen in self.probes()]
        return tuple(self._records)

    @property
    def usage(self) -> Usage:
        return self._budget.usage

    def probes(self) -> list[Probe]:
        """What each server can do. Raises OutsideError when one of them cannot judge; then for ever."""
        if self._down is not None:
            raise self._down
        try:
            seen = asyncio.run(self._probe())
        except OutsideError as error:
            self._down = error
            raise
        return [replace(each, record=self._named(each.record)) for each in seen]

    async def _probe(self) -> list[Probe]:
        seen = []
        limits = self._settings.limits
        patience = min(limits.deadline_seconds, _PATIENCE * limits.timeout_seconds)
        for endpoint in self._endpoints:
            try:
                async with asyncio.timeout(patience), endpoint.connect() as client:
                    seen.append(await probe(endpoint, client))
            except TimeoutError:
                raise OutsideError(
                    f"the judge at {endpoint.address.host} did not say in {patience:g} seconds what it can do",
                    advice="Look at the server, or raise judge.limits.timeout_seconds.",
                ) from None
        return seen

    def ask(self, questions: Sequence[Question], progress: Progress) -> list[tuple[Reply, ...]]:
        groups = [self._ballots(question) for question in questions]
        ballots: dict[str, Ballot] = {}
        for ballot in (ballot for group in groups for ballot in group):
            # The same completion may be asked about as a canary and in earnest; then it is in earnest.
            if not ballot.question.canary:
                ballots[self._key(ballot)] = ballot
            ballots.setdefault(self._key(ballot), ballot)
        found = {key: reply for key in ballots if (reply := self._cache.find(key)) is not None}
        if any(key not in found and not ballot.question.canary for key, ballot in ballots.items()):
            # Old canaries say nothing about a judge that is asked today.
            found = {k: r for k, r in found.items() if not ballots[k].question.canary or k in self._fresh}
        missing = {key: ballot for key, ballot in ballots.items() if key not in found}
        keys = [[self._key(ballot) for ballot in group] for group in groups]
        self._budget.spared(len(found))
        found |= self._asked(missing, progress)
        return [
            tuple(self._of_now(ballot.seat, found[key]) for ballot, key in zip(group, names, strict=True))
            for group, names in zip(groups, keys, strict=True)
        ]

    def _ballots(self, question: Question) -> list[Ballot]:
        votes = question.votes or (1 if question.canary else self._settings.votes)
        return [
            Ballot(seat=seat, question=question, vote=vote)
            for seat in range(len(self._endpoints))
            for vote in range(question.first_vote, question.first_vote + votes)
        ]

    def _asked(self, missing: Mapping[str, Ballot], progress: Progress) -> dict[str, Reply]:
        if not missing:
            return {}
        now = list(self.records)
        with progress.task("asking the judge", len(missing)) as task:
            replies = asyncio.run(self._round(missing.values(), task))
        self._records = [self._latest.get(seat, record) for seat, record in enumerate(now)]
        return dict(zip(missing, replies, strict=True))

    async def _round(self, ballots: Iterable[Ballot], task: Task) -> list[Reply]:
        self._limiter.begin()
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(endpoint.connect()) for endpoint in self._endpoints]
            return await asyncio.gather(
                *(self._vote(ballot, clients[ballot.seat], task) for ballot in ballots)
            )

    async def _vote(self, ballot: Ballot, client: "AsyncOpenAI", task: Task) -> Reply:
        tokens, limits = tokens_of(ballot.question), self._settings.limits
        reply = Reply(state="not_asked", judge=self.records[ballot.seat].label, vote=ballot.vote)
        try:
            # Waiting for a turn counts: a rate that is too low for the deadline shall not outlast it.
            async with asyncio.timeout(self._budget.seconds_left), self._limiter.turn(tokens):
                for attempt in range(_ATTEMPTS):
                    if why := self._budget.refusal(tokens):
                        reply = reply if attempt else replace(reply, detail=why)
                        break
                    async with self._budget.reserved(tokens):
                        reply = await self._call(ballot, client, attempt)
                    if reply.state not in ("schema_invalid", "out_of_range"):
                        break
        except TimeoutError:
            why = f"the deadline of {limits.deadline_seconds:g} seconds passed"
            reply = replace(reply, detail=reply.detail or why)
        task.advance()
        return reply

    async def _call(self, ballot: Ballot, client: "AsyncOpenAI", attempt: int) -> Reply:
        endpoint, record = self._endpoints[ballot.seat], self.records[ballot.seat]
        question = judging.fenced(ballot.question, secrets.token_hex(12))
        options = bound(record.capabilities, question.reply_schema, SEED + _ATTEMPTS * ballot.vote + attempt)
        messages = [
            {"role": "system", "content": question.system},
            {"role": "user", "content": question.user},
        ]
        answer = await endpoint.send(client, messages, options)
        if answer.model or answer.input_tokens or answer.state != "transport_error":
            self._budget.charge(answer.input_tokens or tokens_of(question), answer.output_tokens)
        return self._read(ballot, answer)

    def _read(self, ballot: Ballot, answer: Answer) -> Reply:
        record = self.records[ballot.seat]
        reply = Reply(state=answer.state, judge=record.label, vote=ballot.vote, detail=answer.detail)
        if answer.state != "scored":
            return reply
        state, given, wrong = judging.parse(answer.text)
        if state != "scored":
            return replace(reply, state=state, detail=wrong)
        served = replace(record, served_model=answer.model, fingerprint=answer.fingerprint)
        served = self._named(served)
        self._latest[ballot.seat] = served
        scored = replace(
            reply,
            served=served.served,
            scores={name: int(given[name]) for name in judging.CRITERIA},
            rationale=given["rationale"],
        )
        key = reply_key(served, ballot.question, ballot.vote)
        self._cache.keep(key, scored)
        self._fresh.add(key)
        return scored

    def _of_now(self, seat: int, reply: Reply) -> Reply:
        """A reply of the judge that the server has by now; one of another judge has no scores."""
        now = self.records[seat].served
        if reply.state != "scored" or reply.served == now:
            return reply
        detail = f"the server had the model {reply.served!r} then and has {now!r} now"
        return Reply(
            state="other_judge", judge=reply.judge, served=reply.served, vote=reply.vote, detail=detail
        )

    def _key(self, ballot: Ballot) -> str:
        return reply_key(self.records[ballot.seat], ballot.question, ballot.vote)

    def _named(self, record: JudgeRecord) -> JudgeRecord:
        return replace(record, fingerprint="") if self._settings.identity == "model" else record
