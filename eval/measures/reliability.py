"""Whether a confidence is a probability: reliability in bins, and the calibration error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 10  # as in Niculescu-Mizil and Caruana 2005


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of similar confidence: its mean, the share of answerable ones, their weight."""

    confidence: float
    answerable: float
    questions: float


def reliability(
    confidence: Sequence[float],
    answerable: Sequence[bool],
    importance: Sequence[float] | None = None,
) -> tuple[Bin, ...]:
    """Ten bins of equal width over [0, 1]; empty ones are left out.

    `importance` is how much each question counts, by default 1. The reliability diagram of
    Niculescu-Mizil and Caruana, "Predicting good probabilities", 2005.
    """
    values, truth = np.asarray(confidence, dtype=float), np.asarray(answerable, dtype=float)
    weights = np.ones(len(values)) if importance is None else np.asarray(importance, dtype=float)
    places = np.minimum((values * BINS).astype(int), BINS - 1)
    return tuple(
        Bin(
            float(np.average(values[inside], weights=weights[inside])),
            float(np.average(truth[inside], weights=weights[inside])),
            float(weights[inside].sum()),
        )
        for number in range(BINS)
        if (inside := places == number).any()
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: the mean distance between confidence and share.

    Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities", 2015.
    """
    total = sum(each.questions for each in bins)
    return sum(each.questions * abs(each.confidence - each.answerable) for each in bins) / total
