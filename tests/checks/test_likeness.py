"""Which prompts are almost the same, and which only look like it."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.checks.grams import grams
from ftgate.checks.likeness import Likeness
from ftgate.checks.words import shingles, words
from ftgate.values.batch import Batch
from tests.checks.examples import example

TEMPLATE = (
    "You are given a message of a customer. Name its topic with one word and say nothing else. Message: "
)


def clustered(*texts: str, system: str = "") -> list[list[int]]:
    """Line numbers of each cluster."""
    likeness = Likeness()
    for line, text in enumerate(texts, 1):
        turns = [("system", system)] if system else []
        likeness.add(example(*turns, ("user", text), ("assistant", f"reply {line}"), line=line))
    return [[place.line for place in cluster.places] for cluster in likeness.clusters()]


def sentences(count: int, words: int = 25, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    vocabulary = [f"word{n}" for n in range(2000)]
    return [" ".join(rng.choices(vocabulary, k=words)) for _ in range(count)]


def edited(text: str) -> str:
    parts = text.split()
    return " ".join([*parts[:-1], "other"])


def test_one_word_in_twenty_five_is_almost_the_same() -> None:
    texts = sentences(40)
    assert clustered(*texts) == []
    assert clustered(*texts, edited(texts[3]), edited(texts[9]) + " more") == [[4, 41], [10, 42]]


def test_a_shared_system_prompt_and_a_shared_template_hide_nothing_and_blame_nobody() -> None:
    texts = [TEMPLATE + text for text in sentences(300)]
    assert clustered(*texts, system=TEMPLATE * 8) == []
    assert clustered(*texts, edited(texts[7])) == [[8, 301]]


def test_the_same_text_again_is_the_business_of_other_checks() -> None:
    text = sentences(1)[0]
    assert clustered(text, text, text) == []
    assert clustered(text, text.upper(), text) == [[1, 2]]


def test_operators_and_numbers_tell_prompts_apart() -> None:
    assert clustered("What is 2 + 3?", "What is 2 - 3?", "What is 2 + 4?") == []


def test_texts_without_spaces_are_compared_by_their_letters() -> None:
    long = "我上周在你们的网站上买了两个蓝色的杯子和一个茶壶到现在还没有收到请问什么时候能送到呢非常着急"
    assert clustered(long, long.replace("上周", "昨天"), "茶壶的盖子上有一条裂缝我想要退货") == [[1, 2]]


def test_very_many_that_are_alike_take_linear_time() -> None:
    text = sentences(1, words=60)[0]
    others = sentences(9000, words=12, seed=2)
    rng = random.Random(3)
    texts = [f"{text} {n}" if rng.random() < 0.1 else other for n, other in enumerate(others)]
    (cluster,) = clustered(*texts)
    assert len(cluster) == sum(candidate.startswith(text) for candidate in texts) > 800


def test_a_cluster_is_told_once_with_its_lines_and_outputs() -> None:
    texts = sentences(12, words=30)
    checks = Checks(Context())
    for line, text in enumerate([*texts, *(f"{texts[0]} {n}" for n in range(9))], 1):
        list(checks.see(example(("user", text), ("assistant", "same"), line=line)))
    (finding,) = [f for f in checks.finish() if f.check == "near-duplicate"]
    assert finding.line == 1
    assert "10 prompts are almost the same, with the same output: a.jsonl:1, a.jsonl:13" in finding.message
    assert finding.message.endswith("and 2 more.")


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text("abc .,é哈\t\u2028-+\ud800", max_size=60), max_size=40))
def test_triples_as_numbers_are_those_of_words(texts: list[str]) -> None:
    made = grams([*texts, "word " * 9000])
    at = 0
    numbers: dict[str, int] = {}
    keys: dict[tuple[str, ...], int] = {}
    told = zip([*texts, "word " * 9000], made.sizes.tolist(), made.keys.tolist(), strict=True)
    for text, size, key in told:
        found = words(text)
        for triple, number in zip(shingles(found, 3), made.flat[at : at + size].tolist(), strict=True):
            assert numbers.setdefault(triple, number) == number
        assert keys.setdefault(tuple(found), key) == key
        at += size
    assert at == len(made.flat)
    assert len(set(numbers.values())) == len(numbers) and len(set(keys.values())) == len(keys)


def test_parts_say_what_the_whole_says() -> None:
    texts = [TEMPLATE + text for text in sentences(2400)]
    texts += [edited(text) for text in texts[::7]] + texts[:30] + [text.upper() for text in texts[:20]]
    lines = [example(("user", text), ("assistant", f"r{n % 3}"), line=n) for n, text in enumerate(texts, 1)]
    whole = Likeness()
    for line in lines:
        whole.add(line)
    assert len(whole.clusters()) > 300
    for cuts in ((0, 900, 901, 2300), (0, 2790)):
        together = Likeness()
        for start, end in zip(cuts, [*cuts[1:], len(lines)], strict=True):
            part = Likeness()
            part.remember_only()
            part.add_all(Batch.of(lines[start:end]))
            together.absorb(part)
        assert together.clusters() == whole.clusters()
        assert together.examples == whole.examples


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=30))
def test_any_text_can_be_compared_and_clusters_share_no_line(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    lines = [line for cluster in clustered(*texts) for line in cluster]
    assert len(lines) == len(set(lines))
    for text in texts:
        found = words(text)
        assert bool(shingles(found, 3)) == bool(found)


def test_a_cluster_that_dominates_is_told_by_diversity_and_only_with_near_duplicate_on() -> None:
    texts = sentences(180, words=30)
    said = {}
    for level in ("warning", "off"):
        checks = Checks(Context(), {"near-duplicate": "off"} if level == "off" else {})
        for line, text in enumerate([*texts, *(f"{texts[0]} {n}" for n in range(12))], 1):
            list(checks.see(example(("user", text), ("assistant", text), line=line)))
        said[level] = [f.message for f in checks.finish() if f.check == "diversity"]
    assert said == {"warning": ["13 of 192 examples (7%) ask almost the same as this one."], "off": []}
