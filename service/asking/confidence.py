"""How sure the answer is: signals become a probability, and the probability a status."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from sourcebook.service.asking.answer import Status
from sourcebook.service.asking.signals import Signals

NAMES = tuple(field.name for field in fields(Signals))


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic model: a probability from an intercept and one weight for each signal it reads."""

    intercept: float
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := set(self.weights) - set(NAMES):
            raise ValueError(f"there are no signals {sorted(unknown)}; there are {NAMES}")

    def __call__(self, signals: Signals) -> float:
        """The probability that these signals mean."""
        weighted = (weight * getattr(signals, name) for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-self.intercept - sum(weighted)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Two logistic models, and the thresholds on what they say together.

    `relevant` tells questions on the library's subjects from others; `detailed`, among the former,
    those that the best hit answers from near misses. An answer is given from the confidence
    `partial` on, and without reservation from `answered` on.
    """

    relevant: Logistic
    detailed: Logistic
    answered: float
    partial: float

    def confidence(self, signals: Signals | None) -> float:
        """The probability that the best hit answers the question; 0 without any hit."""
        return self.relevant(signals) * self.detailed(signals) if signals else 0.0

    def status(self, confidence: float) -> Status:
        """What that much confidence allows to say."""
        if confidence >= self.answered:
            return Status.ANSWERED
        return Status.PARTIAL if confidence >= self.partial else Status.NOT_IN_LIBRARY

    def is_relevant(self, signals: Signals) -> bool:
        """Whether the question is more likely on the library's subjects than off them."""
        return self.relevant(signals) >= 0.5


# Printed by `python -m sourcebook.eval.runs.calibrate`; docs/decisions/0006-abstention.md.
CALIBRATION = Calibration(
    relevant=Logistic(
        -17.12,
        {
            "late": 31.49,
            "dense": 5.29,
        },
    ),
    detailed=Logistic(
        -1.95,
        {
            "dense": 2.56,
            "sentence": 0.45,
            "weakest": 1.31,
            "missing": -0.95,
            "name_missing": -0.80,
            "number_missing": -1.44,
            "negated": -0.96,
            "negation_unmatched": -2.06,
            "opposite": -2.72,
            "unfit": -0.26,
            "length": 0.72,
        },
    ),
    answered=0.50,
    partial=0.13,
)
