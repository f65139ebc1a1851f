"""One pair and more for every grader: an argument, a completion that passes and one that fails."""

from typing import Any, NamedTuple


class Case(NamedTuple):
    argument: Any
    passes: str
    fails: str
    why: str
    """Part of the reason of the failure."""


CALL = {"name": "find_parcel", "arguments": {"id": 7, "fast": True}}
CALLED = '<tool_call>\n{"name": "find_parcel", "arguments": {"fast": true, "id": 7.0}}\n</tool_call>'
OPENAI_CALL = (
    '{"tool_calls": [{"type": "function", "function": {"name": "pay", "arguments": "{\\"to\\": 1}"}}]}'
)
GERMAN = "Ihr Paket ist heute Morgen in Graz angekommen und wird zugestellt."
ENGLISH = "Your parcel reached Graz this morning and will be delivered soon."
LABELS = {"is": "refund", "of": ["refund", "refund status", "complaint"]}

CASES: dict[str, list[Case]] = {
    "equals": [
        Case("yes", " yes\n", "yes.", 'is "yes.", expected "yes"'),
        Case({"text": "Yes", "ignore_case": True}, "YES", "no", "expected"),
        Case({"text": "Yes", "ignore_case": False}, "Yes", "yes", "expected"),
    ],
    "contains": [
        Case("card", "your card", "your pin", 'lacks "card"'),
        Case(["a", "b"], "ab", "a", 'lacks "b"'),
        Case({"any": ["a", "b"]}, "b", "c", 'has none of ["a", "b"]'),
        Case({"none": ["sorry"]}, "gladly", "sorry", "must not"),
        Case(
            {"all": ["Card"], "none": ["SORRY"], "ignore_case": True}, "the card", "sorry, card", "must not"
        ),
    ],
    "starts_with": [
        Case("Dear", " Dear Ana", "Hi Ana", 'begins with "Hi Ana"'),
        Case(["Dear", "Hello"], "Hello!", "hello!", "expected"),
        Case({"any": ["dear"], "ignore_case": True}, "DEAR", "My dear", "expected"),
    ],
    "regex": [
        Case(r"^\d+$", "42", "it is 42", "found nowhere"),
        Case({"pattern": r"[a-z]+\d", "match": "full"}, " abc1\n", "abc1 x", "is not wholly"),
        Case({"pattern": "sorry", "ignore_case": True}, "SORRY", "gladly", "found nowhere"),
        Case(r"\p{L}{3}", "äöü", "ab1", "found nowhere"),
    ],
    "label": [
        Case(LABELS, ' "Refund".', "complaint", 'is "complaint", expected "refund"'),
        Case(LABELS, "**REFUND**", "money back", "is none of the 3 labels"),
        Case(LABELS, "refund", "refund, please", "is none of the 3 labels"),
        Case(LABELS | {"find": "mention"}, "It is a refund.", "It is a refund status.", "refund status"),
        Case(LABELS | {"find": "mention"}, "refund", "a refund or a complaint", "names 2 labels"),
        Case({"is": "ﬁne", "of": ["fine", "poor"]}, "Fine", "poor", "expected"),
    ],
    "numeric": [
        Case(42, "It is 42.", "It is 43.", "is 43, expected 42"),
        Case(42, "42", "between 41 and 42", "several numbers (41, 42)"),
        Case(0.3, "0.3", "0.30000000000000004", "expected 0.3"),
        Case(-3, "\u22123 degrees", "3 degrees", "expected -3"),
        Case({"value": 1234.5}, "$1,234.50", "1.234,50", "holds no number"),
        Case({"value": 1234.5, "decimal": ","}, "1.234,50 €", "1,234.50", "holds no number"),
        Case({"value": 100, "tolerance": 5}, "104.9", "105.1", "within 5"),
        Case({"value": 200, "relative": 0.1}, "180", "179", "within 20"),
        Case({"value": 42, "which": "last"}, "6 * 7 = 42", "42 is 6 * 7", "is 7"),
        Case({"value": 6, "which": "first"}, "6 * 7 = 42", "x", "holds no number"),
        Case(1000, "1e3", "A1000", "holds no number"),
        Case(5, "5.", "2024-05-05", "holds no number"),
    ],
    "length": [
        Case({"words": {"max": 2}}, "two words", "these are three", "has 3 words, at most 2"),
        Case({"characters": {"min": 3}}, "abc", " ab ", "has 2 characters, at least 3"),
        Case({"tokens": {"min": 1, "max": 2}}, "a b", "a b c", "has 3 tokens"),
    ],
    "language": [
        Case("de", GERMAN, ENGLISH, "is en, expected de"),
        Case(["fr", "en"], ENGLISH, GERMAN, "expected fr or en"),
        Case({"script": "cyrillic"}, "посылка", "parcel", "0% of its letters are cyrillic"),
        Case({"script": "latin", "is": "de"}, GERMAN, "посылка", "latin"),
        Case({"script": "han"}, "包裹在哪里", "12345", "holds no letters"),
        Case("ja", "こんにちは、荷物はどこにありますか", ENGLISH, "is en"),
    ],
    "no_refusal": [
        Case(True, "I can't find your parcel yet; I will look again.", "I can’t help with that.", "declines"),
        Case(True, "Sure.", "", "is empty"),
        Case(True, "The AI model is late.", "As an AI language model, I", "declines"),
        Case(
            True,
            "I'm sorry that it broke; here is a refund.",
            "I'm sorry, but I cannot share it.",
            "declines",
        ),
        Case(True, "Ich kann es Ihnen schicken.", "Ich kann Ihnen dabei leider nicht helfen.", "declines"),
        Case(True, "I can't bring it on Sunday.", "I don't feel comfortable sharing that.", "declines"),
        Case(
            True, "I'm unable to see a second parcel.", "I’m unable to assist with this request.", "declines"
        ),
        Case(
            True, "I'm sorry, but I can't find order 7; which is it?", "I'm sorry, but I can't.", "declines"
        ),
        Case(True, "Ich kann das Paket nicht finden.", "Ich darf das nicht beantworten.", "declines"),
        Case({"phrases": ["ask a human"]}, "Done.", "Please ASK a human.", "declines"),
    ],
    "similarity": [
        Case({"to": "the cat sat", "threshold": 0.5}, "the cat sat!", "dogs run", "chrf 0."),
        Case(
            {"to": "the cat sat", "metric": "rouge_l", "threshold": 0.6}, "the cat", "dogs", "rouge_l 0.000"
        ),
        Case({"to": "abc", "metric": "fuzzy", "threshold": 0.66}, "abd", "xyz", "fuzzy 0.000"),
        Case(
            {"to": "the cat sat on the mat", "metric": "bleu", "threshold": 0.36},
            "the cat sat",
            "the",
            "bleu",
        ),
        Case({"to": "a b c", "metric": "rouge_2", "threshold": 0.5}, "a b", "b a", "rouge_2 0.000"),
        Case({"to": "a", "threshold": 0.1}, "a", "", "chrf 0.000"),
    ],
    "json_valid": [
        Case(True, ' {"a": 1}\n', '```json\n{"a": 1}\n```', "is not JSON"),
        Case({"type": "array"}, "[1]", '{"a": 1}', "is a mapping, not a JSON array"),
        Case({"type": "number"}, "1", "true", "is a truth value"),
    ],
    "json_fields": [
        Case({"a": 1, "b": None}, '{"b": null, "a": 1.0, "c": 2}', '{"a": true}', "a is true, expected 1"),
    ],
    "json_schema": [
        Case({"type": "object", "required": ["a"]}, '{"a": 1}', "{}", "'a' is a required property"),
        Case({"type": "string", "pattern": "^a+$"}, '"aa"', '"b"', "does not match"),
        Case(
            {"patternProperties": {"^x": {"type": "number"}}, "additionalProperties": False},
            '{"x1": 1}',
            '{"y": 1}',
            "'y' was unexpected",
        ),
    ],
    "tool_call": [
        Case(CALL, CALLED, CALLED.replace("7.0", "8"), "lacks find_parcel with"),
        Case(CALL, CALLED, CALLED + CALLED, "makes 1 more than expected"),
        Case(CALL, CALLED, "I will look for it.", "makes no call that can be read"),
        Case(CALL, CALLED, CALLED.removesuffix("</tool_call>"), "makes no call that can be read"),
        Case({"name": "pay"}, OPENAI_CALL, "[]", "calls nothing"),
        Case({"name": "pay", "some_arguments": {}}, OPENAI_CALL, CALLED, "lacks pay"),
        Case(
            [{"name": "a"}, {"name": "b"}],
            '[TOOL_CALLS] [{"name": "a", "arguments": {}}, {"name": "b", "arguments": {}}]',
            '[TOOL_CALLS] [{"name": "b", "arguments": {}}, {"name": "a", "arguments": {}}]',
            "lacks b",
        ),
        Case(
            {"calls": [{"name": "a"}, {"name": "b"}], "order": "any", "others": "allowed"},
            '[{"name": "c"}, {"name": "b"}, {"name": "a"}]',
            '[{"name": "b"}, {"name": "c"}]',
            "lacks a",
        ),
        Case(
            {"name": "a", "arguments": {}},
            '<|python_tag|>{"name": "a", "parameters": {}}',
            '{"a": 1}',
            "needs a name",
        ),
    ],
}

NAN, INFINITY = float("nan"), float("inf")
DEEP: Any = {"type": "string"}
for _ in range(200):
    DEEP = {"items": DEEP}

REFUSED: dict[str, list[Any]] = {
    "equals": [
        5,
        "",
        " ",
        None,
        [],
        {},
        {"text": ""},
        {"text": "a", "case": 1},
        {"text": "a", "ignore_case": "no"},
    ],
    "contains": [
        *([], {}, [""], ["a", "a"], {"ignore_case": True}, {"all": []}, {"all": "a"}, [["a"]]),
        *({"all": ["a card"], "none": ["card"]}, {"any": ["ab", "b"], "none": ["b"]}),
        {"all": ["Card"], "none": ["cARD"], "ignore_case": True},
    ],
    "starts_with": [[], "", " ", ["a", " "], {}, {"any": []}, {"any": "a"}, True, [1]],
    "regex": [
        *(
            "(",
            "",
            r"\C",
            "(?=a)b",
            r"(a)\1",
            "a*",
            "()",
            "a|",
            "[",
            5,
            None,
            "x" * 10_001,
            "((a{100}){100}){100}",
        ),
        *({}, {"pattern": "a", "match": "whole"}, {"pattern": "a", "flags": "i"}, {"pattern": r"\Z"}),
    ],
    "label": [
        *("a", {}, {"is": "a"}, {"of": ["a", "b"]}, {"is": "a", "of": ["a"]}, {"is": "c", "of": ["a", "b"]}),
        *({"is": "a", "of": ["a", "A "]}, {"is": "a", "of": ["a", "..."]}, {"is": True, "of": [True, False]}),
        {"is": "a", "of": ["a", "b"], "find": "any"},
    ],
    "numeric": [
        *("42", True, NAN, INFINITY, {}, {"value": NAN}, {"value": "1"}, {"value": 1, "tolerance": -1}),
        *({"value": 1, "tolerance": NAN}, {"value": 0, "relative": 0.1}, {"value": 1, "relative": 1}),
        *({"value": 1, "which": "any"}, {"value": 1, "decimal": ";"}, [1]),
    ],
    "length": [
        *(
            {},
            5,
            {"words": 5},
            {"words": {}},
            {"words": {"min": 0}},
            {"words": {"min": 3, "max": 2}},
            {"lines": {}},
        ),
        *({"words": {"max": 1.5}}, {"words": {"max": True}}, {"words": {"max": -1}}, {"words": {"max": NAN}}),
    ],
    "language": ["", "German", "EN", [], ["de", "de"], {}, {"script": "klingon"}, {"is": []}, 5],
    "no_refusal": [False, {}, {"phrases": []}, {"phrases": [""]}, "yes"],
    "similarity": [
        *({}, 0.5, {"threshold": 0}, {"threshold": 1.1}, {"threshold": NAN}, {"threshold": True}),
        *(
            {"threshold": 0.5, "metric": "cosine"},
            {"threshold": 0.5, "to": ""},
            {"threshold": 0.5, "to": "x" * 20_001},
        ),
    ],
    "json_valid": [False, {}, {"type": "text"}, {"type": []}, 1],
    "json_fields": [{}, [], {1: 2}, {"a": NAN}, {"a": {"b": INFINITY}}],
    "json_schema": [
        *(
            {},
            True,
            {"$schema": 5},
            {"$schema": []},
            {"$schema": "https://x.example/none"},
            {"type": "strin"},
        ),
        *({"pattern": "(?=a)"}, {"properties": {"a": {"pattern": r"(a)\1"}}}, {"$ref": "#"}, DEEP),
        *(
            {"$ref": "https://x.example/s"},
            {"minimum": NAN},
            {"patternProperties": {"(?!a)": {}}},
            {"$id": "http://[", "$ref": "#/a"},
            {"items": {"enum": []}},
        ),
    ],
    "tool_call": [
        *([], {}, "a", {"name": ""}, {"name": "a", "arguments": []}, {"name": "a", "arguments": {"b": NAN}}),
        *({"name": "a", "arguments": {}, "some_arguments": {}}, {"calls": []}, [{"name": 1}]),
        *({"calls": {"name": "a"}, "order": "some"}, {"name": "a", "args": {}}),
    ],
    "judge": [False, 5, {"pass_score": 0}, {"pass_score": NAN}, {"criteria": ""}, {"model": "x"}],
}
