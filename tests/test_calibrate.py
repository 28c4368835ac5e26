"""The fit of the confidence: recovers what made the data, and is fair to small sets."""

import json
import math
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY
from typer.testing import CliRunner, Result

from sourcebook.eval.calibration.fit import (
    calibration,
    fit,
    left_out,
    reading,
    short_model,
    short_rows,
    speaking_threshold,
    surest,
)
from sourcebook.eval.calibration.questions import ShortRow, SignalRow, ask_all, load_corpus
from sourcebook.eval.cli.app import app
from sourcebook.eval.measures.abstention import auroc
from sourcebook.eval.measures.reliability import Bin, calibration_error, reliability
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.reader import shipped_reader
from sourcebook.index.errors import InputError
from sourcebook.index.profile import profile_for, read_profile, shipped_profiles
from sourcebook.service.asking.decide import confidence_of
from sourcebook.service.asking.signals import Signals

GOLD = REPOSITORY / "eval" / "gold"


def row(
    data: str = "d",
    article: str = "a",
    *,
    relevant: bool = True,
    answerable: bool,
    hidden: bool = False,
    right: bool = False,
    short: ShortRow | None = None,
    **facts: float,
) -> SignalRow:
    zeros = dict.fromkeys(Signals.__slots__, 0.0)
    return SignalRow(
        data=data,
        article=article,
        answerable=answerable,
        relevant=relevant,
        hidden=hidden,
        right=right,
        short=short,
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


def read_rows(count: int, data: str = "d", shift: float = 0.0) -> list[SignalRow]:
    """Questions that a reader has read: its logit tells the answerable from the others."""
    chance = random.Random(count)
    rows = []
    for number in range(count):
        answerable = number % 2 == 0
        logit = chance.gauss(2.0 if answerable else -2.0, 1.0) + shift
        said = ShortRow(logit=logit, margin=logit, right=answerable and number % 20 != 0)
        rows.append(
            row(
                data,
                f"a{number % 5}",
                answerable=answerable,
                right=answerable and number % 4 == 0,
                short=said,
                logit=logit,
                best_logit=logit,
                late=0.7,
            )
        )
    off: dict[str, Any] = {"relevant": False, "answerable": False, "late": 0.1}
    return rows + [row(data, **off) for _ in range(50)]


def test_with_a_reader_nine_of_ten_right_answers_are_kept() -> None:
    rows = [*read_rows(800), *read_rows(80, "small", shift=-1.0)]
    known = shipped_profiles()[0].reading
    fitted = reading(rows, known)
    assert (fitted.count, fitted.order, fitted.further) == (
        known.count,
        known.order,
        known.further,
    )
    kept = {
        data: [
            confidence_of(fitted.calibration, each.signals) >= fitted.calibration.answered
            for each in rows
            if each.right and each.data == data
        ]
        for data in ("d", "small")
    }
    shares = [sum(values) / len(values) for values in kept.values()]
    # Each set weighs the same, however large it is.
    assert sum(shares) / 2 == pytest.approx(0.9, abs=0.03)
    assert set(fitted.calibration.detailed.weights).isdisjoint({"length"})
    assert fitted.calibration.detailed.weights["best_logit"] > 0
    shown = [
        each.right
        for each in short_rows(rows, fitted.calibration)
        if fitted.short.probability({"logit": each.logit, "margin": each.margin}) >= fitted.sure
    ]
    assert sum(shown) / len(shown) >= 0.85
    assert len(shown) > 100


def test_hidden_articles_give_near_misses_but_do_not_say_what_is_off_the_subject() -> None:
    own = [row(answerable=n > 3, late=0.7 + n % 3 / 100, sentence=1.0) for n in range(40)]
    off = [row(answerable=False, relevant=False, late=0.1) for _ in range(40)]
    hidden = [row(answerable=False, hidden=True, late=0.1) for _ in range(40)]
    before, after = calibration([*own, *off]), calibration([*own, *off, *hidden])
    assert after.relevant == before.relevant
    assert before.detailed.weights["sentence"] == pytest.approx(0, abs=1e-6)
    assert after.detailed.weights["sentence"] > 0.5


def test_without_judged_short_answers_their_model_stays() -> None:
    known = shipped_profiles()[0].reading
    fitted = reading([replace(each, short=None) for each in read_rows(200)], known)
    assert (fitted.short, fitted.sure) == (known.short, known.sure)
    assert fitted.calibration != known.calibration


def test_right_evidence_is_needed_for_a_threshold() -> None:
    rows = [replace(each, right=False) for each in read_rows(200)]
    with pytest.raises(InputError, match="No question has right evidence"):
        reading(rows, shipped_profiles()[0].reading)


def test_a_wide_margin_makes_a_short_answer_more_probable() -> None:
    chance = random.Random(0)
    rows = [
        ShortRow(logit=0.0, margin=chance.gauss(3.0 if right else 0.0, 1.0), right=right)
        for right in (True, False) * 100
    ]
    model = short_model(rows)
    assert model.probability({"logit": 0.0, "margin": 4.0}) > 0.8
    assert model.probability({"logit": 0.0, "margin": -1.0}) < 0.2


def test_the_surest_short_answers_by_hand() -> None:
    def found(*right: bool) -> list[ShortRow]:
        return [ShortRow(logit=0.0, margin=0.0, right=each) for each in right]

    six = found(True, True, True, True, True, True)
    assert surest([*six, *found(False)], [0.9, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]) == 0.4  # 6 of 7
    assert surest([*six, *found(False)], [0.9, 0.9, 0.8, 0.7, 0.6, 0.5, 0.7]) == 0.5
    assert surest(found(True, False), [0.9, 0.8]) == 0.9
    # Words that are as probable are shown together.
    assert surest(found(True, False), [0.9, 0.9]) == 1.0
    assert surest(found(False), [0.9]) == 1.0


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


@pytest.fixture
def gold(tmp_path: Path) -> str:
    """Every second question of the briefs, answerable and near misses: asking takes a minute."""
    files = []
    for name in ("answerable.dev.jsonl", "near.dev.jsonl"):
        files.append(tmp_path / name)
        files[-1].write_text("\n".join((GOLD / name).read_text("utf-8").splitlines()[::2]), "utf-8")
    return f"{files[0]},{files[1]}::{REPOSITORY}/seeds"


def calibrate(*arguments: object) -> Result:
    words = ["eval", "calibrate", "--split", "", *map(str, arguments)]
    return CliRunner().invoke(app, words)


def test_the_command_writes_a_profile_of_the_encoder(
    recipes: Path, gold: str, tmp_path: Path, encoder: Encoder
) -> None:
    file = tmp_path / "profile.json"
    done = calibrate(gold, recipes, "--profile", file, "--cache", tmp_path)
    assert done.exit_code == 0, done.output
    fitted = read_profile(file.read_text("utf-8"), str(file))
    before = profile_for(encoder.fingerprint)
    assert fitted.encoders == (encoder.fingerprint,)
    assert fitted.calibration != before.calibration
    assert fitted.reading.calibration.answered != before.reading.calibration.answered
    kept = replace(
        fitted.reading,
        calibration=before.reading.calibration,
        short=before.reading.short,
        sure=before.reading.sure,
    )
    assert (
        replace(fitted, calibration=before.calibration, encoders=before.encoders, reading=kept)
        == before
    )
    assert f"{encoder.name}, fitted on " in done.stdout
    for each in (fitted.calibration, fitted.reading.calibration):
        assert f"answered from a confidence of {each.answered:.2f}" in done.stdout
    assert "reliability without the article" in done.stdout


def test_the_rows_of_a_question(recipes: Path, gold: str, tmp_path: Path, encoder: Encoder) -> None:
    corpora = [load_corpus(each, "") for each in (gold, str(recipes))]
    rows = list(ask_all(corpora, encoder, tmp_path, shipped_reader()))
    briefs = [each for each in rows if each.data == gold]
    # 11 answerable questions, and again without their articles; 11 near misses; the questions about
    # recipes, which are off the subject of the briefs.
    assert Counter((r.relevant, r.answerable, r.hidden) for r in briefs) == {
        (True, True, False): 11,
        (True, False, True): 11,
        (True, False, False): 11,
        (False, False, False): 6,
    }
    assert not any(each.right for each in briefs if not each.answerable)
    assert sum(each.right for each in briefs) > 5
    short = [each.short for each in briefs if each.short]
    assert 0 < sum(each.right for each in short) < len(short)
    assert not any(each.short for each in briefs if each.hidden or not each.relevant)
    assert all(
        each.short and not each.short.right for each in briefs if not each.answerable and each.short
    )


def test_questions_off_the_subject_may_be_named(
    recipes: Path, tmp_path: Path, encoder: Encoder
) -> None:
    gold = load_corpus(f"{GOLD}/near.dev.jsonl::{REPOSITORY}/seeds", "")
    same = replace(gold, name="the same subject under another name")
    rows = list(ask_all([gold, same], encoder, tmp_path, off=[load_corpus(str(recipes), "")]))
    assert Counter(each.relevant for each in rows) == {True: 2 * 22, False: 2 * 6}


def test_one_data_set_is_not_enough(recipes: Path, tmp_path: Path) -> None:
    done = calibrate(recipes, "--cache", tmp_path)
    assert done.exit_code == 2
    assert "questions are of the class to recognise" in done.stderr
    assert "Give data sets on different subjects" in done.stderr
