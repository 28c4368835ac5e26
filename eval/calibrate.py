"""Fits how the scores of the best hit become a probability: `python -m eval.calibrate DATA...`."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from eval.corpus import cached_library, corpus_articles, default_cache
from eval.judged import read_judged
from eval.measures import auroc
from eval.task import corpus_task
from index.article import Article
from index.encode import Encoder
from service.engine import Engine

# (is answerable, asked of its own corpus)
Group = tuple[bool, bool]
# How much each kind of question counts in the fit, whatever its number: as many answerable ones as
# not, and among these twice as many that are off the subject as near misses.
SHARES: dict[Group, float] = {(True, True): 3.0, (False, True): 1.0, (False, False): 2.0}
SAMPLE = 300
STEPS = 50
Features = NDArray[np.float64]


def main(
    data: Annotated[
        list[str], typer.Argument(help="BEIR folders, or QUESTIONS.jsonl::CORPUS for judged ones.")
    ],
    split: str = "dev",
) -> None:
    """Ask each set's questions of its own corpus, and those of the others as off the subject."""
    sets = [_read(each, split) for each in data]
    encoder = Encoder()
    rows: list[tuple[Group, str, list[float]]] = []
    for name, (questions, articles) in zip(data, sets, strict=True):
        library, building = cached_library(articles, encoder, default_cache())
        for _ in building:
            pass
        others = [(text, False) for other, _ in sets if other is not questions for text, _ in other]
        for own, asked in ((True, questions), (False, others)):
            for text, answerable in _sampled(asked):
                found = _features(Engine(library), text)
                rows.append(((answerable, own), name, found))
        library.close()
    _print(rows, fit([group for group, _, _ in rows], np.array([row for _, _, row in rows])))


def fit(groups: Sequence[Group], features: Features) -> Features:
    """Logistic regression by Newton's method: intercept, then one weight a feature.

    `features` is (questions, features); each group counts by its share, not by its size.
    """
    design = np.column_stack([np.ones(len(features)), features])
    truth = np.array([answerable for answerable, _ in groups], dtype=float)
    importance = np.array([SHARES[group] / groups.count(group) for group in groups])
    weights = np.zeros(design.shape[1])
    for _ in range(STEPS):
        probability = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (importance * (truth - probability)) - 1e-3 * weights
        curvature = importance * probability * (1 - probability)
        hessian = (design.T * curvature) @ design + 1e-3 * np.eye(len(weights))
        weights += np.linalg.solve(hessian, gradient)
    return weights


def _read(data: str, split: str) -> tuple[list[tuple[str, bool]], list[Article]]:
    path, _, corpus = data.partition("::")
    if corpus:
        judged = read_judged(Path(path))
        return [(q.question, q.answerable) for q in judged], corpus_articles(Path(corpus))
    task, articles = corpus_task(Path(path), split)
    return [(question.text, question.answerable) for question in task.questions], articles


def _sampled(questions: Sequence[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    for kind in (True, False):
        of_kind = [question for question in questions if question[1] is kind]
        yield from random.Random(0).sample(of_kind, min(SAMPLE, len(of_kind)))


def _features(engine: Engine, question: str) -> list[float]:
    best = engine.rank(question).hits[0]
    return [best.late, best.candidate.dense, best.candidate.lexical]


def _print(rows: list[tuple[Group, str, list[float]]], weights: Features) -> None:
    names = ("intercept", "late", "dense", "lexical")
    print(", ".join(f"{n}={w:.2f}" for n, w in zip(names, weights, strict=True)))
    kinds = {(True, True): "answerable", (False, True): "near misses", (False, False): "off"}
    scored = [
        (name, group, float(1 / (1 + np.exp(-weights[0] - np.dot(weights[1:], row)))))
        for group, name, row in rows
    ]
    for name in dict.fromkeys(name for _, name, _ in rows):
        for group in SHARES:
            found = [p for n, g, p in scored if n == name and g == group]
            shares = [f"{t:.2f}: {np.mean([p >= t for p in found]):.3f}" for t in (0.2, 0.25, 0.5)]
            if found:
                print(f"{name} {kinds[group]} ({len(found)}) at or above {', '.join(shares)}")
        for negatives in ((False, True), (False, False)):
            pool = [(p, g[0]) for n, g, p in scored if n == name and g in ((True, True), negatives)]
            area = auroc([p for p, _ in pool], [truth for _, truth in pool])
            print(f"{name} AUROC against {kinds[negatives]}: {area}")


if __name__ == "__main__":
    typer.run(main)
