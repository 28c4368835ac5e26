"""Confidence: two models worked by hand, and what it means on real questions."""

from collections.abc import Callable

import pytest
from test_signals import ask

from sourcebook.index.library import Library
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import Status
from sourcebook.service.asking.confidence import CALIBRATION, Calibration, Logistic
from sourcebook.service.asking.engine import Engine

SIGNALS = ask("Who seized cocaine?").signals()  # late .7, dense .4
EVEN = Logistic(-3, {"late": 2, "dense": 4})  # -3 + 1.4 + 1.6 = 0
MODEL = Calibration(
    relevant=EVEN, detailed=Logistic(-1, {"unfit": -5, "dense": 2.5}), answered=0.6, partial=0.4
)


def test_by_hand() -> None:
    assert EVEN(SIGNALS) == pytest.approx(0.5)
    assert MODEL.confidence(SIGNALS) == pytest.approx(0.25)
    assert MODEL.confidence(None) == 0


def test_thresholds() -> None:
    statuses = [MODEL.status(value) for value in (0.6, 0.59, 0.4, 0.39, 0)]
    assert statuses == ["answered", "partial", "partial", "not_in_library", "not_in_library"]
    assert CALIBRATION.status(0.0) is Status.NOT_IN_LIBRARY


def test_a_model_of_what_is_no_signal_is_refused() -> None:
    with pytest.raises(ValueError, match="no signals \\['lat'\\]"):
        Logistic(0, {"lat": 1})


@pytest.mark.parametrize(
    ("question", "worse"),
    [
        ("Who ended aerial spraying?", "Who never ended aerial spraying?"),
        ("How much cocaine was seized in 2024?", "How much cocaine was seized in 2019?"),
        ("When was Colombia decertified?", "When was Colombia certified?"),
    ],
)
def test_what_makes_a_question_unanswerable_lowers_the_confidence(
    engine: Engine, question: str, worse: str
) -> None:
    assert engine.ask(worse).confidence < engine.ask(question).confidence


def test_the_reasons_of_silence(engine: Engine, make_library: Callable[..., Library]) -> None:
    silent = Engine.of(
        engine.library,
        calibration=Calibration(
            relevant=CALIBRATION.relevant, detailed=Logistic(-99), answered=0.5, partial=0.1
        ),
    )
    why = {
        question: silent.ask(question).reason
        for question in (
            "What is the best pizza in Naples?",
            "How much cocaine did Emmanuel Macron seize in Colombia?",
            "How much cocaine did Colombia seize in 1871?",
            "How much cocaine did Colombia seize in 2024?",
        )
    }
    assert list(why.values()) == [
        "nothing_relevant",
        "entity_missing:Emmanuel Macron",
        "entity_missing:1871",
        "detail_missing",
    ]


def test_a_name_is_missing_where_the_filter_hides_it(
    make_library: Callable[..., Library],
) -> None:
    library = make_library(
        ana="Ana Gil chairs the drug panel. The panel meets in Vienna every March.",
        bo="The drug panel has nineteen experts. The drug panel meets in Vienna.",
    )
    never = Calibration(relevant=Logistic(9), detailed=Logistic(-99), answered=0.5, partial=0.1)
    engine = Engine.of(library, calibration=never)
    question = "When did Ana Gil chair the drug panel?"
    other = next(
        hit.article.id for hit in engine.rank(question).hits if "Gil" not in hit.passage.text
    )
    assert engine.ask(question).reason == "detail_missing"
    assert engine.ask(question, Filter(articles=(other,))).reason == "entity_missing:Ana Gil"
