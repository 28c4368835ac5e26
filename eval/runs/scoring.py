"""Scores observations: a row for each question, and the report of the run."""

import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from sourcebook.eval.data.gold import Run, Span, Wanted
from sourcebook.eval.data.judged import SourceArticle
from sourcebook.eval.data.question_set import Question, QuestionSet
from sourcebook.eval.measures.disagreements import measure_disagreement
from sourcebook.eval.measures.evidence import (
    WordCounter,
    inexact_quotes,
    measure_citations,
    measure_evidence,
    measure_found,
    measure_overlap,
    measure_passages,
    measure_shown,
)
from sourcebook.eval.measures.ranking import measure_ranking
from sourcebook.eval.measures.short_answers import measure_short
from sourcebook.eval.measures.stages import answered_at, missed_at
from sourcebook.eval.report.document import ANSWERED, Found, Report, Row, build_report
from sourcebook.eval.runs.machine import machine
from sourcebook.eval.runs.observing import Observations
from sourcebook.eval.runs.subject import Observation, Subject, Texts
from sourcebook.service.asking.follow import Stage

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
# If quotes are the gold, few articles are judged, and the measures of passages say more.
ARTICLE_MEASURES = ("nDCG@10", "RR@10", "Success@1")
CUTOFFS = (1, 4, 5, 10)
# Chroma's chunking evaluation retrieves five chunks (Smith and Troynikov 2024).
OVERLAP_PASSAGES = 5


def measured_rows(
    question_set: QuestionSet,
    observations: Mapping[str, Observation],
    articles: Mapping[str, SourceArticle],
) -> Iterator[Row]:
    """A row for each question, in order; a question that was not asked scores 0."""
    texts = Texts(articles)
    words = WordCounter(texts)
    ranking = _ranking_measures(question_set, observations)
    for question in question_set.questions:
        one = observations.get(question.id, Observation())
        measures = _span_measures(question, one, words)
        measures |= {
            name: values[question.id] for name, values in ranking.items() if question.id in values
        }
        measures |= _citation_measures(question, one) | _exactness(one, texts)
        measures |= _answer_measures(question, one)
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
            missed_at=_missed_at(question, one) or "",
        )


def _ranking_measures(
    question_set: QuestionSet, observations: Mapping[str, Observation]
) -> dict[str, dict[str, float]]:
    """Measures of the ranked articles, over all questions at once."""
    qrels = {each.id: each.relevant for each in question_set.questions if each.relevant}
    run: Run = {each: list(observations[each].articles) for each in qrels if each in observations}
    quoted = any(each.wanted for each in question_set.questions)
    names = ARTICLE_MEASURES if quoted else RANKING_MEASURES
    return measure_ranking(run, qrels, names) if qrels else {}


def _span_measures(
    question: Question, observation: Observation, words: WordCounter
) -> dict[str, float]:
    """Measures of the ranked passages, and of the best sentences of the first one."""
    if question.wanted is None or observation.passages is None:
        return {}
    found = [span_of(each) for each in observation.passages]
    wanted = words.count_wanted(question.wanted)
    measures = measure_passages(found, question.wanted, CUTOFFS)
    measures |= measure_found(found, question.wanted)
    measures |= measure_evidence(
        found, [span_of(each) for each in observation.quotes], question.wanted
    )
    passages = measure_overlap(words.count(found[:OVERLAP_PASSAGES]), wanted)
    sentences = measure_overlap(words.count(map(span_of, observation.quotes[:1])), wanted)
    measures |= {f"{name}@{OVERLAP_PASSAGES}": value for name, value in passages.items()}
    return measures | {name.replace("Span", "Quote"): value for name, value in sentences.items()}


def _citation_measures(question: Question, observation: Observation) -> dict[str, float]:
    """What the answer cites against what it should have cited."""
    if not question.answerable or observation.status is None:
        return {}
    measures = {}
    if question.wanted is not None:
        cited = [span_of(each) for each in observation.cited]
        measures = measure_citations(cited, question.wanted)
        context = [span_of(each) for each in observation.context]
        measures |= measure_shown(cited, question.wanted, context)
    if question.relevant is not None:
        right = [question.relevant.get(each.article, 0) > 0 for each in observation.cited]
        measures["CitedArticles"] = sum(right) / len(right) if right else 0.0
    return measures


def _missed_at(question: Question, observation: Observation) -> Stage | None:
    """The stage that lost the answer; None if none did, or if that cannot be known."""
    traces = observation.traces
    if traces is None:
        return None
    if not question.answerable:
        return answered_at(traces) if observation.status in ANSWERED else None
    wanted = question.wanted or (question.relevant and _any_of(question.relevant))
    if not wanted:
        return None
    return missed_at(traces, [span_of(each) for each in observation.cited], wanted)


def _any_of(relevant: Mapping[str, int]) -> Wanted:
    """Gold that any part of a relevant article satisfies."""
    return Wanted((tuple(Span(each, 0, sys.maxsize) for each in relevant if relevant[each] > 0),))


def _answer_measures(question: Question, observation: Observation) -> dict[str, float]:
    """Whether it was right to answer or to stay silent, the short answer and the disagreement."""
    if observation.status is None:
        return {}
    answered = observation.status in ANSWERED
    measures = {"StatusRight": float(answered == question.answerable)}
    if question.short is not None:
        measures |= measure_short(observation.short, question.short)
    if question.sides is not None:
        measures |= measure_disagreement(observation.disagreements, question.sides)
    return measures


def _exactness(observation: Observation, texts: Texts) -> dict[str, float]:
    """The share of all quotes, cited or offered, that are verbatim in their article."""
    shown = (
        *observation.cited,
        *observation.nearest,
        *observation.context,
        *observation.quotes,
    )
    quotes = [(span_of(each), each.text) for each in shown]
    return {"Exact": 1 - len(inexact_quotes(quotes, texts)) / len(quotes)} if quotes else {}


def span_of(found: Found) -> Span:
    """The place of a passage or quote."""
    return Span(found.article, found.start, found.end)


def report_of(
    question_set: QuestionSet,
    observed: Observations,
    subject: Subject,
    *,
    cost: Mapping[str, Any] | None = None,
) -> Report:
    """The report of a run, with every measure that the gold and the observations allow."""
    rows = list(measured_rows(question_set, observed.by_question, subject.articles()))
    judged = any(question.wanted for question in question_set.questions)
    spent = sum(row.seconds.get("total", 0.0) for row in rows)
    speed = {"seconds": observed.seconds}
    if spent:
        speed["questions_per_second"] = len(rows) / spent
    return build_report(
        name=f"{question_set.name}/{subject.method}",
        data=question_set.name,
        method=subject.method,
        questions=rows,
        missing_gold=question_set.missing,
        fingerprint=identity(question_set, subject)
        | {"sourcebook": metadata.version("sourcebook")},
        machine=machine(),
        cost={**subject.cost(), **speed, **(cost or {})},
        right_when="CitationRecall" if judged else "CitedArticles",
        threshold=subject.threshold,
    )


def identity(question_set: QuestionSet, subject: Subject) -> dict[str, Any]:
    """What decides the figures of a run: only a run with the same identity can continue it."""
    return {"questions": question_set.fingerprint, "subject": subject.method, **subject.identity()}
