"""The fit of the confidence: recovers what made the data, and is fair to small sets."""

import json
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY
from typer.testing import CliRunner, Result

from sourcebook.eval.calibration.fit import calibration, fit, left_out, speaking_threshold
from sourcebook.eval.calibration.questions import SignalRow, ask_all, load_corpus
from sourcebook.eval.cli.app import app
from sourcebook.eval.measures.abstention import auroc
from sourcebook.eval.measures.reliability import Bin, calibration_error, reliability
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError
from sourcebook.index.profile import profile_for, read_profile
from sourcebook.service.asking.decide import confidence_of, probability
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
    off: dict[str, Any] = {"relevant": False, "answerable": False, "late": 0.1, "dense": -1.0}
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
    confidence = [confidence_of(fitted, each.signals) for each in rows]
    off = [value for each, value in zip(rows, confidence, strict=True) if not each.relevant]
    assert max(off) < 0.01
    refused = [
        value < fitted.answered
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


def near(confidence: float, right: float, count: int) -> Bin:
    """Equal to a bin of about these values."""
    about: Any = pytest.approx
    return Bin(about(confidence), about(right), count)


def test_reliability_by_hand() -> None:
    bins = reliability([0.1, 0.12, 0.92, 1.0, 0.98], [False, True, True, True, False])
    assert bins == (
        near(0.11, 0.5, 2),
        near(2.9 / 3, 2 / 3, 3),
    )
    # (2 * .39 + 3 * .3) / 5
    assert calibration_error(bins) == pytest.approx(0.336)
    weighted = reliability([0.1, 0.2 - 1e-9], [True, False], [3, 1])
    assert weighted == (near(0.125, 0.75, 4),)


def test_one_kind_of_question_alone_is_refused() -> None:
    with pytest.raises(InputError, match="3 of 3 questions"):
        fit([row(answerable=True)] * 3, ("dense",), lambda each: each.answerable, share=0.5)


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    """A BEIR folder on a subject of its own: six recipes, and a question for each."""
    dishes = ("bread", "soup", "stew", "salad", "cake", "rice")
    texts = {
        dish: f"Cook the {dish} for {n + 3} minutes, then salt it." for n, dish in enumerate(dishes)
    }
    documents = [{"_id": dish, "title": dish, "text": text} for dish, text in texts.items()]
    queries = [{"_id": dish, "text": f"How long does {dish} cook?"} for dish in dishes]
    folder = tmp_path / "recipes"
    folder.mkdir()
    for name, rows in {"corpus": documents, "queries": queries}.items():
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    qrels = "".join(f"{dish}\t{dish}\t1\n" for dish in dishes)
    (folder / "qrels.tsv").write_text(qrels, encoding="utf-8")
    return folder


def calibrate(*arguments: object) -> Result:
    words = ["eval", "calibrate", "--split", "", *map(str, arguments)]
    return CliRunner().invoke(app, words)


def test_the_command_writes_a_profile_of_the_encoder(
    recipes: Path, tmp_path: Path, encoder: Encoder
) -> None:
    gold = f"{REPOSITORY}/eval/gold/seeds.jsonl::{REPOSITORY}/seeds"
    file = tmp_path / "profile.json"
    done = calibrate(gold, recipes, "--profile", file, "--cache", tmp_path)
    assert done.exit_code == 0, done.output
    fitted = read_profile(file.read_text("utf-8"), str(file))
    before = profile_for(encoder.fingerprint)
    assert fitted.encoders == (encoder.fingerprint,)
    assert fitted.calibration != before.calibration
    assert replace(fitted, calibration=before.calibration, encoders=before.encoders) == before
    assert f"{encoder.name}, fitted on " in done.stdout
    assert f"answered from a confidence of {fitted.calibration.answered:.2f}" in done.stdout
    assert "reliability without the article" in done.stdout
    # All recipes are answerable, so they alone do not say what a near miss is.
    assert "without the set: the rest lacks questions of one kind" in done.stdout
    # Questions about recipes are off the subject of the briefs, and the other way round.
    corpora = [load_corpus(each, "") for each in (gold, str(recipes))]
    rows = list(ask_all(corpora, encoder, tmp_path))
    assert len(rows) == 2 * (86 + 6)
    relevant = [probability(fitted.calibration.relevant, row.signals) for row in rows]
    assert (auroc(relevant, [row.relevant for row in rows]) or 0) > 0.95


def test_one_data_set_is_not_enough(recipes: Path, tmp_path: Path) -> None:
    done = calibrate(recipes, "--cache", tmp_path)
    assert done.exit_code == 2
    assert "questions are of the class to recognise" in done.stderr
    assert "Give data sets on different subjects" in done.stderr
