"""Fits how signals become a probability: `python -m sourcebook.eval.runs.calibrate DATA...`."""

import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from sourcebook.eval.data.corpus import cached_library, corpus_articles, default_cache
from sourcebook.eval.data.judged import read_judged
from sourcebook.eval.data.task import corpus_task
from sourcebook.eval.measures.measures import auroc
from sourcebook.eval.measures.reliability import calibration_error, reliability
from sourcebook.index.article import Article
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError
from sourcebook.index.profile import Calibration, Logistic
from sourcebook.service.asking.decide import confidence_of
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.signals import NAMES, Signals, signals

RELEVANT = ("late", "dense")
DETAILED = tuple(name for name in NAMES if name != "late")
# Of the questions on a library's subjects, so many are taken to be answerable.
ANSWERABLE = 0.75
OFF_SUBJECT = 150  # questions of each other set
# The weight of the prior that a signal says nothing, in questions, for signals of variance 1.
RIDGE = 10.0
STEPS = 50
# From here on a false answer costs as much as a false refusal.
ANSWERED = 0.5
# So few of the answerable questions of any set may be refused; from there on the answer is partial.
REFUSED = 0.05
# Below this similarity the best passage does not say a word in other words: that holds for half
# of the words of questions off the subject (docs/decisions/0006-abstention.md).
UNSAID = 0.3
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A question of a data set and its signals; `relevant` when asked of its own corpus.

    `article` is the title of the best hit, so that folds can leave out an article.
    """

    data: str
    article: str
    answerable: bool
    relevant: bool
    signals: Signals


def main(
    data: Annotated[
        list[str], typer.Argument(help="BEIR folders, or QUESTIONS.jsonl::CORPUS for judged ones.")
    ],
    split: str = "dev",
) -> None:
    """Ask each set's questions of its own corpus, and some of the others' as off the subject.

    Prints the fit, and how it would do on articles and on sets that it has not seen. The sets must
    be on subjects that are far apart.
    """
    rows = list(ask_all(data, split))
    fitted = calibration(rows)
    unseen = left_out(rows, lambda row: (row.data, row.article))
    print(_constants(fitted))
    _print_alone(rows)
    thresholds = fitted.partial, fitted.answered
    seen = [confidence_of(fitted, row.signals) for row in rows]
    _print_whole("fitted on all", rows, seen, thresholds)
    _print_whole("without the article", rows, unseen, thresholds)
    if len(data) > 1:
        without = left_out(rows, lambda row: row.data)
        _print_whole("without the set", rows, without, thresholds)
    _print_reliability(rows, unseen)


def ask_all(data: Sequence[str], split: str) -> Iterator[Row]:
    """A row for each question of each set, and for some of the other sets' asked of its corpus."""
    sets = [_read(each, split) for each in data]
    encoder = Encoder()
    for name, (questions, articles) in zip(data, sets, strict=True):
        library, building = cached_library(articles, encoder, default_cache())
        for _ in building:
            pass
        others = [
            (text, False)
            for other, _ in sets
            if other is not questions
            for text, _ in random.Random(0).sample(other, min(OFF_SUBJECT, len(other)))
        ]
        engine = Engine.of(library)
        for relevant, asked in ((True, questions), (False, others)):
            for text, answerable in asked:
                found = engine.examine(text, limit=1)
                best = found.ranking.hits[0]
                seen = signals(found.query, best, found.ranking.weights)
                yield Row(
                    data=name,
                    article=best.article.metadata.title,
                    answerable=answerable,
                    relevant=relevant,
                    signals=seen,
                )
        library.close()


def _read(data: str, split: str) -> tuple[list[tuple[str, bool]], list[Article]]:
    path, _, corpus = data.partition("::")
    if corpus:
        judged = read_judged(Path(path))
        return [(q.question, q.answerable) for q in judged], corpus_articles(Path(corpus))
    task, articles = corpus_task(Path(path), split)
    return [(question.text, question.answerable) for question in task.questions], articles


def calibration(rows: Sequence[Row]) -> Calibration:
    """Both models, each fitted on the questions that it is about, and the thresholds."""
    own = [row for row in rows if row.relevant]
    fitted = Calibration(
        relevant=fit(rows, RELEVANT, lambda row: row.relevant, share=0.5),
        detailed=fit(own, DETAILED, lambda row: row.answerable, share=ANSWERABLE),
        answered=ANSWERED,
        partial=ANSWERED,
        unsaid=UNSAID,
    )
    confidence = [confidence_of(fitted, row.signals) for row in rows]
    return replace(fitted, partial=min(ANSWERED, speaking_threshold(rows, confidence)))


def left_out(rows: Sequence[Row], key: Callable[[Row], Hashable]) -> list[float]:
    """Each question's confidence from a fit without all that have the same key."""
    fitted = {
        each: calibration([row for row in rows if key(row) != each])
        for each in dict.fromkeys(map(key, rows))
    }
    return [confidence_of(fitted[key(row)], row.signals) for row in rows]


def speaking_threshold(rows: Sequence[Row], confidence: Sequence[float]) -> float:
    """The highest threshold at which no set has more than `REFUSED` of its answers refused."""
    found: dict[str, list[float]] = {}
    for row, value in zip(rows, confidence, strict=True):
        if row.answerable:
            found.setdefault(row.data, []).append(value)
    return min(float(np.quantile(values, REFUSED, method="lower")) for values in found.values())


def fit(
    rows: Sequence[Row], names: Sequence[str], truth: Callable[[Row], bool], share: float
) -> Logistic:
    """Logistic regression with a ridge, by Newton's method, on the named signals.

    Within each data set those that are true and those that are not count as `share` and the rest
    of its questions, whatever their numbers, so that no set is known by how many of it are true.
    Raises InputError where all are true, or none.
    """
    raw = np.array([[getattr(row.signals, name) for name in names] for row in rows], dtype=float)
    true = np.array([truth(row) for row in rows])
    if true.all() or not true.any():
        raise InputError(
            f"{int(true.sum())} of {len(true)} questions are what is to be told; expected some and "
            "others.",
            cure="Give sets with answerable and unanswerable questions, on different subjects.",
        )
    middle, spread = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-9)
    design = np.column_stack([np.ones(len(raw)), (raw - middle) / spread])
    importance = _importance([row.data for row in rows], true, share)
    ridge = np.array([0.0, *(RIDGE for _ in names)])
    weights = np.zeros(len(ridge))
    for _ in range(STEPS):
        probability = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (importance * (true - probability)) - ridge * weights
        curvature = importance * probability * (1 - probability)
        weights += np.linalg.solve((design.T * curvature) @ design + np.diag(ridge), gradient)
    scaled = weights[1:] / spread
    intercept = float(weights[0] - scaled @ middle)
    weighed = dict(zip(names, scaled.tolist(), strict=True))
    return Logistic(intercept=intercept, weights=weighed)


def _importance(sets: Sequence[str], true: NDArray[np.bool_], share: float) -> Values:
    """How much each question counts; on average 1."""
    sizes, groups = Counter(sets), Counter(zip(sets, true.tolist(), strict=True))
    return np.array(
        [
            sizes[name] * (share if is_true else 1 - share) / groups[name, is_true]
            for name, is_true in zip(sets, true.tolist(), strict=True)
        ]
    )


def _constants(fitted: Calibration) -> str:
    """The fit as Python."""
    models = {"relevant": fitted.relevant, "detailed": fitted.detailed}
    lines = [
        line
        for name, model in models.items()
        for line in (
            f"    {name}=Logistic(",
            f"        {model.intercept:.2f},",
            "        {",
            *(f'            "{each}": {weight:.2f},' for each, weight in model.weights.items()),
            "        },",
            "    ),",
        )
    ]
    thresholds = f"    answered={fitted.answered:.2f},\n    partial={fitted.partial:.2f},"
    return "\n".join(["CALIBRATION = Calibration(", *lines, thresholds, ")"])


def _print_alone(rows: Sequence[Row]) -> None:
    """What each signal tells alone of the questions on the subject: AUROC, and .5 is nothing."""
    sets = list(dict.fromkeys(row.data for row in rows))
    print("\nalone, against near misses:", ", ".join(sets))
    for name in NAMES:
        areas = [
            auroc(
                [getattr(row.signals, name) for row in rows if row.relevant and row.data == each],
                [row.answerable for row in rows if row.relevant and row.data == each],
            )
            for each in sets
        ]
        print(f"  {name:<20}", *(f"{area or 0:.3f}" for area in areas))


def _print_whole(
    title: str, rows: Sequence[Row], confidence: Sequence[float], thresholds: Sequence[float]
) -> None:
    """AUROC against near misses and against off the subject, and what would be answered."""
    print(f"\n{title}:")
    sets = list(dict.fromkeys(row.data for row in rows))
    for name in [*sets, "all"] if len(sets) > 1 else sets:
        pairs = [
            (row, value)
            for row, value in zip(rows, confidence, strict=True)
            if name in (row.data, "all")
        ]
        answerable = [value for row, value in pairs if row.answerable]
        near = [value for row, value in pairs if row.relevant and not row.answerable]
        off = [value for row, value in pairs if not row.relevant]
        kinds = {"answerable": answerable, "near misses": near, "off the subject": off}
        print(f"  {name}")
        for kind, values in kinds.items():
            told = auroc([*answerable, *values], [True] * len(answerable) + [False] * len(values))
            area = f"AUROC {told or 0:.3f}, " if kind != "answerable" else ""
            shares = [f"{t:.2f}: {np.mean([v >= t for v in values]):.3f}" for t in thresholds]
            print(f"    {kind} ({len(values)}): {area}at or above {', '.join(shares)}")


def _print_reliability(rows: Sequence[Row], confidence: Sequence[float]) -> None:
    """What confidence means, where as many of the questions are answerable as in the fit."""
    own = [(row, value) for row, value in zip(rows, confidence, strict=True) if row.relevant]
    answerable = [row.answerable for row, _ in own]
    importance = _importance([row.data for row, _ in own], np.array(answerable), ANSWERABLE)
    bins = reliability([value for _, value in own], answerable, importance.tolist())
    print(f"\nreliability on the subject, calibration error {calibration_error(bins):.3f}:")
    for each in bins:
        print(f"  {each.confidence:.2f} said, {each.answerable:.2f} true ({each.questions:.0f})")


if __name__ == "__main__":
    typer.run(main)
