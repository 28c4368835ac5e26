"""The ranking: scores worked by hand, ties that do not wander, one hit for one text."""

from collections.abc import Iterable, Mapping

import numpy as np
import pytest
from made import AXES, candidate, candidates, hit

from sourcebook.index.profile import Weights
from sourcebook.index.search.candidates import Sourced
from sourcebook.service.asking.named_sources import Source
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import Rank, collapse, own_hits
from sourcebook.service.language.question_dates import periods

WEIGHTS = Weights(late=1.0, window=0.1, dense=0.2, lexical=0.4, source=0.05, date=0.02)
RANK = Rank(WEIGHTS)
QUERY = Query(text="coca")
LONG = "The council of the town voted to double the fines for waste in the river on Tuesday."


def test_fusion_by_hand() -> None:
    question = AXES[:2]  # two question tokens
    near = candidate("Coca grows.", "near", row=1, dense=0.5, lexical=0.25)
    far = candidate("Rain falls.", "far", row=2, dense=0.9, lexical=0.0, starts=(0, 5))
    tokens = np.concatenate([AXES[4:6], np.array([[0.6, 0.8] + [0] * 6])])
    weights = np.array([3, 1], np.float32)
    found, load = candidates(question, far, near, weights=weights, tokens=tokens)
    first, second = RANK(QUERY, found, load).hits
    # MaxSim (3 * .6 + 1 * .8) / 4 = .65, within its one run too: 1.1 * .65 + .2 * .5 + .4 * .25
    assert (first.candidate.row, second.candidate.row) == (1, 2)
    assert first.late == first.window == pytest.approx(0.65)
    assert first.score == pytest.approx(0.915)
    assert second.late == 0
    assert second.score == pytest.approx(0.18)
    np.testing.assert_allclose(first.similarity, [[0.6], [0.8]])


def test_a_named_source_gains() -> None:
    question = AXES[:1]
    items = [
        candidate("One.", "one", row=1, publisher="The Herald", authors=("Bo",)),
        candidate("Two.", "two", row=2, publisher="El Día", authors=("Ana Gil", "Bo")),
        candidate("Three.", "three", row=3, url="https://www.herald.com/a"),
    ]
    found, load = candidates(question, *items)

    def gains(query: Query) -> dict[int, float]:
        return {h.candidate.row: round(h.score - 1.1, 6) for h in RANK(query, found, load).hits}

    assert gains(QUERY) == {1: 0, 2: 0, 3: 0}
    dia = Source(written="Dia", publishers=("El Día",))
    people = Source(written="x", authors=("Bo", "Ana Gil"))
    herald = Source(written="the herald", hosts=("herald.com",))
    assert gains(Query(text="x", sources=(dia,))) == {1: 0, 2: 0.05, 3: 0}
    assert gains(Query(text="x", sources=(people, dia))) == {1: 0.05, 2: 0.05, 3: 0}
    assert gains(Query(text="x", sources=(herald,))) == {1: 0, 2: 0, 3: 0.05}


def test_dates_raise_passages_or_articles_and_hide_none() -> None:
    items = [
        candidate("It fell in 1997.", "one", row=1, published="2025-09"),
        candidate("It fell in March 2025.", "two", row=2, published="2024"),
        candidate("It fell.", "three", row=3),
    ]
    found, load = candidates(AXES[:1], *items)

    def gains(question: str) -> dict[int, float]:
        query = Query(text=question, periods=tuple(periods(question)))
        return {h.candidate.row: round(h.score - 1.1, 6) for h in RANK(query, found, load).hits}

    assert gains("When did it fall?") == {1: 0, 2: 0, 3: 0}
    assert gains("When did it fall before 2025?") == {1: 0.02, 2: 0, 3: 0}
    assert gains("Did it fall in 2025?") == {1: 0, 2: 0.02, 3: 0}
    assert gains("Did it fall since 1996?") == {1: 0.02, 2: 0.02, 3: 0}
    assert gains("Did it fall, as reported in 2025?") == {1: 0.02, 2: 0, 3: 0}
    assert gains("Did articles before 2025 say that it fell?") == {1: 0, 2: 0.02, 3: 0}


def test_a_source_that_is_asked_has_its_best_hit_among_the_hits() -> None:
    items = [candidate(f"Text {row}.", f"a{row}", row=row, dense=1 - row / 9) for row in range(8)]
    own = candidate("Own words.", "own", row=8, publisher="El Día")
    again = candidate("Other own words.", "own again", row=9, publisher="El Día")
    found, load = candidates(AXES[:1], *items, own, again)
    asked = Query(text="x", sources=(Source(written="x", publishers=("El Día",), asked=True),))
    mentioned = Query(text="x", sources=(Source(written="x", publishers=("El Día",)),))
    rows = [hit.candidate.row for hit in RANK(asked, found, load, depth=3).hits]
    assert rows == [0, 1, 8]
    assert len(RANK(mentioned, found, load, depth=3).hits) == 3
    hits = RANK(asked, found, load, depth=3).hits
    assert [hit.candidate.row for hit in own_hits(asked, hits)] == [8]
    assert own_hits(mentioned, hits) == []


def test_ties_go_by_row_whatever_the_order() -> None:
    items = [candidate(f"Text {row}.", f"a{row}", row=row) for row in range(9)]
    for order in (items, items[::-1], items[4:] + items[:4]):
        hits = RANK(QUERY, *candidates(AXES[:1], *order)).hits
        assert [h.candidate.row for h in hits] == list(range(9))


def test_only_the_best_are_read_and_what_is_gone_is_left_out() -> None:
    items = [candidate(f"Text {row}.", f"a{row}", row=row, dense=row / 9) for row in range(9)]
    found, load = candidates(AXES[:1], *items)
    asked: list[int] = []

    def without_seven(rows: Iterable[int]) -> Mapping[int, Sourced]:
        asked.extend(rows)
        return load(row for row in asked if row != 7)

    hits = RANK(QUERY, found, without_seven, depth=3).hits
    assert asked == [8, 7, 6]
    assert [h.candidate.row for h in hits] == [8, 6]


def test_nothing_found() -> None:
    assert RANK(QUERY, *candidates(AXES[:1])).hits == ()


def test_the_same_text_in_two_articles_is_one_hit() -> None:
    text = " ".join([LONG] * 3)
    hits = [
        hit(candidate(text, "best", row=1), score=0.9),
        hit(candidate("Something else is said here, of fish.", "other", row=2), score=0.8),
        hit(candidate(text.upper() + " Read more.", "copy", row=3), score=0.7),
        hit(candidate(text, "again", row=4), score=0.6),
    ]
    first, second = collapse(hits)
    assert (first.candidate.row, first.score, second.candidate.row) == (1, 0.9, 2)
    assert [record.source for record in first.also] == ["copy.txt", "again.txt"]
    assert second.also == ()


def test_what_copies_a_merged_hit_lists_is_kept_once() -> None:
    one, two, three = (candidate(LONG, name, row=row) for row, name in enumerate("abc"))
    first = hit(one, score=0.9, also=(two.source.article,))
    second = hit(two, score=0.8, also=(one.source.article, three.source.article))
    [merged] = collapse([first, second])
    assert [record.source for record in merged.also] == ["b.txt", "c.txt"]


def test_passages_of_one_article_stay_apart() -> None:
    hits = [hit(candidate(LONG, "same", row=row)) for row in (1, 2)]
    assert len(collapse(hits)) == 2


def test_texts_that_share_less_stay_apart() -> None:
    hits = [
        hit(
            candidate(
                LONG + " But the mayor said that it would never be enough for her.", "a", row=1
            )
        ),
        hit(
            candidate(
                LONG + " Nobody on the opposite bank had asked for anything of it.", "b", row=2
            )
        ),
    ]
    assert len(collapse(hits)) == 2
