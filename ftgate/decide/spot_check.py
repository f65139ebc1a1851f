"""The seed's manual check: twenty completions each of base and candidate, blinded; would you ship this.

Twenty is a tripwire for gross breakage and no measurement: none bad in twenty still allows 14 % of them to be.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from ftgate.decide.rulings import Ruling, count, fail, names, note, unsure, warn
from ftgate.errors import InputError
from ftgate.values.digest import digest
from ftgate.values.evaluation import Arm, Evaluation
from ftgate.values.run import Run
from ftgate.values.settings import Policy
from ftgate.values.spot_check import VOTES_SCHEMA, Card, Key, SpotCheck, Tally, Votes

COMPLETIONS = 20
_ARMS = (Arm.BASE, Arm.CANDIDATE)


def draw(evaluation: Evaluation, salt: str, completions: int = COMPLETIONS) -> Key:
    """A sheet of cards in random order, held-out prompts before regression prompts. `salt` is random per sheet.

    Raises InputError when base and candidate have no prompt in common.
    """
    answered = [evaluation.items(arm) for arm in _ARMS]
    ids = [
        id
        for kind in ("held-out", "regression")
        for id in sorted(evaluation.ids(kind), key=lambda id: _chance(salt, id))
        if all(id in items for items in answered)
    ]
    if not ids:
        raise InputError(
            "base and candidate have answered no prompt in common",
            advice="Run `ftgate evaluate` on this run first.",
        )
    pairs = [(id, arm.value) for id in dict.fromkeys(ids[:completions]) for arm in _ARMS]
    pairs.sort(key=lambda pair: _chance(salt, *pair))
    cards = tuple(Card(number=n, prompt=id, arm=arm) for n, (id, arm) in enumerate(pairs, start=1))
    return Key(evaluation=evaluation_digest(evaluation), salt=salt, cards=cards)


def seal(key: Key) -> str:
    """The digest by which a sheet is known before its key is opened."""
    return digest(msgspec.to_builtins(key))


def evaluation_digest(evaluation: Evaluation) -> str:
    """SHA-256 of all completions and grades."""
    return digest(msgspec.to_builtins(evaluation))


def opened(key: Key, votes: Votes, evaluation: Evaluation) -> SpotCheck:
    """The votes by arm. Raises InputError when key, votes and run do not belong together."""
    if votes.schema != VOTES_SCHEMA:
        raise InputError(f"the votes say schema {votes.schema!r}, this ftgate reads {VOTES_SCHEMA!r}")
    if votes.sheet != seal(key):
        raise InputError("the votes belong to another sheet than this key opens")
    if key.evaluation != evaluation_digest(evaluation):
        raise InputError("the sheet was drawn from another evaluation than this run's")
    if strange := sorted(set(votes.votes) - {str(card.number) for card in key.cards}):
        raise InputError(f"there is no card {strange[0]} on this sheet")
    unshippable = [
        card.prompt
        for card in key.cards
        if card.arm == Arm.CANDIDATE.value and votes.votes.get(str(card.number)) == "no"
    ]
    return SpotCheck(
        sheet=votes.sheet,
        by=votes.by,
        candidate=_tally(key, votes, Arm.CANDIDATE),
        base=_tally(key, votes, Arm.BASE),
        unshippable=tuple(unshippable),
    )


def told(run: Run, policy: Policy) -> Iterator[Ruling]:
    """More than `policy.max_unshippable` fail the run; a required reading that is missing leaves it undecided."""
    required = policy.spot_check == "required"
    found = run.spot_check
    if found is None:
        if required and run.evaluation is not None:
            yield unsure("decide", "spot-check.missing", "nobody has read a sample of completions yet")
        return
    tally, accepted = found.candidate, f"the policy accepts {policy.max_unshippable}"
    base = f"of the base {found.base.no} of {found.base.shown}"
    text = f"{found.by or 'a reader'} would not ship {tally.no} of {tally.shown} completions ({base}), {accepted}"
    waiting = tally.shown - tally.ship - tally.no
    if tally.no > policy.max_unshippable:
        yield fail("decide", "spot-check.failed", f"{text}: {names(found.unshippable)}")
    elif waiting and tally.no + waiting > policy.max_unshippable:
        ruling = unsure if required else warn
        yield ruling("decide", "spot-check.unfinished", f"{text}; {count(waiting, 'card')} without a vote")
    else:
        yield note("decide", "spot-check.passed", text)


def _tally(key: Key, votes: Votes, arm: Arm) -> Tally:
    given = [votes.votes.get(str(card.number)) for card in key.cards if card.arm == arm.value]
    return Tally(shown=len(given), ship=given.count("ship"), no=given.count("no"))


def _chance(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
