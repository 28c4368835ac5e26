"""The spread of times: median, tail and maximum."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sourcebook.index.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """`n` times in seconds: the percentiles 50, 95 and 99, and the maximum."""

    n: int
    p50: float
    p95: float
    p99: float
    max: float


def spread_of(seconds: Sequence[float]) -> Spread:
    """The spread of times in seconds. Raises InputError if there are none."""
    if not seconds:
        raise InputError("No time was measured; expected at least one.")
    p50, p95, p99, longest = np.quantile(seconds, [0.5, 0.95, 0.99, 1]).tolist()
    return Spread(n=len(seconds), p50=p50, p95=p95, p99=p99, max=longest)
