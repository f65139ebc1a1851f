"""roles: who speaks when. The seed: "messages present, at least two, an assistant"; each target adds its own rules,
and rejects, drops or alters what breaks them."""

from collections.abc import Callable, Iterable, Iterator

from ftgate.checks.base import Context, Unmergeable
from ftgate.checks.rows import has_empty_texts
from ftgate.checks.targets import ONCE, SEVERITY, TARGETS, TRAITS, Rule, rules_of
from ftgate.checks.turns import turn_place
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Finding, Place, Severity, found

_REMEMBERED = 10_000  # orders of roles


class Roles:
    """Every example is judged by itself; what is wrong with a whole file is told once per file."""

    def __init__(self, context: Context) -> None:
        self._target = context.data.target
        self._rules = rules_of(self._target)
        self._minded = {rule.trait for rule in self._rules}
        self._told: set[tuple[str, str, Format]] = set()
        self._path = ""
        self._of_turns = [rule for rule in self._rules if rule.trait not in ONCE]
        self._good: dict[tuple[str, ...], bool] = {}
        self._last: tuple[str, Format | None] = ("", None)

    def see(self, example: Example) -> Iterator[Finding]:
        """Presence and order of the turns, then what the target makes of them."""
        self._path = self._path or example.place.path
        yield from self._speakers(example)
        for rule in self._rules:
            yield from self._apply(rule, example)

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples: where the order is known to be good and every turn has a text, all is well; and
        what is wrong with a file is seen at any of its lines."""
        self._path = self._path or batch.path
        file = (batch.path, batch.format)
        begins, self._last = file != self._last, file
        bad = {roles for roles in set(batch.roles) if not self._is_good(roles)}
        if bad or begins or has_empty_texts(batch):
            for row, (roles, texts) in enumerate(zip(batch.roles, batch.texts, strict=True)):
                if row == 0 or roles in bad or not all(texts) or any(map(str.isspace, texts)):
                    yield from self.see(batch.example(row))

    def merge(self, later: "Roles", recall: Recall) -> Iterable[Finding]:
        """Nothing but the files to speak of; what is told once must not be told by two."""
        if self._told & later._told:
            raise Unmergeable
        self._told |= later._told
        self._path = self._path or later._path
        return ()

    def finish(self) -> Iterable[Finding]:
        """A target that no row describes."""
        if self._target not in TARGETS:
            message = f"No rules for the target '{self._target}'; the examples were checked for none."
            advice = f"Set data.target to one of {', '.join(TARGETS)}."
            yield found("roles", Severity.ERROR, Place(path=self._path), message, advice)

    def _is_good(self, roles: tuple[str, ...] | None) -> bool:
        """Whether nothing is said about these roles where every turn has a text. Long ones are not remembered."""
        if roles is None or roles in self._good:
            return roles is not None and self._good[roles]
        turns = tuple(Message(role=role, content="text") for role in roles)
        probe = Example(place=Place(path=""), format=Format.CONVERSATION, messages=turns)
        is_good = not any(self._speakers(probe)) and not any(
            any(self._apply(rule, probe)) for rule in self._of_turns
        )
        if len(self._good) < _REMEMBERED:
            self._good[roles] = is_good
        return is_good

    def _speakers(self, example: Example) -> Iterator[Finding]:
        yield from _presence(example)
        if "late-system" not in self._minded:
            yield from _late_systems(example)
        if "assistant-first" not in self._minded:
            yield from _opening(example)
        yield from _empty(example)

    def _apply(self, rule: Rule, example: Example) -> Iterator[Finding]:
        trait = TRAITS[rule.trait]
        for index in trait.find(example):
            of_file = rule.trait in ONCE
            if of_file:
                key = (rule.trait, example.place.path, example.format)
                if key in self._told:
                    return
                self._told.add(key)
            what = "this file" if of_file else "this line"
            message = f"{trait.text}: {rule.target} {rule.does} {what}; {rule.because}."
            place = example.place if of_file else turn_place(example, index)
            yield found("roles", SEVERITY[rule.does], place, message, trait.advice)


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


def _late_systems(example: Example) -> Iterator[Finding]:
    for index in TRAITS["late-system"].find(example):
        text = "A system turn that is not the first: chat templates drop it or fail."
        yield found("roles", Severity.ERROR, turn_place(example, index), text, "Keep one, at the start.")


def _opening(example: Example) -> Iterator[Finding]:
    for index in TRAITS["assistant-first"].find(example):
        text = "The assistant speaks first: it answers nothing."
        yield found("roles", Severity.WARNING, turn_place(example, index), text, "Begin with a user turn.")


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
