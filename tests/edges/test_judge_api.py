"""The judge's API, with the openai client unchanged against a server on loopback."""

import json
import socket
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ftgate.edges.judge_api import JudgeApi
from ftgate.errors import OutsideError
from ftgate.values.evaluation import Question
from ftgate.values.settings import JudgeSettings
from tests.edges.servers import Handler, serving, unused_url

KEY = "sk-canary-4711"
QUESTION = Question(system="rules", user="text", reply_schema={"type": "object"})
SOON = {"retry-after-ms": "1"}

Answer = tuple[int, Any, dict[str, str]] | None


def completion(content: Any, finish: str = "stop", **message: Any) -> Answer:
    choice = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": content, **message},
    }
    return 200, {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}, {}


def refused(status: int, message: str, **error: str) -> Answer:
    return status, {"error": {"message": message, "type": "x", **error}}, SOON


class Asked(list[dict[str, Any]]):
    """Bodies of the requests that arrived, and where to send them."""

    url = ""
    authorization = ""

    def judge(self, **options: Any) -> JudgeApi:
        return JudgeApi(
            JudgeSettings(model="judge-1"), KEY, self.url, **{"timeout": 2, "retries": 2, **options}
        )


@contextmanager
def answering(*answers: Answer) -> Iterator[Asked]:
    """A server that gives these answers in turn, the last one for ever; None resets the connection."""
    asked = Asked()

    class Judge(Handler):
        def do_POST(self) -> None:
            asked.append(self.body())
            asked.authorization = self.headers["Authorization"]
            answer = answers[min(len(asked), len(answers)) - 1]
            self.reset() if answer is None else self.reply(*answer)

    with serving(Judge) as url:
        asked.url = f"{url}/v1"
        yield asked


def failure(judge: JudgeApi) -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        judge.ask(QUESTION)
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.advice
    assert KEY not in shown
    return caught.value


def test_an_obedient_judge_is_quoted_unread() -> None:
    with answering(completion('{"correctness": 5}')) as asked:
        assert asked.judge().ask(QUESTION) == '{"correctness": 5}'
    [body] = asked
    assert body["model"] == "judge-1"
    assert [message["content"] for message in body["messages"]] == ["rules", "text"]
    assert body["response_format"]["json_schema"]["schema"] == QUESTION.reply_schema
    assert asked.authorization == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "silent",
    [
        completion(""),
        completion("  \n"),
        completion(None),
        completion("half a rep", finish="length"),
        completion("x", finish="content_filter"),
        completion(None, refusal="I would rather not"),
        completion([{"type": "text", "text": "x"}]),
        (200, {"id": "c", "object": "chat.completion", "choices": []}, {}),
        (200, {"choices": None}, {}),
    ],
)
def test_no_reply_is_none(silent: Answer) -> None:
    with answering(silent) as asked:
        assert asked.judge().ask(QUESTION) is None


def test_prose_is_a_reply_for_the_grader_to_refuse() -> None:
    with answering(completion("I would give it a 5.")) as asked:
        assert asked.judge().ask(QUESTION) == "I would give it a 5."


def test_a_garbled_body_is_the_outsides_failure() -> None:
    with answering((200, b'{"choices": [', {})) as asked:
        assert "no completion" in failure(asked.judge()).message


def test_a_page_of_a_proxy_is_no_completion() -> None:
    with answering((200, b"<html>welcome</html>", {"Content-Type": "text/html"})) as asked:
        assert "no completion" in failure(asked.judge()).message


def test_a_wrong_key_is_said_and_not_tried_again() -> None:
    with answering(refused(401, f"Incorrect API key provided: {KEY}")) as asked:
        judge = asked.judge()
        error = failure(judge)
        assert (error.message.endswith("HTTP 401"), "OPENAI_API_KEY" in error.advice) == (True, True)
        failure(judge)
    assert len(asked) == 1


def test_an_echoed_key_is_masked() -> None:
    with answering(refused(403, f"key {KEY} has no access")) as asked:
        assert "key *** has no access" in failure(asked.judge()).message


def test_a_busy_judge_is_asked_again() -> None:
    with answering(refused(429, "slow down"), completion("ok")) as asked:
        assert asked.judge().ask(QUESTION) == "ok"
    assert len(asked) == 2


def test_a_judge_that_stays_busy_is_asked_a_bounded_number_of_times() -> None:
    with answering(refused(429, "quota exceeded")) as asked:
        judge = asked.judge()
        assert "quota" in failure(judge).advice
        failure(judge)
    assert len(asked) == 3


def test_a_reset_connection_is_tried_again() -> None:
    with answering(None, completion("ok")) as asked:
        assert asked.judge().ask(QUESTION) == "ok"


def test_a_refused_question_says_nothing_about_the_next_one() -> None:
    with answering(refused(400, "context too long"), completion("ok")) as asked:
        judge = asked.judge()
        assert "context too long" in failure(judge).message
        assert judge.ask(QUESTION) == "ok"


def test_a_model_that_takes_no_temperature_is_asked_without() -> None:
    rejected = refused(400, "Unsupported value", param="temperature")
    with answering(rejected, completion("one"), completion("two")) as asked:
        judge = asked.judge()
        assert [judge.ask(QUESTION), judge.ask(QUESTION)] == ["one", "two"]
    assert ["temperature" in body for body in asked] == [True, False, False]


def test_nobody_listening_is_said() -> None:
    nobody = JudgeApi(JudgeSettings(model="m"), KEY, f"{unused_url()}/v1", retries=0)
    assert "cannot be reached" in failure(nobody).message


def test_a_silent_server_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/v1"
        waiting = JudgeApi(JudgeSettings(model="m"), KEY, url, timeout=0.1, retries=0)
        assert "did not answer in time" in failure(waiting).message


def test_the_identity_names_another_host_and_no_password() -> None:
    settings = JudgeSettings(model="m")
    assert JudgeApi(settings, KEY).identity == "m"
    assert JudgeApi(settings, KEY, "http://user:pass@localhost:8000/v1").identity == "m at localhost:8000"


def test_the_question_that_graders_write_can_be_sent_as_it_is() -> None:
    from ftgate.graders import judge as judging

    question = Question(system="s", user="u", reply_schema=judging.REPLY_SCHEMA)
    with answering(completion("ok")) as asked:
        asked.judge().ask(question)
    schema = asked[0]["response_format"]["json_schema"]["schema"]
    assert json.dumps(schema) == json.dumps(judging.REPLY_SCHEMA)
