"""Fits the logistic models and thresholds that turn signals into a confidence and a status."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sourcebook.eval.calibration.questions import ShortRow, SignalRow
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError
from sourcebook.index.profile import Calibration, Logistic, Profile, ReadingProfile
from sourcebook.service.asking.decide import confidence_of
from sourcebook.service.asking.signals import NAMES

# docs/decisions/0006-abstention.md says which signals each model gets, and why.
RELEVANT = ("late", "dense")
RELEVANT_READ = (*RELEVANT, "best_logit")
READ = ("best_logit", "logit")
DETAILED = tuple(name for name in NAMES if name not in ("late", *READ))
# With a reader. `length` is left out: it tells who wrote a question, not whether it has an answer.
DETAILED_READ = (*READ, "late", "dense", "missing", "name_missing", "number_missing", "unfit")
# The share of questions on a library's subjects that are assumed to be answerable (decision 6).
ANSWERABLE = 0.75
# The weight of the prior that a signal says nothing, in questions, for signals of variance 1.
RIDGE = 10.0
# The same for short answers, of which few are judged.
SHORT_RIDGE = 1.0
STEPS = 50  # of Newton's method: more than it needs to converge
# At this confidence a false answer costs as much as a false refusal (decision 6).
ANSWERED = 0.5
# The share of any set's answerable questions that may be refused (decision 6).
REFUSED = 0.05
# With a reader: the share of the answerable questions with right evidence that may be refused, and
# the share of the short answers that have to be right (decision 20).
RIGHT_REFUSED = 0.1
SHORT_RIGHT = 0.85
# A word counts as said in other words if the best passage matches it at least this well; half of
# the words of questions off the subject match less (decision 6).
UNSAID = 0.3
Values = NDArray[np.float64]


def fit_profile(
    rows: Sequence[SignalRow], encoder: Encoder, read: Sequence[SignalRow] = ()
) -> Profile:
    """The profile of `encoder` with a calibration fitted on `rows`; all else stays as it was.

    With `read`, the rows of the same questions with a reader, what belongs to the reader is fitted
    on them, too.
    """
    known = encoder.profile
    return replace(
        known,
        name=encoder.name,
        encoders=(encoder.fingerprint,),
        calibration=calibration(rows),
        reading=reading(read, known.reading) if read else known.reading,
    )


def calibration(rows: Sequence[SignalRow]) -> Calibration:
    """Both models, each fitted on its own kind of question, and the thresholds.

    Raises InputError if a model has only one class of questions to tell apart.
    """
    fitted = _models(rows, RELEVANT, DETAILED)
    confidence = [confidence_of(fitted, row.signals) for row in rows]
    return replace(fitted, answered=min(ANSWERED, speaking_threshold(rows, confidence)))


def reading_calibration(rows: Sequence[SignalRow]) -> Calibration:
    """As `calibration`, for signals with a reader's logits; another rule for the threshold.

    `answered` keeps 90 % of the answerable questions whose first evidence is right; each data set
    weighs the same. Raises InputError if a model has only one class, or no evidence is right.
    """
    fitted = _models(rows, RELEVANT_READ, DETAILED_READ)
    right = [row for row in rows if row.answerable and row.right]
    if not right:
        raise InputError(
            "No question has right evidence; expected some to choose a threshold by.",
            cure="Check that the articles are those that the questions were judged on.",
        )
    sizes = Counter(row.data for row in right)
    weighed = sorted((confidence_of(fitted, r.signals), 1 / sizes[r.data]) for r in right)
    below = np.cumsum([weight for _, weight in weighed]) / len(sizes)
    return replace(fitted, answered=weighed[int(np.searchsorted(below, RIGHT_REFUSED))][0])


def _models(
    rows: Sequence[SignalRow], relevant: Sequence[str], detailed: Sequence[str]
) -> Calibration:
    """Both models. Questions whose articles were hidden do not say what is off the subject."""
    shown = [row for row in rows if not row.hidden]
    own = [row for row in rows if row.relevant]
    return Calibration(
        relevant=fit(shown, relevant, lambda row: row.relevant, share=0.5),
        detailed=fit(own, detailed, lambda row: row.answerable, share=ANSWERABLE),
        answered=ANSWERED,
        unsaid=UNSAID,
    )


def reading(rows: Sequence[SignalRow], known: ReadingProfile) -> ReadingProfile:
    """What belongs to a reader, fitted on rows with its logits; order and evidence stay as known.

    The model of short answers stays, too, if none were judged, or all of them alike.
    """
    fitted = replace(known, calibration=reading_calibration(rows))
    given = short_rows(rows, fitted.calibration)
    if len({row.right for row in given}) < 2:
        return fitted
    fitted = replace(fitted, short=short_model(given))
    return replace(fitted, sure=surest(given, [short_probability(fitted, row) for row in given]))


def short_rows(rows: Sequence[SignalRow], fitted: Calibration) -> list[ShortRow]:
    """The short answers of the questions that are answered, of those whose articles were shown."""
    return [
        row.short
        for row in rows
        if row.short and not row.hidden and confidence_of(fitted, row.signals) >= fitted.answered
    ]


def short_model(rows: Sequence[ShortRow]) -> Logistic:
    """How probably a short answer is right, by its logit and its margin."""
    values = [[row.logit, row.margin] for row in rows]
    right, same = [row.right for row in rows], np.ones(len(rows))
    return _logistic(values, ("logit", "margin"), right, same, SHORT_RIDGE)


def short_probability(profile: ReadingProfile, row: ShortRow) -> float:
    """What the profile makes of a short answer."""
    return profile.short.probability({"logit": row.logit, "margin": row.margin})


def surest(rows: Sequence[ShortRow], probability: Sequence[float]) -> float:
    """The lowest probability from which on 85 % of the short answers are right; 1 for none."""
    ranked = sorted(zip(probability, (row.right for row in rows), strict=True), reverse=True)
    right = np.cumsum([is_right for _, is_right in ranked])
    shares = right / np.arange(1, len(ranked) + 1)
    last = [n + 1 == len(ranked) or ranked[n + 1][0] < ranked[n][0] for n in range(len(ranked))]
    held = np.flatnonzero((shares >= SHORT_RIGHT) & last)
    return ranked[int(held[-1])][0] if len(held) else 1.0


Calibrate = Callable[[Sequence[SignalRow]], Calibration]


def left_out(
    rows: Sequence[SignalRow],
    key: Callable[[SignalRow], Hashable],
    calibrate: Calibrate = calibration,
) -> list[float]:
    """The confidence of each question, from a fit without the questions that share its key."""
    fitted = {
        each: calibrate([row for row in rows if key(row) != each])
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
    values = [[getattr(row.signals, name) for name in names] for row in rows]
    true = [truth(row) for row in rows]
    if all(true) or not any(true):
        raise InputError(
            f"{sum(true)} of {len(true)} questions are of the class to recognise; expected "
            "some of both classes.",
            cure="Give data sets on different subjects, with unanswerable questions among them.",
        )
    # Hidden articles are sets of their own, because there are more of them than near misses.
    sets = [(row.data, row.hidden) for row in rows]
    importance = importance_of(sets, np.array(true), share)
    return _logistic(values, names, true, importance, RIDGE)


def _logistic(
    values: Sequence[Sequence[float]],
    names: Sequence[str],
    truth: Sequence[bool],
    importance: Values,
    prior: float,
) -> Logistic:
    """Logistic regression of the truth on values (rows, names), each row of some importance."""
    raw, true = np.array(values, dtype=float), np.array(truth)
    middle, spread = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-9)
    design = np.column_stack([np.ones(len(raw)), (raw - middle) / spread])
    ridge = np.array([0.0, *(prior for _ in names)])
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


def importance_of(sets: Sequence[Hashable], true: NDArray[np.bool_], share: float) -> Values:
    """How much each question counts; 1 on average."""
    sizes, groups = Counter(sets), Counter(zip(sets, true.tolist(), strict=True))
    return np.array(
        [
            sizes[name] * (share if is_true else 1 - share) / groups[name, is_true]
            for name, is_true in zip(sets, true.tolist(), strict=True)
        ]
    )
