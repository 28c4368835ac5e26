"""Asks a task's questions and measures what comes back."""

import os
import platform
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from sourcebook.eval.data.judged import SourceArticle
from sourcebook.eval.data.records import Run, Span
from sourcebook.eval.data.task import Question, Task
from sourcebook.eval.measures.measures import (
    WordCounter,
    inexact_quotes,
    measure_citations,
    measure_evidence,
    measure_found,
    measure_overlap,
    measure_passages,
    measure_ranking,
)
from sourcebook.eval.report.report import Found, Report, Row, build_report
from sourcebook.eval.runs.subject import Asked, Subject, Texts
from sourcebook.index.errors import InputError

RANKING_MEASURES = (
    "nDCG@10",
    "RR@10",
    "AP",
    "R@10",
    "R@100",
    "P@1",
    "P@10",
    "Success@1",
    "Success@10",
    "Judged@10",
)
# Where quotes are the gold, few articles are judged, and the passages say the rest.
ARTICLE_MEASURES = ("nDCG@10", "RR@10", "Success@1")
CUTOFFS = (1, 4, 5, 10)
# Chroma's chunking evaluation retrieves five chunks (Smith and Troynikov 2024).
OVERLAP_PASSAGES = 5

Log = Callable[[str, Asked], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What all questions of a task brought, by question id, and how long it took in all."""

    asked: Mapping[str, Asked]
    seconds: float


def sample(task: Task, limit: int | None, seed: int) -> Task:
    """The task with `limit` of its questions, drawn at random, in their order.

    The same seed draws the same questions, whatever the method.
    """
    if limit is not None and limit < 1:
        raise InputError(f"The limit is {limit}; expected at least 1.")
    if limit is None or limit >= len(task.questions):
        return task
    drawn = {question.id for question in random.Random(seed).sample(task.questions, limit)}
    return replace(
        task,
        questions=tuple(each for each in task.questions if each.id in drawn),
        missing=tuple(each for each in task.missing if each.question in drawn),
    )


def observe(
    subject: Subject,
    questions: Iterable[Question],
    known: Mapping[str, Asked] | None = None,
    log: Log | None = None,
) -> Observed:
    """Ask the questions, but for those that are `known` already; `log` hears of each new one."""
    asked = dict(known or {})
    begun = time.perf_counter()
    for question in questions:
        if question.id not in asked:
            asked[question.id] = subject.ask(question.text)
            if log:
                log(question.id, asked[question.id])
    return Observed(asked=asked, seconds=time.perf_counter() - begun)


def measured_rows(
    task: Task, asked: Mapping[str, Asked], articles: Mapping[str, SourceArticle]
) -> Iterator[Row]:
    """A row for each question, in the task's order; one that was never asked scores 0."""
    texts = Texts(articles)
    words = WordCounter(texts)
    ranking = _ranking_measures(task, asked)
    for question in task.questions:
        one = asked.get(question.id, Asked())
        measures = _span_measures(question, one, words)
        measures |= {
            name: values[question.id] for name, values in ranking.items() if question.id in values
        }
        measures |= _citation_measures(question, one) | _exactness(one, texts)
        yield Row(
            id=question.id,
            question=question.text,
            type=question.type,
            answerable=question.answerable,
            measures=measures,
            seconds=one.seconds,
            confidence=one.confidence,
            status=one.status,
            found=one.passages or (),
            wanted=question.quotes,
            problem=one.problem,
        )


def _ranking_measures(task: Task, asked: Mapping[str, Asked]) -> dict[str, dict[str, float]]:
    """Measures of the ranked articles, over all questions at once."""
    qrels = {each.id: each.relevant for each in task.questions if each.relevant}
    run: Run = {each: list(asked[each].articles) for each in qrels if each in asked}
    quoted = any(each.wanted for each in task.questions)
    names = ARTICLE_MEASURES if quoted else RANKING_MEASURES
    return measure_ranking(run, qrels, names) if qrels else {}


def _span_measures(question: Question, asked: Asked, words: WordCounter) -> dict[str, float]:
    """Measures of ranked passages, and of the best sentences of the first one, against quotes."""
    if question.wanted is None or asked.passages is None:
        return {}
    found = [span_of(each) for each in asked.passages]
    wanted = words.count_wanted(question.wanted)
    measures = measure_passages(found, question.wanted, CUTOFFS)
    measures |= measure_found(found, question.wanted)
    measures |= measure_evidence(found, [span_of(each) for each in asked.quotes], question.wanted)
    passages = measure_overlap(words.count(found[:OVERLAP_PASSAGES]), wanted)
    sentences = measure_overlap(words.count(map(span_of, asked.quotes[:1])), wanted)
    measures |= {f"{name}@{OVERLAP_PASSAGES}": value for name, value in passages.items()}
    return measures | {name.replace("Span", "Quote"): value for name, value in sentences.items()}


def _citation_measures(question: Question, asked: Asked) -> dict[str, float]:
    """What the answer cites against what it should have cited."""
    if not question.answerable or asked.status is None:
        return {}
    measures = {}
    if question.wanted is not None:
        measures = measure_citations([span_of(each) for each in asked.cited], question.wanted)
    if question.relevant is not None:
        right = [question.relevant.get(each.article, 0) > 0 for each in asked.cited]
        measures["CitedArticles"] = sum(right) / len(right) if right else 0.0
    return measures


def _exactness(asked: Asked, texts: Texts) -> dict[str, float]:
    """The share of all quotes, cited or offered, that are in their article to the letter."""
    quotes = [(span_of(each), each.text) for each in (*asked.cited, *asked.quotes)]
    return {"Exact": 1 - len(inexact_quotes(quotes, texts)) / len(quotes)} if quotes else {}


def span_of(found: Found) -> Span:
    """Where it was found."""
    return Span(found.article, found.start, found.end)


def report_of(
    task: Task, observed: Observed, subject: Subject, *, cost: Mapping[str, Any] | None = None
) -> Report:
    """The report of a run: every measure that the task's gold and the subject's answers allow."""
    rows = list(measured_rows(task, observed.asked, subject.articles()))
    judged = any(question.wanted for question in task.questions)
    spent = sum(row.seconds.get("total", 0.0) for row in rows)
    speed = {"seconds": observed.seconds}
    if spent:
        speed["questions_per_second"] = len(rows) / spent
    return build_report(
        name=f"{task.name}/{subject.method}",
        data=task.name,
        method=subject.method,
        questions=rows,
        missing_gold=task.missing,
        fingerprint=identity(task, subject) | {"sourcebook": metadata.version("sourcebook")},
        machine=machine(),
        cost={**subject.cost(), **speed, **(cost or {})},
        right_when="CitationRecall" if judged else "CitedArticles",
        threshold=subject.threshold,
    )


def identity(task: Task, subject: Subject) -> dict[str, Any]:
    """What decides a run's figures: two runs that differ in it cannot be one run."""
    return {"questions": task.fingerprint, "subject": subject.method, **subject.identity()}


def machine() -> dict[str, str | int | None]:
    """The computer that a figure was measured on."""
    return {
        "system": platform.system(),
        "processor": _processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    """The processor's name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
