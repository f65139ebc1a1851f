"""roles: who speaks when. The seed: "messages present, at least two, an assistant"; each target adds its own."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from msgspec import Struct

from ftgate.checks.base import Context
from ftgate.checks.turns import turn_place
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Finding, Place, Severity, found

_REMEMBERED = 10_000  # orders of roles
_SPEAKERS = ("user", "assistant", "tool")


class Profile(Struct, frozen=True):
    """What a target does with turns out of order. `pairs` are roles (earlier, later) that may not follow each other;
    `opens_with_user` refuses a conversation that the assistant opens."""

    verb: str
    pairs: frozenset[tuple[str, str]] = frozenset()
    opens_with_user: bool = False


_SAME = frozenset((role, role) for role in ("user", "assistant"))
_SIDES = _SAME | {("user", "tool"), ("tool", "user"), ("tool", "tool")}

PROFILES: dict[str, Profile] = {
    # Chat templates of lenient models take any order; the template of the base model has the last word.
    "trl": Profile("trains on"),
    "axolotl": Profile("trains on"),
    "openai": Profile("accepts"),
    # together/lib/utils/files.py: "user and assistant roles must alternate".
    "together": Profile("rejects", _SAME, opens_with_user=True),
    # mistral-common, _validate_message_order: a tool turn answers an assistant or another tool.
    "mistral": Profile("rejects", frozenset({("user", "tool")})),
    # llamafactory/data/converter.py: turns alternate between user or tool, and assistant; else the line is dropped.
    "llama-factory": Profile("drops", _SIDES, opens_with_user=True),
}


class Roles:
    """One pass, no memory: every example is judged by itself."""

    def __init__(self, context: Context) -> None:
        self._target = context.data.target
        self._profile = PROFILES.get(self._target)
        self._path = ""
        self._good: dict[tuple[str, ...], bool] = {}

    def see(self, example: Example) -> Iterator[Finding]:
        """Presence and order of the turns."""
        self._path = self._path or example.place.path
        yield from _presence(example)
        yield from _systems(example)
        yield from _empty(example)
        yield from self._order(example, self._profile or PROFILES["trl"])

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples: where the order is known to be good and every turn has a text, all is well."""
        self._path = self._path or batch.path
        good = self._good
        for row, (roles, texts) in enumerate(zip(batch.roles, batch.texts, strict=True)):
            if (
                roles is None
                or not all(texts)
                or any(map(str.isspace, texts))
                or not (good.get(roles) or self._is_good(roles))
            ):
                yield from self.see(batch.example(row))

    def merge(self, later: "Roles", recall: Recall) -> Iterable[Finding]:
        """Nothing but the file to speak of."""
        self._path = self._path or later._path
        return ()

    def finish(self) -> Iterable[Finding]:
        """A target that no profile describes."""
        if self._profile is None:
            message = f"No profile for the target '{self._target}'; the examples were checked as for trl."
            advice = f"Set data.target to one of {', '.join(PROFILES)}."
            yield found("roles", Severity.ERROR, Place(path=self._path), message, advice)

    def _is_good(self, roles: tuple[str, ...]) -> bool:
        """Whether nothing is said about these roles where every turn has a text. Long ones are not remembered."""
        place = Place(path="")
        turns = tuple(Message(role=role, content="text") for role in roles)
        is_good = not any(self.see(Example(place=place, format=Format.CONVERSATION, messages=turns)))
        if len(self._good) < _REMEMBERED:
            self._good[roles] = is_good
        return is_good

    def _order(self, example: Example, profile: Profile) -> Iterator[Finding]:
        turns = [(i, m.role) for i, m in enumerate(example.messages) if m.role in _SPEAKERS]
        if turns and turns[0][1] == "assistant":
            severity = Severity.ERROR if profile.opens_with_user else Severity.WARNING
            verb = f"{self._target} {profile.verb} this" if profile.opens_with_user else "it answers nothing"
            message = f"The assistant speaks first: {verb}."
            yield found(
                "roles", severity, turn_place(example, turns[0][0]), message, "Begin with a user turn."
            )
        for (_, earlier), (index, later) in pairwise(turns):
            if (earlier, later) in profile.pairs:
                what = (
                    f"Two {later} turns in a row"
                    if earlier == later
                    else f"A {later} turn after a {earlier} turn"
                )
                message = f"{what}: {self._target} {profile.verb} this line."
                yield found(
                    "roles", Severity.ERROR, turn_place(example, index), message, "Join or remove turns."
                )


def _presence(example: Example) -> Iterator[Finding]:
    assistants = [m for m in example.messages if m.role == "assistant"]
    if not assistants:
        message, advice = (
            "There is no assistant turn: nothing to learn.",
            "Add the reply, or remove the line.",
        )
        yield found("roles", Severity.ERROR, example.place, message, advice)
    elif example.messages[-1].role != "assistant":
        place = turn_place(example, len(example.messages) - 1)
        message = f"The last turn is {example.messages[-1].role}'s: nothing answers it."
        yield found("roles", Severity.ERROR, place, message, "End with an assistant turn.")
    if assistants and all(m.weight == 0 for m in assistants):
        message = "Every assistant turn has weight 0: nothing of this line is trained."
        yield found("roles", Severity.ERROR, example.place, message, "Give the reply weight 1.")


def _systems(example: Example) -> Iterator[Finding]:
    for index, message in enumerate(example.messages):
        if message.role == "system" and index:
            text = "A system turn that is not the first: chat templates drop it or fail."
            yield found("roles", Severity.ERROR, turn_place(example, index), text, "Keep one, at the start.")


def _empty(example: Example) -> Iterator[Finding]:
    judged: tuple[tuple[str, Severity, Callable[[Message], bool]], ...] = (
        ("assistant", Severity.ERROR, lambda m: not m.tool_calls),
        ("user", Severity.WARNING, lambda m: True),
    )
    for index, message in enumerate(example.messages):
        for role, severity, counts in judged:
            if message.role == role and not (message.content or "").strip() and counts(message):
                text = f"The {role} turn is empty."
                yield found(
                    "roles", severity, turn_place(example, index), text, "Write it, or remove the line."
                )
