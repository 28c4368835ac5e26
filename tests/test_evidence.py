"""Evidence: the sentences that the question's tokens match, whole and no more than needed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import candidate, hit

from sourcebook.index.profile import EvidenceThresholds
from sourcebook.service.asking.evidence import (
    MAX_SENTENCES,
    Evidence,
    evidence,
)
from sourcebook.service.language.answer_types import Expected, expected

THRESHOLDS = EvidenceThresholds(sentence_cost=0.03, typed=0.05, near_best=0.9)
SENTENCES = ["Rain fell on Monday.", "Coca grew in Cauca.", "It paid well.", "Nobody came."]
TEXT = " ".join(SENTENCES)
STARTS = [at for at in range(len(TEXT)) if at == 0 or TEXT[at - 1] == " "]
WORDS = TEXT.split()


def find(
    matches: dict[str, list[float]], weights: list[float], wanted: Expected | None = None
) -> Evidence:
    """The evidence when these words match the question's tokens so well, and others not at all."""
    similarity = np.zeros((len(weights), len(WORDS)), np.float32)
    for word, values in matches.items():
        similarity[:, WORDS.index(word)] = values
    passage = candidate(TEXT, "a", starts=tuple(STARTS))
    found = hit(passage, similarity=similarity)
    return evidence(found, np.array(weights, np.float32), wanted, THRESHOLDS)


def text(found: Evidence) -> str:
    return TEXT[found.start : found.end]


def test_the_best_sentence() -> None:
    found = find({"Cauca.": [0.9], "Monday.": [0.3]}, [1])
    assert text(found) == SENTENCES[1]
    assert found.score == pytest.approx(0.9)


def test_a_further_sentence_must_be_worth_reading() -> None:
    worth, not_worth = THRESHOLDS.sentence_cost * 2 + 0.01, THRESHOLDS.sentence_cost * 2 - 0.01
    assert text(find({"Coca": [0.9, 0], "paid": [0, worth]}, [1, 1])) == " ".join(SENTENCES[1:3])
    assert text(find({"Coca": [0.9, 0], "paid": [0, not_worth]}, [1, 1])) == SENTENCES[1]


def test_weights_decide_what_matters() -> None:
    matches = {"Rain": [0.9, 0], "Nobody": [0, 0.9]}
    assert text(find(matches, [9, 1])) == SENTENCES[0]
    assert text(find(matches, [1, 9])) == SENTENCES[3]


def test_words_of_the_expected_type_are_worth_something() -> None:
    where = expected("Where did it grow?")
    for lead, best in (
        (THRESHOLDS.typed + 0.01, SENTENCES[3]),
        (THRESHOLDS.typed - 0.01, SENTENCES[1]),
    ):
        matches = {"Coca": [0.5], "Nobody": [0.5 + lead]}
        assert text(find(matches, [1], where)) == best  # of the two, only Cauca is a name
        assert text(find(matches, [1])) == SENTENCES[3]


def test_never_more_than_three_sentences() -> None:
    all_matter: dict[str, list[float]] = {
        "Rain": [1, 0, 0, 0],
        "Coca": [0, 1, 0, 0],
        "paid": [0, 0, 1, 0],
    }
    found = find({**all_matter, "Nobody": [0, 0, 0, 1]}, [1, 1, 1, 1])
    assert text(found) == " ".join(SENTENCES[:MAX_SENTENCES])


def test_the_first_of_equals() -> None:
    assert text(find({}, [1])) == SENTENCES[0]


@given(st.lists(st.floats(-1, 1, width=32), min_size=len(WORDS), max_size=len(WORDS)))
def test_always_whole_sentences(values: list[float]) -> None:
    found = find(dict(zip(WORDS, ([value] for value in values), strict=True)), [1])
    assert any(
        text(found) == " ".join(SENTENCES[first : first + count])
        for first in range(len(SENTENCES))
        for count in range(1, MAX_SENTENCES + 1)
    )
    assert found.score == pytest.approx(max(values), abs=4 * THRESHOLDS.sentence_cost)
