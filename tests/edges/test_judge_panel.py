"""Probe, votes, cache, limits and identity of the judges, against real servers on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ftgate.edges.judge_panel import JudgePanel
from ftgate.edges.judge_probe import Probe
from ftgate.errors import OutsideError
from ftgate.graders import judge as judging_grader
from ftgate.values.evaluation import Completion, Prompt, Question
from ftgate.values.judging import Reply
from ftgate.values.settings import OtherJudge
from tests.edges.judge_server import JudgeServer, completion, judging, refused, structure_of
from tests.fakes import FakeProgress
from tests.graders.builders import prompt as made
from tests.judges import honest, reply


def question(text: str = "42 euros", **changes: Any) -> Question:
    from msgspec.structs import replace

    given: Prompt = made({"judge": True}, reference="42 euros")
    said = Completion(text=text, finish="stop", tokens=1)
    return replace(judging_grader.question(True, given, said, "salt"), **changes)


def asked(panel: JudgePanel, *questions: Question) -> list[Reply]:
    return [vote for votes in panel.ask(questions or (question(),), FakeProgress()) for vote in votes]


def slow(seconds: float) -> Any:
    def wait(body: dict[str, Any]) -> bool:
        time.sleep(seconds)
        return False

    return wait


def probed(server: JudgeServer) -> Probe:
    [seen] = server.panel().probes()
    return seen


@pytest.mark.parametrize("honours", ["json_schema", "tool", "json_object"])
def test_the_first_way_that_binds_is_taken(honours: str) -> None:
    with judging() as server:
        server.honours = (honours,)
        panel = server.panel()
        [reply_] = asked(panel)
        assert panel.records[0].capabilities.structure == honours
    assert (reply_.state, reply_.scores["correctness"]) == ("scored", 5)
    assert {structure_of(body) for body in server.asked} == {honours}


def test_a_server_that_ignores_every_schema_is_refused() -> None:
    with judging() as server:
        server.honours = ()
        with pytest.raises(OutsideError, match="binds no reply to a schema") as caught:
            server.panel().probes()
    assert [structure_of(body) for body in server.probes] == ["json_schema", "tool", "json_object"]
    assert "never read out of prose" in caught.value.advice


def test_a_way_that_is_refused_outright_is_not_the_end() -> None:
    with judging() as server:
        server.before = lambda body: (
            refused(400, "response_format is not supported") if "response_format" in body else False
        )
        assert probed(server).record.capabilities.structure == "tool"


@pytest.mark.parametrize(
    ("banned", "temperature", "seed"),
    [(("temperature",), False, True), (("seed",), True, False), (("temperature", "seed"), False, False)],
)
def test_parameters_that_are_refused_are_left_out(
    banned: tuple[str, ...], temperature: bool, seed: bool
) -> None:
    def strict(body: dict[str, Any]) -> Any:
        wrong = [name for name in banned if name in body]
        return refused(400, "Unsupported value", param=wrong[0]) if wrong else False

    with judging() as server:
        server.before = strict
        panel = server.panel()
        assert asked(panel)[0].state == "scored"
        can = panel.records[0].capabilities
    assert (can.temperature, can.seed) == (temperature, seed)


def test_the_record_says_who_the_server_says_it_is() -> None:
    with judging() as server:
        [record] = server.panel().records
    assert (record.model, record.served_model, record.fingerprint) == ("judge-1", "judge-1-0601", "fp_a")
    assert record.prompt_sha256 == judging_grader.PROMPT_SHA256


@pytest.mark.parametrize(("attribute", "value"), [("model", "judge-1-0901"), ("fingerprint", "fp_b")])
def test_another_model_or_fingerprint_is_another_identity(attribute: str, value: str) -> None:
    with judging() as server:
        before = server.panel().records[0].identity
        assert server.panel().records[0].identity == before
        setattr(server, attribute, value)
        assert server.panel().records[0].identity != before


def test_a_fingerprint_can_be_declared_to_be_nothing() -> None:
    with judging() as server:
        before = server.panel(identity="model").records[0].identity
        server.fingerprint = "fp_b"
        assert server.panel(identity="model").records[0].identity == before


def test_every_call_has_a_fence_of_its_own() -> None:
    with judging() as server:
        asked(server.panel(votes=3))
    fences = {body["messages"][1]["content"].splitlines()[3].split()[0] for body in server.asked}
    assert len(fences) == 3
    for body in server.asked:
        fence = body["messages"][1]["content"].splitlines()[3].split()[0]
        assert fence in body["messages"][0]["content"]


def test_votes_and_judges_are_asked_each() -> None:
    with judging() as server:
        panel = server.panel(votes=2, judges=(OtherJudge(model="judge-2"),))
        votes = asked(panel)
    assert [vote.vote for vote in votes] == [0, 1, 0, 1]
    assert len(server.asked) == 4


def test_a_reply_is_asked_for_once_and_kept_by_vote(tmp_path: Path) -> None:
    with judging() as server:
        first = asked(server.panel(tmp_path))
        again = asked(server.panel(tmp_path))
        assert len(server.asked) == 1
        assert [reply.cached for reply in (*first, *again)] == [False, True]
        assert first[0].scores == again[0].scores
        asked(server.panel(tmp_path), question(first_vote=1))
        asked(server.panel(tmp_path), question("43 euros"))
    assert len(server.asked) == 3


def test_the_cache_belongs_to_the_judge_that_the_server_has_now(tmp_path: Path) -> None:
    with judging() as server:
        asked(server.panel(tmp_path))
        server.model = "judge-1-0901"
        [fresh] = asked(server.panel(tmp_path))
    assert (fresh.cached, fresh.served, len(server.asked)) == (False, "judge-1-0901 fp_a", 2)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace('"correctness":5', '"correctness":1'),
        lambda text: text[:-5],
        lambda text: "",
        lambda text: "[]",
        lambda text: "\udcff",
    ],
)
def test_a_damaged_entry_is_asked_again_and_replaced(tmp_path: Path, damage: Any) -> None:
    with judging() as server:
        asked(server.panel(tmp_path))
        [file] = tmp_path.rglob("*.json")
        whole = file.read_text()
        file.write_bytes(damage(whole).encode("utf-8", "surrogateescape"))
        [again] = asked(server.panel(tmp_path))
    assert (again.cached, again.scores["correctness"], len(server.asked)) == (False, 5, 2)
    assert file.read_text() == whole


def test_an_entry_under_another_key_is_no_entry(tmp_path: Path) -> None:
    with judging() as server:
        asked(server.panel(tmp_path))
        [good] = tmp_path.rglob("*.json")
        server.judge = lambda user: reply(1)
        asked(server.panel(tmp_path), question("wrong"))
        [bad] = set(tmp_path.rglob("*.json")) - {good}
        bad.write_bytes(good.read_bytes())
        assert asked(server.panel(tmp_path), question("wrong"))[0].scores["correctness"] == 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (completion("I would give it a 5."), "schema_invalid"),
        (completion(reply(5).replace("5", "9")), "out_of_range"),
        (completion(None, refusal="no"), "refusal"),
        (completion("{", finish="length"), "truncated"),
        (refused(500, "oops"), "transport_error"),
    ],
)
def test_errors_are_states_and_never_kept(tmp_path: Path, answer: Any, state: str) -> None:
    with judging() as server:
        panel = server.panel(tmp_path)
        assert panel.records
        server.before = lambda body: answer
        [bad] = asked(panel)
        assert (bad.state, dict(bad.scores)) == (state, {})
        assert bad.detail
        assert list(tmp_path.rglob("*.json")) == []
        server.before = lambda body: False
        assert asked(server.panel(tmp_path))[0].state == "scored"


def test_a_reply_off_its_schema_is_asked_for_once_more() -> None:
    with judging() as server:
        panel = server.panel()
        assert panel.records
        given = iter([completion("prose, 5 of 5")])
        server.before = lambda body: next(given, False)
        assert asked(panel)[0].state == "scored"
        assert len(server.asked) == 2
        server.before = lambda body: completion("prose, 5 of 5")
        assert asked(panel, question("other"))[0].state == "schema_invalid"
    assert len(server.asked) == 4


def test_old_canaries_are_no_proof_for_new_questions(tmp_path: Path) -> None:
    canary, first, second = question("", canary=True), question("a"), question("b")
    with judging() as server:
        asked(server.panel(tmp_path), canary, first)
        assert len(server.asked) == 2
        asked(server.panel(tmp_path), canary, first)
        assert len(server.asked) == 2
        votes = asked(server.panel(tmp_path), canary, first, second)
    assert [vote.cached for vote in votes] == [False, True, False]


def test_a_change_midway_marks_the_replies_of_the_one_before() -> None:
    with judging() as server:
        panel = server.panel(limits={"concurrency": 1})
        before = panel.records[0].identity

        def swap(body: dict[str, Any]) -> bool:
            server.model = "judge-1-0601" if len(server.asked) <= 2 else "judge-2-0901"
            return False

        server.before = swap
        votes = asked(panel, question("a"), question("b"), question("c"), question("d"))
        assert [vote.state for vote in votes] == ["other_judge", "other_judge", "scored", "scored"]
        assert panel.records[0].identity != before
        votes = asked(panel, question("a"), question("b"), question("c"), question("d"))
    assert [vote.state for vote in votes] == ["scored"] * 4
    assert len(server.asked) == 6


def test_a_slow_judge_meets_the_deadline() -> None:
    with judging() as server:
        panel = server.panel(limits={"deadline_seconds": 1, "concurrency": 2})
        assert panel.records
        server.before = slow(0.4)
        started = time.monotonic()
        states = [vote.state for vote in asked(panel, *(question(str(n)) for n in range(12)))]
    assert time.monotonic() - started < 2.5
    assert states.count("scored") >= 2
    assert set(states) == {"scored", "not_asked"}


def test_concurrency_is_bounded() -> None:
    now, most = 0, 0
    with judging() as server:
        panel = server.panel(limits={"concurrency": 3})
        assert panel.records

        def busy(body: dict[str, Any]) -> bool:
            nonlocal now, most
            with server.lock:
                now += 1
                most = max(most, now)
            time.sleep(0.05)
            with server.lock:
                now -= 1
            return False

        server.before = busy
        asked(panel, *(question(str(n)) for n in range(9)))
    assert most == 3


def test_requests_a_minute_are_kept_to() -> None:
    with judging() as server:
        panel = server.panel(limits={"requests_per_minute": 600})
        assert panel.records
        started = time.monotonic()
        asked(panel, *(question(str(n)) for n in range(16)))
    # A second's worth (10) at once, then ten a second.
    assert 0.4 < time.monotonic() - started < 3


def test_the_spend_cap_stops_asking_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    # A call costs 1,000 tokens at 10 and 100 at 20 a million: 0.012.
    prices = {"input_price": 10.0, "output_price": 20.0, "max_cost": 0.06, "concurrency": 1}
    with judging() as server:
        panel = server.panel(tmp_path, limits=prices)
        votes = asked(panel, *(question(str(n)) for n in range(12)))
        states = [vote.state for vote in votes]
        assert panel.usage.cost is not None and 0.03 < panel.usage.cost <= 0.06
        assert set(states) == {"scored", "not_asked"}
        assert "spend cap" in next(vote.detail for vote in votes if vote.state == "not_asked")
        asked(server.panel(tmp_path), *(question(str(n)) for n in range(12)))
    assert len(server.asked) == 12
    assert panel.usage.input_tokens == 1000 * states.count("scored")


def test_retry_after_is_heeded() -> None:
    with judging() as server:
        panel = server.panel()
        assert panel.records
        given = iter([refused(429, "slow down", wait="300")])
        server.before = lambda body: next(given, False)
        started = time.monotonic()
        assert asked(panel)[0].state == "scored"
    assert time.monotonic() - started >= 0.3


def test_progress_is_shown() -> None:
    progress = FakeProgress()
    with judging() as server:
        server.panel().ask([question("a"), question("b")], progress)
    assert (progress.tasks, progress.done) == ([("asking the judge", 2)], [2])


SCRIPT = """
import sys
from pathlib import Path
from tests.edges.judge_server import JudgeServer
from tests.edges.test_judge_panel import question
from tests.fakes import FakeProgress
server = JudgeServer()
server.url = sys.argv[1]
panel = server.panel(Path(sys.argv[2]), limits={"concurrency": 1})
panel.ask([question(str(n)) for n in range(20)], FakeProgress())
"""


def test_ctrl_c_keeps_what_was_answered(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent.parent
    with judging() as server:
        server.before = slow(0.1)
        command = [sys.executable, "-c", SCRIPT, server.url, str(tmp_path)]
        child = subprocess.Popen(
            command,
            cwd=root,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root)},
            # A job in the background of a shell ignores the signal, and so would its child.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while len(server.asked) < 5 and child.poll() is None:
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=20)
        assert b"KeyboardInterrupt" in said
        kept = list(tmp_path.rglob("*.json"))
        assert 3 <= len(kept) < 20
        assert all(json.loads(file.read_text())["sha256"] for file in kept)
        server.before = lambda body: False
        server.asked.clear()
        asked(server.panel(tmp_path), *(question(str(n)) for n in range(20)))
    assert len(server.asked) == 20 - len(kept)


def test_a_judge_that_is_down_is_said_once_and_not_asked_again() -> None:
    with judging() as server:
        server.before = lambda body: refused(503, "out of order")
        panel = server.panel()
        for _ in range(2):
            with pytest.raises(OutsideError, match="out of order"):
                _ = panel.records
    assert len(server.probes) == 3


def test_an_honest_judge_reads_what_is_shown() -> None:
    assert json.loads(honest(question().user))["correctness"] == 5
    assert json.loads(honest(question("43 euros").user))["correctness"] == 3


def test_a_rate_too_low_for_the_deadline_does_not_outlast_it() -> None:
    with judging() as server:
        panel = server.panel(limits={"requests_per_minute": 60, "deadline_seconds": 1})
        assert panel.records
        started = time.monotonic()
        votes = asked(panel, *(question(str(n)) for n in range(20)))
    assert time.monotonic() - started < 2.5
    states = [vote.state for vote in votes]
    assert 1 <= states.count("scored") <= 3 and set(states) == {"scored", "not_asked"}
    assert "deadline" in next(vote.detail for vote in votes if vote.state == "not_asked")


def test_a_server_that_never_answers_the_probe_is_given_up() -> None:
    with judging() as server:
        server.before = slow(1)
        started = time.monotonic()
        with pytest.raises(OutsideError, match=r"did not say in 0\.6 seconds"):
            _ = server.panel(limits={"timeout_seconds": 0.2, "retries": 20}).records
    assert time.monotonic() - started < 4
