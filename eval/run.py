"""Asks a task's questions and measures what comes back."""

import hashlib
import os
import platform
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Protocol

from eval.data import Span
from eval.measures import (
    inexact_quotes,
    measure_citations,
    measure_overlap,
    measure_passages,
    measure_ranking,
)
from eval.report import Found, Report, Row, build_report
from eval.task import Question, Task
from index.article import Article
from index.encode import Encoder
from index.errors import InputError
from index.ingest import content_sha256
from index.library import Library
from service.engine import Engine
from service.rank import METHODS

RANKING_MEASURES = ("nDCG@10", "RR", "AP", "R@10", "R@100", "P@1", "Success@1", "Judged@10")
CUTOFFS = (1, 4, 5, 10)
# Passages asked for a question: enough to find a hundred articles in.
DEPTH = 120
# A report shows so many of them.
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one question brought: ranked passages, and the answer's cited quotes if there is one."""

    ranked: tuple[Found, ...]
    cited: tuple[Found, ...] = ()
    status: str | None = None
    confidence: float | None = None
    seconds: Mapping[str, float]


class Subject(Protocol):
    """What is measured: the engine in this process, or a running service."""

    def ask(self, question: str) -> Asked:
        """Rank passages for the question and answer it."""

    def texts(self) -> Mapping[str, str]:
        """The text of every article, by id, to check quotes against."""


class EngineSubject:
    """The engine in this process, with one of its methods."""

    def __init__(self, engine: Engine) -> None:
        """Measure `engine` with the method that it was made with."""
        self._engine = engine
        self._answers = engine.method.name == "full"

    def ask(self, question: str) -> Asked:
        """Rank passages for the question; the full method answers, too."""
        begun = time.perf_counter()
        answer = self._engine.ask(question) if self._answers else None
        seconds = dict(answer.seconds) if answer else {}
        seconds["total"] = time.perf_counter() - begun
        hits = self._engine.hits(question)
        if not answer:
            seconds = {"total": time.perf_counter() - begun}
        ranked = tuple(
            Found(
                article=hit.candidate.passage.article_id,
                title=hit.candidate.article.metadata.title,
                start=hit.candidate.passage.start,
                end=hit.candidate.passage.end,
                text=hit.candidate.passage.text,
                score=hit.score,
            )
            for hit in hits[:DEPTH]
        )
        cited = tuple(
            Found(c.article.id, c.article.metadata.title, c.start, c.end, c.exact, c.scores.fused)
            for c in (answer.citations if answer else ())
        )
        return Asked(
            ranked=ranked,
            cited=cited,
            status=answer.status.value if answer else None,
            confidence=answer.confidence if answer else None,
            seconds=seconds,
        )

    def texts(self) -> Mapping[str, str]:
        """The text of every article, by id."""
        return {article.id: article.text for article in articles_of(self._engine.library).values()}


def articles_of(library: Library) -> dict[str, Article]:
    """Every article of a library, by id."""
    with library.store.read() as view:
        return view.articles([record.id for record in view.records()])


def run(subject: Subject, questions: Iterable[Question]) -> Iterator[Row]:
    """Ask each question and measure it; ranking measures over articles, the rest over spans."""
    texts = subject.texts()
    for question in questions:
        asked = subject.ask(question.text)
        inexact = inexact_quotes([(_span(f), f.text) for f in asked.cited], texts)
        if inexact:
            raise InputError(
                f"Question {question.id!r} was answered with {len(inexact)} quotes that are not "
                "in their articles; expected every quote to be exact.",
                cure="This is a defect of the engine: please report it.",
            )
        yield Row(
            id=question.id,
            question=question.text,
            type=question.type,
            answerable=question.answerable,
            measures=_measures(question, asked),
            seconds=asked.seconds,
            confidence=asked.confidence,
            status=asked.status,
            found=asked.ranked[:SHOWN],
            wanted=question.quotes,
        )


def _measures(question: Question, asked: Asked) -> dict[str, float]:
    measures: dict[str, float] = {}
    if question.relevant is not None:
        ranking = list(dict.fromkeys(found.article for found in asked.ranked))
        per_query = measure_ranking(
            {question.id: ranking}, {question.id: question.relevant}, RANKING_MEASURES
        )
        measures |= {name: values[question.id] for name, values in per_query.items()}
    if question.wanted is not None and question.answerable:
        ranked = [_span(found) for found in asked.ranked]
        measures |= measure_passages(ranked, question.wanted, CUTOFFS)
        measures |= measure_overlap(ranked[:5], question.wanted)
        if asked.status is not None:
            measures |= measure_citations([_span(f) for f in asked.cited], question.wanted)
    return measures


def _span(found: Found) -> Span:
    return Span(found.article, found.start, found.end)


def report_of(
    task: Task, rows: Iterable[Row], *, method: str, fingerprint: Mapping[str, str | int]
) -> Report:
    """The report of a run."""
    judged = any(question.wanted for question in task.questions)
    return build_report(
        name=f"{task.name}/{method}",
        data=task.name,
        method=method,
        questions=list(rows),
        missing_gold=task.missing,
        fingerprint=dict(fingerprint) | {"sourcebook": metadata.version("sourcebook")},
        machine=machine(),
        right_when="CitationRecall" if judged else "Success@1",
    )


def machine() -> dict[str, str | int | None]:
    """The computer that a figure was measured on."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def cached_library(articles: list[Article], encoder: Encoder, cache: Path) -> Library:
    """The library of these articles, built if it is not in the cache yet.

    It is named by the articles' content, so another corpus never meets it; an interrupted build
    goes on where it stopped, because additions are incremental.
    """
    digest = hashlib.sha256(encoder.fingerprint.encode())
    for article in articles:
        digest.update(content_sha256(article).encode())
    library = Library(cache / digest.hexdigest()[:16], encoder, create=True)
    for _ in library.add(articles):
        pass
    return library


def engine_for(library: Library, method: str) -> Engine:
    """The engine with one of its methods; `InputError` for a name that is none."""
    if method not in METHODS:
        raise InputError(f"The method is {method!r}; expected one of {', '.join(METHODS)}.")
    return Engine(library, method=METHODS[method])
