"""Opposites: listed pairs in any inflection, and prefixes."""

import pytest

from sourcebook.index.search.stemming import stem
from sourcebook.service.language.opposites import PAIRS, opposed


def said(*words: str) -> set[str]:
    return {stem(word) or word for word in words}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("increase", "decreased"),
        ("northern", "southern"),
        ("permitted", "forbidding"),
        ("legal", "illegal"),
        ("certified", "decertified"),
        ("official", "unofficial"),
        ("exports", "import"),
        ("underestimate", "overestimated"),
        ("accelerate", "decelerate"),
    ],
)
def test_opposites_work_both_ways(one: str, other: str) -> None:
    assert opposed(stem(one) or "", said("coca", other))
    assert opposed(stem(other) or "", said("coca", one))


@pytest.mark.parametrize(("one", "other"), [("coca", "cocaine"), ("to", "into"), ("in", "de")])
def test_others_are_none(one: str, other: str) -> None:
    assert not opposed(one, {other})


def test_every_line_is_a_pair_of_different_words() -> None:
    lines = [line.split() for line in PAIRS.read_text("utf-8").splitlines()]
    assert {len(set(line)) for line in lines} == {2}
    assert lines == sorted(lines)
    assert len(lines) == len({frozenset(line) for line in lines})
