"""The fit of the confidence: recovers what made the data, and is fair to small sets."""

import math
import random

import pytest

from sourcebook.eval.calibration.fit import calibration, fit, left_out, speaking_threshold
from sourcebook.eval.calibration.questions import SignalRow
from sourcebook.eval.measures.abstention import auroc
from sourcebook.eval.measures.reliability import Bin, calibration_error, reliability
from sourcebook.index.errors import InputError
from sourcebook.service.asking.signals import Signals


def row(
    data: str = "d", article: str = "a", *, relevant: bool = True, answerable: bool, **facts: float
) -> SignalRow:
    zeros = dict.fromkeys(Signals.__slots__, 0.0)
    return SignalRow(
        data=data,
        article=article,
        answerable=answerable,
        relevant=relevant,
        signals=Signals(**{**zeros, **facts}),
    )


def made(count: int, seed: int = 0) -> list[SignalRow]:
    """Questions that are answerable by chance, as a logistic model of two signals says."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        dense, opposite = chance.gauss(0, 1), float(chance.random() < 0.3)
        likely = 1 / (1 + math.exp(-(0.5 + 2 * dense - 3 * opposite)))
        rows.append(
            row(
                article=f"a{number % 5}",
                answerable=chance.random() < likely,
                dense=dense,
                opposite=opposite,
                late=0.7,
            )
        )
    off = {"relevant": False, "answerable": False, "late": 0.1, "dense": -1.0}
    return rows + [row(article=f"a{number % 5}", **off) for number in range(50)]


def test_the_fit_finds_the_weights_that_made_the_data() -> None:
    own = [each for each in made(4000) if each.relevant]
    share = sum(each.answerable for each in own) / len(own)
    model = fit(own, ("dense", "opposite", "unfit"), lambda each: each.answerable, share)
    assert model.intercept == pytest.approx(0.5, abs=0.2)
    assert model.weights["dense"] == pytest.approx(2, abs=0.2)
    assert model.weights["opposite"] == pytest.approx(-3, abs=0.3)
    assert model.weights["unfit"] == 0  # always 0, so it says nothing


def test_no_set_is_known_by_its_share_of_answers() -> None:
    rows = [
        row(data, answerable=number < answerable, dense=dense)
        for data, dense, answerable in (("most", 1.0, 90), ("few", 0.0, 10))
        for number in range(100)
    ]
    model = fit(rows, ("dense",), lambda each: each.answerable, share=0.5)
    assert model.weights["dense"] == pytest.approx(0, abs=1e-6)
    assert model.intercept == pytest.approx(0, abs=1e-6)


def test_the_whole_calibration_and_its_threshold() -> None:
    rows = made(1000)
    fitted = calibration(rows)
    confidence = [fitted.confidence(each.signals) for each in rows]
    off = [value for each, value in zip(rows, confidence, strict=True) if not each.relevant]
    assert max(off) < 0.01
    refused = [
        value < fitted.partial
        for each, value in zip(rows, confidence, strict=True)
        if each.answerable
    ]
    assert sum(refused) / len(refused) <= 0.05
    assert (auroc(confidence, [each.answerable for each in rows]) or 0) > 0.85


def test_the_threshold_spares_every_set() -> None:
    rows = [row(data, answerable=True) for data in "ab" for _ in range(100)]
    rows.append(row("a", answerable=False))
    values = [n / 100 for n in range(100)] + [0.5 + n / 200 for n in range(100)] + [0.0]
    assert speaking_threshold(rows, values) == 0.04


def test_what_is_left_out_is_judged_by_the_others() -> None:
    rows = made(600)
    # One article whose questions are answerable just when no other's are.
    odd = [
        row(article="odd", answerable=not each.answerable, dense=each.signals.dense, late=0.7)
        for each in rows[:150]
        if each.relevant
    ]
    found = left_out([*rows, *odd], lambda each: each.article)
    truth = [each.answerable for each in odd]
    assert (auroc(found[-len(odd) :], truth) or 1) < 0.5


def test_reliability_by_hand() -> None:
    bins = reliability([0.1, 0.12, 0.92, 1.0, 0.98], [False, True, True, True, False])
    assert bins == (
        Bin(pytest.approx(0.11), 0.5, 2),
        Bin(pytest.approx(2.9 / 3), pytest.approx(2 / 3), 3),
    )
    # (2 * .39 + 3 * .3) / 5
    assert calibration_error(bins) == pytest.approx(0.336)
    weighted = reliability([0.1, 0.2 - 1e-9], [True, False], [3, 1])
    assert weighted == (Bin(pytest.approx(0.125), 0.75, 4),)


def test_one_kind_of_question_alone_is_refused() -> None:
    with pytest.raises(InputError, match="3 of 3 questions"):
        fit([row(answerable=True)] * 3, ("dense",), lambda each: each.answerable, share=0.5)
