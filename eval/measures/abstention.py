"""How well a system knows when to answer and when to stay silent."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.errors import InputError


@dataclass(frozen=True, slots=True)
class Decision:
    """One question: how confident the system was, whether it answered, and the truth.

    `right`: the answer contains the evidence. An answer to an unanswerable question is never right.
    """

    confidence: float
    answered: bool
    answerable: bool
    right: bool

    def __post_init__(self) -> None:
        """Refuse a confidence that is not finite, and a right answer where there is none."""
        if not np.isfinite(self.confidence):
            raise InputError(f"The confidence is {self.confidence}; expected a finite number.")
        if self.right and not self.answerable:
            raise InputError("An unanswerable question has no right answer.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """How well a system knows when not to answer; shares from 0 to 1, None where undefined.

    `auroc`: the chance that an answerable question gets a higher confidence than an unanswerable
    one. `aurc`: the area under the risk-coverage curve; less is better. `accuracy`: the share of
    questions that were rightly answered or rightly refused, whatever the answer says.
    `false_answers`: the share of unanswerable questions that were answered. `false_refusals`: the
    share of answerable questions that were not. `curve`: (coverage, risk) points.
    """

    answerable: int
    unanswerable: int
    auroc: float | None
    aurc: float
    accuracy: float
    false_answers: float | None
    false_refusals: float | None
    curve: tuple[tuple[float, float], ...]


def measure_abstention(decisions: Sequence[Decision]) -> Abstention:
    """Measure abstention over all questions. Raises InputError if there are none."""
    if not decisions:
        raise InputError("No decisions; expected at least one question.")
    answerable = [each for each in decisions if each.answerable]
    others = [each for each in decisions if not each.answerable]
    confidence = [each.confidence for each in decisions]
    right = [each.right for each in decisions]
    return Abstention(
        answerable=len(answerable),
        unanswerable=len(others),
        auroc=auroc(confidence, [each.answerable for each in decisions]),
        aurc=aurc(confidence, right),
        accuracy=float(np.mean([each.answered == each.answerable for each in decisions])),
        false_answers=_mean([each.answered for each in others]),
        false_refusals=_mean([not each.answered for each in answerable]),
        curve=risk_coverage(confidence, right),
    )


def _mean(values: Sequence[bool]) -> float | None:
    return float(np.mean(values)) if values else None


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """The chance that a positive scores higher than a negative; None if a class is empty.

    Ties count half. Computed from ranks, as the statistic of Mann and Whitney (Hanley and McNeil
    1982).
    """
    mask = np.asarray(positive, dtype=bool)
    n, m = int(mask.sum()), int((~mask).sum())
    if not n or not m:
        return None
    _, group, sizes = np.unique(
        np.asarray(scores, dtype=float), return_inverse=True, return_counts=True
    )
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[group]  # equal scores share their middle rank
    return float((ranks[mask].sum() - n * (n + 1) / 2) / (n * m))


def accuracy_at(threshold: float, scores: Sequence[float], answerable: Sequence[bool]) -> float:
    """The share of right decisions if questions at or above `threshold` were answered."""
    return float(np.mean((np.asarray(scores) >= threshold) == np.asarray(answerable, dtype=bool)))


def risk_coverage(
    confidence: Sequence[float], right: Sequence[bool]
) -> tuple[tuple[float, float], ...]:
    """(coverage, risk) if only the most confident were answered (El-Yaniv and Wiener 2010).

    Risk is the share of wrong answers. Questions with equal confidence are answered together, so
    there is one point per distinct confidence, in order of growing coverage.
    """
    order, wrong, last = _by_confidence(confidence, right)
    counts = np.arange(1, len(order) + 1)
    points = zip(counts[last] / len(order), np.cumsum(wrong)[last] / counts[last], strict=True)
    return tuple((float(coverage), float(risk)) for coverage, risk in points)


def aurc(confidence: Sequence[float], right: Sequence[bool]) -> float:
    """The mean risk over the coverages 1/n, 2/n, ... 1 (Geifman, Uziel and El-Yaniv 2019).

    For questions with equal confidence it is the expectation over their orders, so the order of
    the input does not matter.
    """
    order, wrong, last = _by_confidence(confidence, right)
    ends = np.flatnonzero(last) + 1
    sizes = np.diff(ends, prepend=0)
    shared = np.add.reduceat(wrong, ends - sizes) / sizes
    errors = np.cumsum(np.repeat(shared, sizes))
    return float(np.mean(errors / np.arange(1, len(order) + 1)))


def _by_confidence(
    confidence: Sequence[float], right: Sequence[bool]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Positions by falling confidence, their errors, and where each group of equals ends."""
    values = np.asarray(confidence, dtype=float)
    order = np.argsort(-values, kind="stable")
    wrong = 1.0 - np.asarray(right, dtype=float)[order]
    last = np.append(np.diff(values[order]) != 0, True)
    return order, wrong, last
