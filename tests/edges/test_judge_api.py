"""One judge's API, with the openai client unchanged against a server on loopback."""

import asyncio
import json
import socket
from typing import Any

import pytest

from ftgate.edges.judge_api import Address, Answer, Endpoint, bound
from ftgate.values.judging import Capabilities
from ftgate.values.settings import JudgeLimits
from tests.edges.judge_server import KEY, completion, judging, refused
from tests.edges.servers import unused_url

MESSAGES = [{"role": "system", "content": "rules"}, {"role": "user", "content": "text"}]
ALL = Capabilities(structure="json_schema", temperature=True, seed=True)


def endpoint(url: str, **limits: Any) -> Endpoint:
    patient = JudgeLimits(**{"timeout_seconds": 2, "retries": 2, **limits})
    return Endpoint(Address(model="judge-1", api_key=KEY, base_url=url), patient)


def sent(to: Endpoint, capabilities: Capabilities = ALL) -> Answer:
    async def send() -> Answer:
        async with to.connect() as client:
            return await to.send(client, MESSAGES, bound(capabilities, {"type": "object"}, 7))

    answer = asyncio.run(send())
    assert KEY not in answer.detail + to.down + to.advice
    return answer


def answered(*answers: Any) -> tuple[list[Answer], list[dict[str, Any]], Endpoint]:
    """What becomes of these answers, given in turn, the last one for ever; and the requests that it took."""
    with judging() as server:
        given = iter(answers)
        last = answers[-1]
        server.before = lambda body: next(given, last)
        asked = endpoint(server.url)
        return [sent(asked)], server.asked, asked


def test_a_reply_comes_unread_with_model_and_usage() -> None:
    [answer], [body], _ = answered(completion('{"correctness": 5}'))
    assert (answer.state, answer.text, answer.model) == ("scored", '{"correctness": 5}', "judge-1-0601")
    assert (answer.input_tokens, answer.output_tokens) == (1000, 100)
    assert (body["model"], body["temperature"], body["seed"]) == ("judge-1", 0, 7)
    assert [message["content"] for message in body["messages"]] == ["rules", "text"]
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}


@pytest.mark.parametrize(
    ("silent", "state"),
    [
        (completion(""), "schema_invalid"),
        (completion("  \n"), "schema_invalid"),
        (completion(None), "schema_invalid"),
        (completion("half a rep", finish="length"), "truncated"),
        (completion("x", finish="content_filter"), "refusal"),
        (completion(None, refusal="I would rather not"), "refusal"),
        (completion([{"type": "text", "text": "x"}]), "schema_invalid"),
        ((200, {"id": "c", "object": "chat.completion", "choices": []}, {}), "transport_error"),
        ((200, {"choices": None}, {}), "transport_error"),
        ((200, {"choices": [None]}, {}), "schema_invalid"),
    ],
)
def test_no_reply_is_a_state(silent: Any, state: str) -> None:
    [answer], _, asked = answered(silent)
    assert (answer.state, answer.text, asked.down) == (state, "", "")
    assert answer.detail


@pytest.mark.parametrize("body", [b'{"choices": [', b"", b"null"])
def test_a_garbled_body_is_asked_for_again_a_bounded_number_of_times(body: bytes) -> None:
    [answer], asked, _ = answered((200, body, {}))
    assert (answer.state, len(asked)) == ("transport_error", 3)
    assert "no completion" in answer.detail
    [answer], asked, _ = answered((200, body, {}), completion("ok"))
    assert (answer.text, len(asked)) == ("ok", 2)


def test_a_page_of_a_proxy_is_no_completion() -> None:
    [answer], _, _ = answered((200, b"<html>welcome</html>", {"Content-Type": "text/html"}))
    assert "no completion" in answer.detail


def test_a_wrong_key_is_said_and_nothing_more_is_sent() -> None:
    with judging() as server:
        server.before = lambda body: refused(401, f"Incorrect API key provided: {KEY}")
        asked = endpoint(server.url)
        assert sent(asked).detail.endswith("HTTP 401")
        assert "OPENAI_API_KEY" in asked.advice
        sent(asked)
    assert len(server.asked) == 1


def test_an_echoed_key_is_masked() -> None:
    [answer], _, _ = answered(refused(403, f"key {KEY} has no access"))
    assert "key *** has no access" in answer.detail


def test_a_busy_judge_is_asked_again_when_it_says_so() -> None:
    [answer], asked, _ = answered(refused(429, "slow down", wait="30"), completion("ok"))
    assert (answer.text, len(asked)) == ("ok", 2)


def test_a_judge_that_stays_busy_is_asked_a_bounded_number_of_times() -> None:
    with judging() as server:
        server.before = lambda body: refused(429, "quota exceeded")
        asked = endpoint(server.url)
        assert {sent(asked).state for _ in range(5)} == {"transport_error"}
        assert "quota exceeded" in asked.down
    assert len(server.asked) == 9


def test_a_reset_connection_is_tried_again() -> None:
    [answer], _, _ = answered(None, completion("ok"))
    assert answer.text == "ok"


def test_a_refused_question_says_nothing_about_the_next_one() -> None:
    with judging() as server:
        given = iter([refused(400, "context too long")] * 5)
        server.before = lambda body: next(given, completion("ok"))
        asked = endpoint(server.url)
        answers = [sent(asked) for _ in range(6)]
    assert (answers[0].status, "context too long" in answers[0].detail) == (400, True)
    assert (answers[5].text, asked.down) == ("ok", "")


def test_nobody_listening_is_said() -> None:
    assert "cannot be reached" in sent(endpoint(f"{unused_url()}/v1", retries=0)).detail


def test_a_silent_server_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/v1"
        answer = sent(endpoint(url, timeout_seconds=0.1, retries=0))
    assert "did not answer in time" in answer.detail


def test_a_forced_tool_is_read_from_its_one_call() -> None:
    tool = Capabilities(structure="tool", temperature=False, seed=False)
    with judging() as server:
        server.judge = lambda user: '{"a": 1}'
        assert sent(endpoint(server.url), tool).text == '{"a": 1}'
    [body] = server.asked
    assert body["tool_choice"]["function"]["name"] == body["tools"][0]["function"]["name"]
    assert not {"temperature", "seed", "response_format"} & body.keys()


def test_the_label_names_another_host_and_no_password() -> None:
    assert Address(model="m", api_key="").label == "m"
    at = Address(model="m", api_key="", base_url="http://user:pass@localhost:8000/v1")
    assert at.label == "m at localhost:8000"


def test_the_schema_goes_out_with_the_rationale_first() -> None:
    from ftgate.graders import judge

    options = bound(ALL, judge.REPLY_SCHEMA, 1)
    assert json.dumps(options["response_format"]["json_schema"]["schema"]) == json.dumps(judge.REPLY_SCHEMA)
