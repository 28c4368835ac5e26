"""Measures of ranked articles, for all questions at once.

Success@k asks whether any relevant document is among the first k; R@k (recall) is the share of the
relevant ones among them. Papers on question answering often call the former "Recall@k"; the names
here are those of TREC and ir_measures (MacAvaney, Macdonald and Ounis 2022).
"""

from collections.abc import Sequence
from typing import TypeAlias

from sourcebook.eval.data.gold import Qrels, Run
from sourcebook.eval.measures.definitions import parse_measure
from sourcebook.index.errors import InputError

PerQuestion: TypeAlias = dict[str, dict[str, float]]
"""Measure -> question id -> value."""


def measure_ranking(run: Run, qrels: Qrels, measures: Sequence[str]) -> PerQuestion:
    """Values of `measures` for every judged query, from their definitions.

    Names are those of ir_measures: nDCG@k, RR, RR@k, AP, AP@k, R@k, P@k, Success@k, Judged@k. nDCG
    discounts the grade itself by log2(rank + 1) (Järvelin and Kekäläinen 2002; trec_eval), so a
    grade of 2 weighs twice as much as 1. Judged@k divides by the length of a shorter ranking.

    Rules:
    - The order of a ranking decides, so there are no ties.
    - A document that is ranked twice counts at its first rank; those after the second move up.
    - A judged query without a ranking scores 0. A query without judgements is left out.
    - A negative grade counts as 0.

    Raises InputError for an unknown measure and for empty judgements.
    """
    if not any(qrels.values()):
        raise InputError("No judgements; expected at least one judged query.")
    judged = {
        query: {document: max(0, grade) for document, grade in grades.items()}
        for query, grades in qrels.items()
        if grades
    }
    rankings = {query: list(dict.fromkeys(run.get(query, ()))) for query in judged}
    return {
        name: {query: measure(rankings[query], judged[query]) for query in judged}
        for name, measure in {name: parse_measure(name) for name in measures}.items()
    }
