"""How certain a figure is: bootstrap intervals, paired randomisation tests, Holm's correction."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.errors import InputError

Vector: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Sequence[float] | Vector

RESAMPLES = 2_000  # Efron and Tibshirani 1993, ch. 13: at least 1,000 for percentile intervals
PERMUTATIONS = 10_000  # the standard error of a p value near .05 is then .002
EXACT_UP_TO = 16  # 2**16 sign patterns: as fast as the sampled test, and exact
BLOCK = 2**17  # cells drawn at once: a megabyte stays in the cache, 6 times as fast as 2**21
# Sums that are equal in exact arithmetic may differ in their last digits. Smucker et al. count
# differences "at least as large", so equality must not depend on rounding.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Interval:
    """The mean of `n` values and its confidence interval `[low, high]`."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Paired:
    """Two runs on the same questions: `difference` is the mean of second minus first.

    `p` is two-sided, for the hypothesis that the runs are interchangeable. `wins`, `losses` and
    `ties` count the questions on which the second run is better, worse or equal.
    """

    difference: float
    p: float
    wins: int
    losses: int
    ties: int


def bootstrap(
    values: Values, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """The percentile bootstrap interval of a mean (Efron and Tibshirani 1993, ch. 13).

    Questions are drawn with replacement; the same seed gives the same interval. If all values are
    equal, the interval has no width. Raises InputError for no values, or one that is not finite.
    """
    data = _checked(values)
    if not 0 < level < 1:
        raise InputError(f"The level is {level}; expected one between 0 and 1.")
    means = np.concatenate(
        [data[drawn].mean(axis=1) for drawn in _drawn(len(data), resamples, seed)]
    )
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(data.mean()), float(low), float(high), len(data))


def _drawn(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.int32]]:
    """Rows of `n` positions drawn with replacement, in blocks."""
    rng = np.random.default_rng(seed)
    for rows in _blocks(n, resamples):
        yield rng.integers(0, n, size=(rows, n), dtype=np.int32)


def _blocks(width: int, rows: int) -> Iterator[int]:
    step = max(1, BLOCK // width)
    for start in range(0, rows, step):
        yield min(step, rows - start)


def paired_test(
    first: Values,
    second: Values,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Paired:
    """The paired randomisation test on the difference of means (Smucker, Allan, Carterette 2007).

    Under the hypothesis, the difference on each question could as well have the other sign. With
    at most 16 differences that are not zero, all patterns of signs are counted. Otherwise
    `permutations` patterns are drawn, and the observed one is counted as one more, so that p is
    never 0 (Phipson and Smyth 2010). Values are matched by position. Raises InputError for unequal
    lengths.
    """
    if len(first) != len(second):
        raise InputError(f"{len(first)} values against {len(second)}; expected pairs.")
    differences = _checked(second) - _checked(first)
    changed = differences[differences != 0]
    return Paired(
        difference=float(differences.mean()),
        p=_sign_flip(changed, permutations, seed),
        wins=int((changed > 0).sum()),
        losses=int((changed < 0).sum()),
        ties=len(differences) - len(changed),
    )


def _sign_flip(changed: Vector, permutations: int, seed: int) -> float:
    """The two-sided p of the sum of `changed`, which has no zeros: their sign would not matter."""
    if len(changed) == 0:
        return 1.0
    observed = abs(changed.sum()) - ROUNDING * np.abs(changed).sum()
    if len(changed) <= EXACT_UP_TO:
        return float((np.abs(_all_sums(changed)) >= observed).mean())
    extreme = sum(int((np.abs(s) >= observed).sum()) for s in _sums(changed, permutations, seed))
    return (extreme + 1) / (permutations + 1)


def _all_sums(changed: Vector) -> Vector:
    """The sum under each of the 2**n patterns of signs."""
    sums = np.zeros(1)
    for value in changed:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _sums(changed: Vector, permutations: int, seed: int) -> Iterator[Vector]:
    """The sums under patterns of signs drawn at random, in blocks."""
    rng = np.random.default_rng(seed)
    for rows in _blocks(len(changed), permutations):
        coins = rng.integers(0, 256, size=(rows, -(-len(changed) // 8)), dtype=np.uint8)
        flipped = np.unpackbits(coins, axis=1, count=len(changed))
        yield changed.sum() - 2 * (flipped.astype(np.float64) @ changed)


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """The p values corrected for their number, in the given order (Holm 1979).

    The k-th smallest of m is multiplied by m - k + 1; it never falls below the one before it and
    never exceeds 1. Rejecting the values below a level keeps the chance of any false rejection
    below that level.
    """
    if not all(0 <= p <= 1 for p in ps):
        raise InputError(f"The p values are {list(ps)}; expected values between 0 and 1.")
    corrected = [0.0] * len(ps)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        largest = max(largest, min(1.0, ps[place] * (len(ps) - rank)))
        corrected[place] = largest
    return tuple(corrected)


def by_type(values: Mapping[str, float], types: Mapping[str, str]) -> dict[str, Interval]:
    """The mean of each question type with its interval, types in alphabetical order.

    `values` and `types` are by question id; questions with an empty type are left out.
    """
    groups: dict[str, list[float]] = defaultdict(list)
    for question, value in values.items():
        if types[question]:
            groups[types[question]].append(value)
    return {name: bootstrap(groups[name]) for name in sorted(groups)}


def _checked(values: Values) -> Vector:
    data = np.asarray(values, dtype=float)
    if data.size == 0:
        raise InputError("No values; expected at least one question.")
    if not np.isfinite(data).all():
        raise InputError("A value is NaN or infinite; expected finite numbers.")
    return data
