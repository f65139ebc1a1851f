"""What changed settings would say is shown and decides nothing, however hostile they are."""

from pathlib import Path

import pytest

from ftgate.report.comment import comment
from ftgate.stages import preview as room
from ftgate.stages.pipeline import gate
from ftgate.values.run import Preview, Request, Run, VerdictOutcome
from tests.builders import SETTINGS, base_files, line, lines, pairs
from tests.fakes import FakeRepository, FakeWorld

REQUEST = Request(base="main", head="head")
LEAK = lines(pairs(1, start=500)[:1])


def judged(tmp_path: Path, head: dict[str, str | bytes | None], main: dict[str, str] | None = None) -> Run:
    before = base_files() if main is None else main
    after = {path: text for path, text in {**before, **head}.items() if text is not None}
    return gate(REQUEST, FakeWorld(FakeRepository(main=before, head=after), tmp_path).ports)


def shown(run: Run) -> Preview:
    assert run.preview is not None and run.verdict is not None
    ids = [reason.id for reason in run.verdict.reasons]
    assert ("preview.findings" in ids) == bool(run.preview.findings)
    assert ("preview.problem" in ids) == bool(run.preview.problem)
    assert "### Preview" in comment(run)
    return run.preview


def moved(settings: str = SETTINGS) -> str:
    assert "data/train/*.jsonl" in settings
    return settings.replace("data/train/*.jsonl", "moved/*.jsonl")


def test_data_that_moves_with_its_glob_is_shown(tmp_path: Path) -> None:
    data = lines(pairs(3, start=100)) + LEAK + '{"messages": [\n'
    run = judged(tmp_path, {"ftgate.yaml": moved(), "moved/a.jsonl": data})
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.NOT_APPLICABLE
    said = shown(run)
    assert (said.files, said.examples) == (1, 13)
    assert {(f.check, f.path) for f in said.findings if f.severity == "error"} >= {
        ("json", "moved/a.jsonl"),
        ("contamination", "moved/a.jsonl"),
    }
    assert run.findings == () and "moved/a.jsonl" in comment(run)


def test_the_pull_request_that_brings_the_gate_sees_what_it_will_say(tmp_path: Path) -> None:
    main = {"README.md": "# Messages\n"}
    run = judged(tmp_path, {**base_files(), "data/train/bad.jsonl": LEAK}, main)
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.NOT_APPLICABLE
    assert ("contamination", "data/train/bad.jsonl") in {(f.check, f.path) for f in shown(run).findings}


def test_only_what_the_changed_rules_add_is_told_and_it_never_blocks(tmp_path: Path) -> None:
    strict = SETTINGS.replace("You sort messages.", "Sort this message.")
    run = judged(tmp_path, {"ftgate.yaml": strict, "data/train/b.jsonl": lines(pairs(3, start=100))})
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.PASS
    said = shown(run)
    assert {f.check for f in said.findings} == {"system-prompt"} and said.counts["error"] > 0
    assert not [f for f in run.findings if f.check == "system-prompt"]


def test_what_would_go_is_counted(tmp_path: Path) -> None:
    main = {**base_files(), "data/train/old.jsonl": LEAK}
    off = SETTINGS + "checks: {contamination: 'off'}\n"
    said = shown(judged(tmp_path, {"ftgate.yaml": off}, main))
    assert said.gone >= 1 and not said.findings


def test_nothing_new_is_no_reason(tmp_path: Path) -> None:
    run = judged(tmp_path, {"ftgate.yaml": SETTINGS.replace("max_broken: 2", "max_broken: 1")})
    assert shown(run) == Preview(
        files=1,
        examples=run.preview.examples if run.preview else 0,
        counts={"error": 0, "warning": 0, "notice": 0},
    )


HOSTILE: dict[str, dict[str, str | bytes | None]] = {
    "no YAML": {"ftgate.yaml": "data: [\n"},
    "not UTF-8": {"ftgate.yaml": b"\xff\xfe\0"},
    "unknown keys": {"ftgate.yaml": "rm: -rf\n"},
    "a bomb": {
        "ftgate.yaml": "a: &a [x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n"
            for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        )
    },
    "gone": {"ftgate.yaml": None},
    "nothing": {"ftgate.yaml": moved()},
    "large": {"ftgate.yaml": SETTINGS + "#" * 1_100_000},
    "stars": {"ftgate.yaml": SETTINGS.replace("data/train/*.jsonl", "*a*a*a*a*a*a*a*b")},
    "long path": {"ftgate.yaml": moved(), "a" * 300: "x"},
    "held-out with a hole": {"data/held_out.jsonl": "{\n"},
    "schema elsewhere": {
        "ftgate.yaml": SETTINGS.replace("data:\n", "data:\n  output_schema: reply.json\n"),
        "reply.json": '{"$ref": "http://127.0.0.1:9/x"}',
    },
    "schema outside": {
        "ftgate.yaml": SETTINGS.replace("data:\n", "data:\n  output_schema: ../../etc/passwd\n")
    },
    "prompts": {"regression/topics.yaml": "- {id: [}\n"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_settings_are_a_problem_and_no_more(tmp_path: Path, name: str) -> None:
    run = judged(tmp_path, {**HOSTILE[name], "data/train/b.jsonl": lines(pairs(3, start=100))})
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.PASS
    said = shown(run)
    assert said.problem or said.findings[0].message.startswith("The output schema cannot be applied")


def test_much_is_counted_and_little_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = "".join(line(f"message {n}", "late") + "{]\n" for n in range(room.LISTED + 50))
    said = shown(judged(tmp_path, {"ftgate.yaml": moved(), "moved/a.jsonl": bad}))
    assert len(said.findings) == room.LISTED and said.counts["error"] == room.LISTED + 50
    monkeypatch.setattr(room, "MOST_BYTES", 1000)
    again = tmp_path / "again"
    assert "MB" in shown(judged(again, {"ftgate.yaml": moved(), "moved/a.jsonl": bad})).problem


def test_a_base_model_that_the_pull_request_names_is_never_opened(tmp_path: Path) -> None:
    asked: list[str] = []
    main = base_files()
    other = SETTINGS.replace("base_model: fake", "base_model: /etc/model")
    world = FakeWorld(FakeRepository(main=main, head={**main, "ftgate.yaml": other}), tmp_path)
    ports = world.ports
    meter = ports.meter

    def noted(settings: object) -> object:
        asked.append(settings.base_model)  # type: ignore[attr-defined]
        return meter(settings)  # type: ignore[arg-type]

    object.__setattr__(ports, "meter", noted)
    gate(REQUEST, ports)
    assert "/etc/model" not in asked
