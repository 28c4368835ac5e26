"""Judged questions with the signals of their best hit, to fit a calibration from."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sourcebook.eval.data.articles import corpus_articles
from sourcebook.eval.data.cached_library import cached_library
from sourcebook.eval.data.judged import load_judged
from sourcebook.eval.data.question_set import load_with_corpus
from sourcebook.index.article import Article
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.reader import Reader
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.signals import Signals, signals

OFF_SUBJECT = 150  # questions of each other set, so that no large set outweighs the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """A question of a data set with its signals; `relevant` if it was asked of its own corpus.

    `article` is the title of the best hit, so that a fit can leave out an article.
    """

    data: str
    article: str
    answerable: bool
    relevant: bool
    signals: Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredCorpus:
    """The articles of a data set, and its questions as (text, whether it is answerable)."""

    name: str
    questions: Sequence[tuple[str, bool]]
    articles: Sequence[Article]


def load_corpus(data: str, split: str) -> AnsweredCorpus:
    """Load a BEIR folder, or judged questions and their articles as `QUESTIONS.jsonl::ARTICLES`.

    Raises InputError for files that are not such data.
    """
    path, _, corpus = data.partition("::")
    if corpus:
        judged = [(each.question, each.answerable) for each in load_judged(Path(path))]
        articles = corpus_articles(Path(corpus))
        return AnsweredCorpus(name=data, questions=judged, articles=articles)
    question_set, articles = load_with_corpus(Path(path), split)
    asked = [(each.text, each.answerable) for each in question_set.questions]
    return AnsweredCorpus(name=data, questions=asked, articles=articles)


def ask_all(
    corpora: Sequence[AnsweredCorpus], encoder: Encoder, cache: Path, reader: Reader | None = None
) -> Iterator[SignalRow]:
    """A row for each question of each set, and for some questions of the other sets."""
    for corpus in corpora:
        library, building = cached_library(corpus.articles, encoder, cache)
        with library:
            for _ in building:
                pass
            engine = Engine.of(library, reader=reader)
            for text, answerable in corpus.questions:
                yield _row(engine, corpus.name, text, answerable=answerable, relevant=True)
            for other in corpora:
                if other is not corpus:
                    for text in _drawn(other):
                        yield _row(engine, corpus.name, text, answerable=False, relevant=False)


def _drawn(corpus: AnsweredCorpus) -> list[str]:
    """Some of the questions, always the same ones."""
    count = min(OFF_SUBJECT, len(corpus.questions))
    return [text for text, _ in random.Random(0).sample(corpus.questions, count)]


def _row(engine: Engine, data: str, text: str, *, answerable: bool, relevant: bool) -> SignalRow:
    found = engine.examine(text, limit=1)
    best = found.ranking.hits[0]
    return SignalRow(
        data=data,
        article=best.article.metadata.title,
        answerable=answerable,
        relevant=relevant,
        signals=signals(found.query, found.ranking),
    )
