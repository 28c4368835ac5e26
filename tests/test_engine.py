"""The engine: the order of its stages, its variants, and what changes while it answers."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.service.asking.answer import Status
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import Ranking

MakeLibrary = Callable[..., Library]
QUESTION = "When does the night train to the coast run?"
TRAINS = "The night train to the coast runs in spring."
BUSES = "The night bus to the coast runs in spring, the ministry said."


def changing(engine: Engine, change: Callable[[], object]) -> Engine:
    """The engine with a stage `read` that, when it is reached, makes the change."""

    def read(query: Query, ranking: Ranking) -> Ranking:
        change()
        return ranking

    return replace(engine, read=read)


def test_what_is_removed_while_it_answers_is_not_cited(make_library: MakeLibrary) -> None:
    library = make_library(trains=TRAINS, buses=BUSES)
    engine = Engine.of(library)
    gone = engine.ask(QUESTION).citations[0].article.id
    answer = changing(engine, lambda: library.remove(gone)).ask(QUESTION)
    assert gone not in {one.article.id for one in answer.quoted}


def test_when_all_that_answers_is_removed_there_is_no_answer(make_library: MakeLibrary) -> None:
    library = make_library(trains=TRAINS)
    engine = Engine.of(library)
    gone = engine.ask(QUESTION).citations[0].article.id
    answer = changing(engine, lambda: library.remove(gone)).ask(QUESTION)
    assert (answer.status, answer.reason) == (Status.NOT_IN_LIBRARY, "removed_meanwhile")
    assert engine.ask(QUESTION).reason == "nothing_to_search"


def test_what_is_added_while_it_answers_changes_nothing(make_library: MakeLibrary) -> None:
    library = make_library(trains=TRAINS)
    engine = Engine.of(library)
    before = engine.ask(QUESTION)
    answer = changing(engine, lambda: make_library(buses=BUSES)).ask(QUESTION)
    assert answer.citations == before.citations


def test_all_three_ways_to_ask_rank_alike(engine: Engine) -> None:
    question = "Who ended aerial spraying?"
    answer, found, examined = engine.ask(question), engine.find(question), engine.examine(question)
    assert examined.answer.citations == answer.citations
    assert examined.passages == found.hits
    assert answer.citations[0].passage_id == found.hits[0].passage.id


def test_a_method_is_another_value(engine: Engine) -> None:
    dense = Engine.of(engine.library, "dense")
    assert (dense.search.dense_count, dense.search.lexical_count) == (200, 0)
    assert (dense.profile.weights.late, engine.profile.weights.late > 0) == (0, True)
    assert replace(dense, rank=engine.rank) != dense
    with pytest.raises(InputError, match="'magic'; expected one of dense, bm25"):
        Engine.of(engine.library, "magic")
