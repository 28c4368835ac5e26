"""Judged questions with the signals of their best hit, to fit a calibration from."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sourcebook.eval.data.articles import corpus_articles
from sourcebook.eval.data.cached_library import cached_library
from sourcebook.eval.data.gold import Span
from sourcebook.eval.data.judged import load_judged, with_short
from sourcebook.eval.data.question_set import Question, judged_question_set, load_with_corpus
from sourcebook.eval.measures.short_answers import same_answer
from sourcebook.index.article import Article
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.reader import Reader
from sourcebook.index.profile import Profile
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.engine import Engine, Examined
from sourcebook.service.asking.signals import Signals, signals

OFF_SUBJECT = 150  # questions of each set off the subject, so that no large set outweighs the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortRow:
    """What the short answer would be if the question were answered.

    `logit` and `margin` are those of the passage that it is from; `right` if it is accepted.
    """

    logit: float
    margin: float
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """A question of a data set with its signals; `relevant` if it was asked of its own corpus.

    `article` is the title of the best hit, so that a fit can leave out an article. `hidden` if the
    articles with the answer were hidden, so that there is none; `right` if the first evidence
    holds some of the gold. `short` is None where there is none, or nobody has judged it.
    """

    data: str
    article: str
    answerable: bool
    relevant: bool
    signals: Signals
    hidden: bool = False
    right: bool = False
    short: ShortRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredCorpus:
    """The articles of a data set, and its questions with their gold."""

    name: str
    questions: Sequence[Question]
    articles: Sequence[Article]


def load_corpus(data: str, split: str, short: Path | None = None) -> AnsweredCorpus:
    """Load a BEIR folder, or judged questions and their articles.

    The latter as `QUESTIONS.jsonl::ARTICLES`, with commas between several files of questions.
    `short` is a file of further accepted short answers. Raises InputError for files that are not
    such data.
    """
    path, _, corpus = data.partition("::")
    if corpus:
        judged = load_judged(*map(Path, path.split(",")))
        articles = corpus_articles(Path(corpus))
        asked = judged_question_set(
            data,
            with_short(judged, short) if short else judged,
            {article.id: article for article in articles},
        )
        return AnsweredCorpus(name=data, questions=asked.questions, articles=articles)
    asked, articles = load_with_corpus(Path(path), split)
    return AnsweredCorpus(name=data, questions=asked.questions, articles=articles)


def ask_all(
    corpora: Sequence[AnsweredCorpus],
    encoder: Encoder,
    cache: Path,
    reader: Reader | None = None,
    off: Sequence[AnsweredCorpus] = (),
) -> Iterator[SignalRow]:
    """A row for each question of each set, and for some questions of `off` or of the other sets.

    Each answerable question is asked again with the articles hidden that answer it.
    """
    for corpus in corpora:
        library, building = cached_library(corpus.articles, encoder, cache)
        with library:
            for _ in building:
                pass
            profile = answering_all(library.encoder.profile)
            engine = Engine.of(library, profile=profile, reader=reader)
            yield from _own_rows(engine, corpus)
            for other in off or corpora:
                if other is not corpus:
                    yield from _foreign_rows(engine, corpus.name, other)


def answering_all(profile: Profile) -> Profile:
    """The profile, but every question is answered, with a short answer if there may be one.

    So rows hold what would be shown, whatever the calibration is that they are to replace.
    """
    reading = replace(
        profile.reading, sure=0.0, calibration=replace(profile.reading.calibration, answered=0.0)
    )
    calibration = replace(profile.calibration, answered=0.0)
    return replace(profile, calibration=calibration, reading=reading)


def _own_rows(engine: Engine, corpus: AnsweredCorpus) -> Iterator[SignalRow]:
    for question in corpus.questions:
        found = engine.examine(question.text, limit=1)
        yield replace(
            _row(found, corpus.name),
            answerable=question.answerable,
            right=_right(found.passages[0].citation, question),
            short=_short(found, question),
        )
        if question.answerable and question.relevant:
            hiding = Filter(without=tuple(question.relevant))
            rest = engine.examine(question.text, limit=1, chosen=hiding)
            if rest.passages:  # the articles with the answer may be all there are
                yield replace(_row(rest, corpus.name), hidden=True)


def _foreign_rows(engine: Engine, data: str, other: AnsweredCorpus) -> Iterator[SignalRow]:
    """Some questions of a set on another subject, always the same ones."""
    count = min(OFF_SUBJECT, len(other.questions))
    for question in random.Random(0).sample(other.questions, count):
        yield replace(_row(engine.examine(question.text, limit=1), data), relevant=False)


def _row(found: Examined, data: str) -> SignalRow:
    """A row of a question that is on the subject and has no answer."""
    return SignalRow(
        data=data,
        article=found.ranking.hits[0].article.metadata.title,
        answerable=False,
        relevant=True,
        signals=signals(found.query, found.ranking),
    )


def _right(first: Citation, question: Question) -> bool:
    """Whether the first evidence holds gold, in part or whole; else its article, if all we know."""
    if question.wanted is None:
        return (question.relevant or {}).get(first.article.id, 0) > 0
    shown = Span(first.article.id, first.start, first.end)
    return any(shown.overlaps(place) for place in question.wanted.places)


def _short(found: Examined, question: Question) -> ShortRow | None:
    """The short answer that a reader found, if there is one and it was judged."""
    short = found.answer.short
    if short is None or question.short is None:
        return None
    passage = next(c.passage_id for c in found.answer.citations if c.number == short.citation)
    hit = next(each for each in found.ranking.hits if each.passage.id == passage)
    if hit.reading is None:
        return None
    right = same_answer(short.text, question.short)
    return ShortRow(logit=hit.reading.logit, margin=hit.margin, right=right)
