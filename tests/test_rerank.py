"""Reranking a caller's texts: in the order that a library of them would give, and nothing else."""

import pytest

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError, TooLargeError
from sourcebook.index.library import Library
from sourcebook.service.asking.engine import Engine
from sourcebook.service.documents import catalogue
from sourcebook.service.doors.rerank import MAX_PASSAGES, Reranker
from sourcebook.service.notation.requests import QUESTION

TRAINS = "The night train to the coast runs in spring, the ministry of transport said."
FINES = "The council voted on Tuesday to double the fines for dumping waste in the river."
FILLER = "Nothing of note was said about anything else on that long afternoon in the hall. "


@pytest.fixture(scope="module")
def reranker(encoder: Encoder) -> Reranker:
    return Reranker(encoder, encoder.codec, encoder.profile)


@pytest.mark.parametrize("question", [QUESTION, "How much cocaine did Colombia seize in 2024?"])
def test_the_best_passage_of_a_library_is_the_best_text(
    reranker: Reranker, seed_library: Library, question: str
) -> None:
    with seed_library.view() as view:
        articles = [record.id for record in view.records()]
    texts = [one.text for a in articles for one in catalogue.passages(seed_library, a).passages]
    found = reranker.rerank(question, texts)
    best = Engine.of(seed_library).find(question, limit=1).hits[0].passage.text
    assert texts[found[0].index] == best
    assert sorted(one.index for one in found) == list(range(len(texts)))


def test_the_order_of_the_request_changes_no_score(reranker: Reranker) -> None:
    texts = [TRAINS, FINES, FILLER]
    there = {texts[one.index]: one.score for one in reranker.rerank("night train", texts)}
    texts.reverse()
    back = {texts[one.index]: one.score for one in reranker.rerank("night train", texts)}
    assert there == pytest.approx(back, abs=1e-3)
    assert max(there, key=there.__getitem__) == TRAINS


def test_texts_that_are_alike_stay_apart(reranker: Reranker) -> None:
    found = reranker.rerank("night train", [FINES, TRAINS, TRAINS])
    assert [one.index for one in found] == [1, 2, 0]
    assert found[0].score == found[1].score


def test_a_long_text_counts_as_its_best_passage(reranker: Reranker) -> None:
    long = FILLER * 60 + "\n\n" + TRAINS
    assert reranker.rerank("When does the night train run?", [FINES, long])[0].index == 1
    cut = reranker.rerank("When does the night train run?", [TRAINS, long], max_pieces=200)
    assert (cut[0].index, cut[0].score > 2 * cut[1].score) == (0, True)


def test_a_text_without_a_word_is_last(reranker: Reranker) -> None:
    found = reranker.rerank("night train", ["", TRAINS, " \n"])
    assert [(one.index, one.score > 0) for one in found] == [(1, True), (0, False), (2, False)]
    assert [one.score for one in reranker.rerank("night train", ["", "\n"])] == [0, 0]


def test_phrases_count(reranker: Reranker) -> None:
    texts = ["The coast sees a train each night.", "The night train runs to the coast."]
    assert reranker.rerank('coast "night train"', texts)[0].index == 1


def test_what_is_too_much_is_refused(reranker: Reranker) -> None:
    with pytest.raises(TooLargeError, match=f"more than {MAX_PASSAGES:,} passages"):
        reranker.rerank("night train", [TRAINS] * (MAX_PASSAGES + 1))
    with pytest.raises(InputError, match="Shorten the question"):
        reranker.rerank("a b c d e f g h i j " * 40, [TRAINS])
