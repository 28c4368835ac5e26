"""Fits the logistic models and thresholds that turn signals into a confidence and a status."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sourcebook.eval.calibration.questions import SignalRow
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError
from sourcebook.index.profile import Calibration, Logistic, Profile, profile_for
from sourcebook.service.asking.decide import confidence_of
from sourcebook.service.asking.signals import NAMES

# docs/decisions/0006-abstention.md says which signals each model gets, and why.
RELEVANT = ("late", "dense")
DETAILED = tuple(name for name in NAMES if name != "late")
# The share of questions on a library's subjects that are assumed to be answerable (decision 6).
ANSWERABLE = 0.75
# The weight of the prior that a signal says nothing, in questions, for signals of variance 1.
RIDGE = 10.0
STEPS = 50  # of Newton's method: more than it needs to converge
# At this confidence a false answer costs as much as a false refusal (decision 6).
ANSWERED = 0.5
# The share of any set's answerable questions that may be refused (decision 6).
REFUSED = 0.05
# A word counts as said in other words if the best passage matches it at least this well; half of
# the words of questions off the subject match less (decision 6).
UNSAID = 0.3
Values = NDArray[np.float64]


def fit_profile(rows: Sequence[SignalRow], encoder: Encoder) -> Profile:
    """The profile of `encoder` with a calibration fitted on `rows`; all else stays as it was."""
    return replace(
        profile_for(encoder.fingerprint),
        name=encoder.name,
        encoders=(encoder.fingerprint,),
        calibration=calibration(rows),
    )


def calibration(rows: Sequence[SignalRow]) -> Calibration:
    """Both models, each fitted on its own kind of question, and the thresholds.

    Raises InputError if a model has only one class of questions to tell apart.
    """
    own = [row for row in rows if row.relevant]
    fitted = Calibration(
        relevant=fit(rows, RELEVANT, lambda row: row.relevant, share=0.5),
        detailed=fit(own, DETAILED, lambda row: row.answerable, share=ANSWERABLE),
        answered=ANSWERED,
        unsaid=UNSAID,
    )
    confidence = [confidence_of(fitted, row.signals) for row in rows]
    return replace(fitted, answered=min(ANSWERED, speaking_threshold(rows, confidence)))


def left_out(rows: Sequence[SignalRow], key: Callable[[SignalRow], Hashable]) -> list[float]:
    """The confidence of each question, from a fit without the questions that share its key."""
    fitted = {
        each: calibration([row for row in rows if key(row) != each])
        for each in dict.fromkeys(map(key, rows))
    }
    return [confidence_of(fitted[key(row)], row.signals) for row in rows]


def speaking_threshold(rows: Sequence[SignalRow], confidence: Sequence[float]) -> float:
    """The highest threshold that refuses at most `REFUSED` of any set's answerable questions."""
    found: dict[str, list[float]] = {}
    for row, value in zip(rows, confidence, strict=True):
        if row.answerable:
            found.setdefault(row.data, []).append(value)
    return min(float(np.quantile(values, REFUSED, method="lower")) for values in found.values())


def fit(
    rows: Sequence[SignalRow],
    names: Sequence[str],
    truth: Callable[[SignalRow], bool],
    share: float,
) -> Logistic:
    """Logistic regression with a ridge, by Newton's method, on the named signals.

    Within each data set, true questions weigh `share` and false ones the rest, whatever their
    numbers, so that the share of true questions does not identify a set. Raises InputError if all
    are true, or none.
    """
    raw = np.array([[getattr(row.signals, name) for name in names] for row in rows], dtype=float)
    true = np.array([truth(row) for row in rows])
    if true.all() or not true.any():
        raise InputError(
            f"{int(true.sum())} of {len(true)} questions are of the class to recognise; expected "
            "some of both classes.",
            cure="Give data sets on different subjects, with unanswerable questions among them.",
        )
    middle, spread = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-9)
    design = np.column_stack([np.ones(len(raw)), (raw - middle) / spread])
    importance = importance_of([row.data for row in rows], true, share)
    ridge = np.array([0.0, *(RIDGE for _ in names)])
    weights = np.zeros(len(ridge))
    for _ in range(STEPS):
        probability = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (importance * (true - probability)) - ridge * weights
        curvature = importance * probability * (1 - probability)
        weights += np.linalg.solve((design.T * curvature) @ design + np.diag(ridge), gradient)
    scaled = weights[1:] / spread
    intercept = float(weights[0] - scaled @ middle)
    weights_of = dict(zip(names, scaled.tolist(), strict=True))
    return Logistic(intercept=intercept, weights=weights_of)


def importance_of(sets: Sequence[str], true: NDArray[np.bool_], share: float) -> Values:
    """How much each question counts; 1 on average."""
    sizes, groups = Counter(sets), Counter(zip(sets, true.tolist(), strict=True))
    return np.array(
        [
            sizes[name] * (share if is_true else 1 - share) / groups[name, is_true]
            for name, is_true in zip(sets, true.tolist(), strict=True)
        ]
    )
