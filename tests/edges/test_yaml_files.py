"""Settings and prompts: every problem at once, each with its line and key."""

import pytest

from ftgate.edges.yaml_files import Documents
from ftgate.errors import SettingsError
from tests.builders import SETTINGS, prompts


def refused(text: str, path: str = "ftgate.yaml") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Documents().settings(path, text.encode()) if path == "ftgate.yaml" else Documents().prompts(
            path, text.encode()
        )
    return caught.value.message.splitlines()


def test_complete_settings_are_read() -> None:
    settings = Documents().settings("ftgate.yaml", SETTINGS.encode())
    assert settings.data.train == ("data/train/*.jsonl",)
    assert settings.policy.margin == 0.2
    assert settings.training.method == "qlora"


def test_all_problems_come_at_once_with_line_and_key() -> None:
    lines = refused(
        "base_model: x\n"
        "data:\n"
        "  train: [a.jsonl]\n"
        "  fromat: conversation\n"
        "  key_style: snake\n"
        "policy:\n"
        "  max_broken: 2\n"
        "  max_broken: 3\n"
        "checks:\n"
        "  role: error\n"
        "  existing: error\n"
        "colour: red\n"
    )
    assert lines == [
        "ftgate.yaml:4: data.fromat: unknown key 'fromat'; did you mean 'format'?",
        "ftgate.yaml:5: data.key_style: 'snake' is not one of ['snake_case', 'camelCase', 'kebab-case']",
        "ftgate.yaml:8: policy.max_broken: the key 'max_broken' stands twice (first on line 7)",
        "ftgate.yaml:10: checks.role: unknown key 'role'; did you mean 'roles'?",
        "ftgate.yaml:11: checks.existing: unknown key 'existing'; did you mean policy.existing?",
        "ftgate.yaml:12: colour: unknown key 'colour'; known keys: behavior, base_model, base_revision, data, "
        "regression, training, evaluation, judge, checks, policy",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "settings are a mapping"),
        ("- a\n", "settings are a mapping"),
        ("a: [\n", "ftgate.yaml:2:"),
        ("a: !!python/object/apply:os.system [id]\n", "ftgate.yaml:1:"),
        ("base_model: x\n", "the key 'data' is missing"),
        ("base_model: 3\ndata: {train: [a]}\n", "ftgate.yaml:1: base_model: 3 is not of type 'string'"),
        ("base_model: x\ndata: {train: []}\n", "ftgate.yaml:2: data.train:"),
        ("base_model: x\ndata: {train: [a]}\npolicy: {margin: .nan}\n", "policy.margin"),
        ("base_model: x\ndata: {train: [a]}\npolicy: {margin: .inf}\n", "policy.margin"),
        (
            "base_model: x\ndata: {train: [a]}\ntraining:\n  preflight: {prices: {as_of: 2026-02-30, per_hour: 1}}\n",
            "ftgate.yaml:4: training.preflight.prices.as_of: 2026-02-30 is no day; write YYYY-MM-DD",
        ),
        (
            "base_model: x\ndata: {train: [a]}\ntraining: {memory_gib: 1.0e+300}\n",
            "ftgate.yaml:3: training.memory_gib: 1e+300 is greater than the maximum",
        ),
    ],
)
def test_bad_settings_name_what_and_where(text: str, said: str) -> None:
    assert any(said in line for line in refused(text)), refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "base_model: x\ndata: {train: [a]}\nchecks: 5\n",
        "base_model: x\ndata: {train: [a]}\nchecks: [[1]]\n",
        "base_model: x\ndata: {train: [a]}\npolicy: {max_broken: 2.5}\n",
        "base_model: x\ndata: {train: [a]}\npolicy: {max_broken: 2.0}\n",
        "base_model: x\ndata: {train: [a]}\ntraining: {max_length: 1.0e30}\n",
        'base_model: x\ndata: {train: [a]}\nbehavior: "\\ud800"\n',
        "a: " + "[" * 3000,
        "{a: " * 2000,
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
        "a: &a [*a]\n",
        f"base_model: x\ndata: {{train: [a]}}\npolicy: {{max_broken: {'9' * 5000}}}\n",
    ],
)
def test_hostile_settings_are_refused_and_nothing_breaks(text: str) -> None:
    assert refused(text)


@pytest.mark.parametrize("line", ['{"id": NaN}', "{id: a}", '{"id": 1, "id": 2}', "[", '{"id": "\\ud83d"}'])
def test_jsonl_prompts_are_strict_json_with_their_line(line: str) -> None:
    good = '{"id": "a", "protects": "x", "messages": [{"role": "user", "content": "hi"}], "expect": {"equals": "y"}}'
    assert any("p.jsonl" in text for text in refused(f"{good}\n{line}\n", "regression/p.jsonl"))


def test_an_emoji_written_as_a_pair_is_one_character() -> None:
    line = (
        '{"id": "a", "protects": "x", "messages": [{"role": "user", "content": "\\ud83d\\ude00"}], '
        '"expect": {"equals": "y"}}'
    )
    assert Documents().prompts("p.jsonl", line.encode())[0].messages[0].content == "\U0001f600"


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(SettingsError, match="not UTF-8"):
        Documents().settings("ftgate.yaml", b"\xff\xfe")


def test_prompts_are_read_with_their_place() -> None:
    read = Documents().prompts("regression/topics.yaml", prompts(1).encode())
    assert [prompt.id for prompt in read] == ["late-0", "damaged-1", "price-2", "address-3"]
    assert read[1].source == "regression/topics.yaml:8"
    assert read[0].expect == {"json_fields": {"topic": "late"}}


def test_jsonl_prompts_are_read_line_by_line() -> None:
    line = '{"id": "a", "protects": "x", "messages": [{"role": "user", "content": "hi"}], "expect": {"equals": "y"}}'
    other = line.replace('"a"', '"b"')
    read = Documents().prompts("regression/p.jsonl", f"{line}\n\n{other}\n".encode())
    assert [prompt.id for prompt in read] == ["a", "b"]
    assert [prompt.source for prompt in read] == ["regression/p.jsonl:1", "regression/p.jsonl:3"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: damaged-1", "id: late-0", "regression/p.yaml:8: [1].id: the id 'late-0' is used twice"),
        ("json_fields: {topic: late}", "jsonfields: {topic: late}", "jsonfields"),
        ("expect:\n    json_fields: {topic: late}", "expect:\n    regex: '('", "regex"),
        ("protects: late messages", "protect: late messages", "did you mean 'protects'?"),
    ],
)
def test_bad_prompts_name_what_and_where(old: str, new: str, said: str) -> None:
    lines = refused(prompts(1).replace(old, new, 1), "regression/p.yaml")
    assert any(said in line for line in lines), lines


def test_an_output_schema_that_is_none_is_refused() -> None:
    for content in (b"{", b"[]", b"true", b'{"type": "objekt"}', b'{"pattern": "(?=a)"}'):
        with pytest.raises(SettingsError, match=r"s\.json"):
            Documents().json_schema("s.json", content)
