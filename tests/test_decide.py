"""Confidence: two models worked by hand, and what it means on real questions."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from made import candidate, hit
from test_signals import ask

from sourcebook.index.library import Library
from sourcebook.index.profile import Calibration, Logistic
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.decide import Decide, confidence_of, probability, worth_quoting
from sourcebook.service.asking.engine import Engine

SIGNALS = ask("Who seized cocaine?").signals()  # late .7, dense .4
NEVER = Logistic(intercept=-99, weights={})
EVEN = Logistic(intercept=-3, weights={"late": 2, "dense": 4})  # -3 + 1.4 + 1.6 = 0
MODEL = Calibration(
    relevant=EVEN,
    detailed=Logistic(intercept=-1, weights={"unfit": -5, "dense": 2.5}),
    answered=0.6,
    unsaid=0.3,
)


def test_by_hand() -> None:
    assert probability(EVEN, SIGNALS) == pytest.approx(0.5)
    assert confidence_of(MODEL, SIGNALS) == pytest.approx(0.25)


def test_a_model_of_what_is_no_signal_is_refused() -> None:
    with pytest.raises(ValueError, match="no signals \\['lat'\\]"):
        Decide(replace(MODEL, relevant=Logistic(intercept=0, weights={"lat": 1})), 0.9)


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


def test_only_what_comes_close_to_the_best_is_quoted() -> None:
    scores = [1.0, 0.95, 0.9, 0.89, 0.5]
    hits = [hit(candidate(f"{score}", f"{score}"), score=score) for score in scores]
    assert [each.score for each in worth_quoting(hits, 0.9)] == [1.0, 0.95, 0.9]
    assert len(worth_quoting([hits[0]] * 9, 0.9)) == 4
    assert worth_quoting([], 0.9) == ()


def test_the_reasons_of_silence(engine: Engine, make_library: Callable[..., Library]) -> None:
    calibration = replace(engine.profile.calibration, detailed=NEVER)
    silent = replace(engine, decide=Decide(calibration, 0.9))
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
    relevant = Logistic(intercept=9, weights={})
    engine = replace(
        Engine.of(library), decide=Decide(replace(MODEL, relevant=relevant, detailed=NEVER), 0.9)
    )
    question = "When did Ana Gil chair the drug panel?"
    other = next(
        hit.article.id
        for hit in engine.examine(question).ranking.hits
        if "Gil" not in hit.passage.text
    )
    assert engine.ask(question).reason == "detail_missing"
    assert engine.ask(question, Filter(articles=(other,))).reason == "entity_missing:Ana Gil"
