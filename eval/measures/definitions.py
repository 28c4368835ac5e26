"""Measures of a ranking from their definitions, under the names that TREC and ir_measures use."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

from sourcebook.index.errors import InputError

Grades = Mapping[str, int]
Measure = Callable[[Sequence[str], Grades], float]
"""From document ids, best first without duplicates, and the grades of a question to a value."""


def _ndcg(ranking: Sequence[str], grades: Grades, k: int | None) -> float:
    """Gain is the grade itself (Järvelin and Kekäläinen 2002, as in trec_eval)."""
    ideal = _gain(sorted(grades.values(), reverse=True)[:k])
    return _gain([grades.get(document, 0) for document in ranking[:k]]) / ideal if ideal else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades, 1))


def _rr(ranking: Sequence[str], grades: Grades, k: int | None) -> float:
    hits = _hits(ranking, grades, k)
    return 1 / (hits.index(True) + 1) if True in hits else 0.0


def _ap(ranking: Sequence[str], grades: Grades, k: int | None) -> float:
    hits = _hits(ranking, grades, k)
    found = zip(hits, accumulate(hits), strict=True)
    precisions = [so_far / rank for rank, (hit, so_far) in enumerate(found, 1) if hit]
    return sum(precisions) / _relevant(grades) if precisions else 0.0


def _recall(ranking: Sequence[str], grades: Grades, k: int | None) -> float:
    hits = sum(_hits(ranking, grades, k))
    return hits / _relevant(grades) if hits else 0.0


def _precision(ranking: Sequence[str], grades: Grades, k: int | None) -> float:
    return sum(_hits(ranking, grades, k)) / (k or len(ranking))


def _success(ranking: Sequence[str], grades: Grades, k: int | None) -> float:
    return float(any(_hits(ranking, grades, k)))


def _judged(ranking: Sequence[str], grades: Grades, k: int | None) -> float:
    top = ranking[:k]
    return sum(document in grades for document in top) / len(top)


def _hits(ranking: Sequence[str], grades: Grades, k: int | None) -> list[bool]:
    return [grades.get(document, 0) > 0 for document in ranking[:k]]


def _relevant(grades: Grades) -> int:
    return sum(grade > 0 for grade in grades.values())


RANKING: Mapping[str, Callable[[Sequence[str], Grades, int | None], float]] = {
    "nDCG": _ndcg,
    "RR": _rr,
    "AP": _ap,
    "R": _recall,
    "P": _precision,
    "Success": _success,
    "Judged": _judged,
}
NEEDS_CUTOFF = ("R", "P", "Success", "Judged")


def parse_measure(name: str) -> Measure:
    """The measure of that name, such as RR or nDCG@10. Raises InputError for any other name."""
    found = re.fullmatch(r"([A-Za-z]+)(?:@([1-9]\d*))?", name, re.ASCII)
    kind, cutoff = found.groups() if found else ("", None)
    if kind not in RANKING or (cutoff is None and kind in NEEDS_CUTOFF):
        expected = ", ".join(f"{each}@10" for each in RANKING)
        raise InputError(f"The measure is {name!r}; expected one such as RR, AP, {expected}.")
    value, k = RANKING[kind], int(cutoff) if cutoff else None
    return lambda ranking, grades: value(ranking, grades, k) if ranking else 0.0
