"""A task: questions with their gold, and the articles that they are asked of."""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sourcebook.eval.data.beir import BeirSet, read_beir
from sourcebook.eval.data.chunking import ChunkingSet, ReferencedQuestion, read_chunking
from sourcebook.eval.data.judged import JudgedQuestion, MissingGold, Quote, SourceArticle, locate
from sourcebook.eval.data.records import Span, Wanted, data_kind
from sourcebook.index.article import Article, Block, BlockKind, Metadata, article_id, sha256
from sourcebook.index.parsing.layout import is_short_line
from sourcebook.index.parsing.parse import detect_language

MOST_HEADINGS = 4  # lines that a document without a title may begin with
_PARAGRAPH = re.compile(r"\S(?:.*\S)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of a task.

    `wanted` is its gold as spans of article ids, `relevant` as graded article ids; either may be
    missing. `quotes` show a reader what was wanted.
    """

    id: str
    text: str
    type: str = ""
    answerable: bool = True
    wanted: Wanted | None = None
    relevant: Mapping[str, int] | None = None
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Questions with gold; `missing` is gold that the articles no longer hold.

    `names` is article id -> the name that the data set gives it, where it gives one.
    """

    name: str
    questions: tuple[Question, ...]
    missing: tuple[MissingGold, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, article: str) -> str:
        """What TREC files call the article."""
        return self.names.get(article, article)

    @property
    def fingerprint(self) -> str:
        """16 hex digits of the questions and their gold."""
        facts: list[Any] = [asdict(question) for question in self.questions]
        return sha256(json.dumps(facts, sort_keys=True))[:16]


def judged_task(
    name: str, questions: Iterable[JudgedQuestion], articles: Mapping[str, SourceArticle]
) -> Task:
    """Judged questions against the articles (by id) of a library.

    An article is relevant if it holds a gold quote, so that articles can be ranked, too.
    """
    asked = tuple(questions)
    located = locate(asked, articles)
    return Task(
        name=name,
        missing=located.missing,
        questions=tuple(_judged(each, located.wanted.get(each.id)) for each in asked),
    )


def _judged(question: JudgedQuestion, wanted: Wanted | None) -> Question:
    relevant = {place.article: 1 for place in wanted.places} if wanted else {}
    return Question(
        id=question.id,
        text=question.question,
        type=question.type,
        answerable=question.answerable,
        wanted=wanted,
        relevant=relevant or None,
        quotes=tuple(evidence.quote for evidence in question.evidence),
    )


def beir_task(data: BeirSet) -> Task:
    """A BEIR set's queries, with the unanswerable ones that some sets add."""
    judged = [
        Question(
            id=query,
            text=text,
            relevant={article_id(document): grade for document, grade in data.qrels[query].items()},
        )
        for query, text in data.queries.items()
    ]
    unanswerable = [
        Question(id=question.id, text=question.text, type="unanswerable", answerable=False)
        for question in data.unanswerable
    ]
    names = {article_id(document): document for document in data.documents}
    return Task(name=data.name, questions=(*judged, *unanswerable), names=names)


def chunking_task(data: ChunkingSet, name: str) -> Task:
    """Questions whose gold is character offsets into long documents."""
    return Task(
        name=name,
        questions=tuple(_referenced(question, data) for question in data.questions),
        names={article_id(document): document for document in data.documents},
    )


def _referenced(question: ReferencedQuestion, data: ChunkingSet) -> Question:
    article = article_id(question.document)
    text = data.documents[question.document]
    places = [Span(article, span.start, span.end) for span in question.references]
    return Question(
        id=question.id,
        text=question.question,
        type=question.document,
        wanted=Wanted(tuple((place,) for place in places)),
        quotes=tuple(Quote(question.document, text[p.start : p.end]) for p in places),
    )


def corpus_task(path: Path, split: str = "") -> tuple[Task, list[Article]]:
    """A data set that brings its own corpus: the task and the articles to build a library from."""
    if data_kind(path) == "chunking":
        chunks = read_chunking(path)
        return chunking_task(chunks, path.resolve().name), [
            plain_article(name, "", text) for name, text in chunks.documents.items()
        ]
    data = read_beir(path, split)
    documents = data.documents.values()
    return beir_task(data), list(plain_articles((d.id, d.title, d.text) for d in documents))


def plain_articles(documents: Iterable[tuple[str, str, str]]) -> Iterator[Article]:
    """Articles of (source, title, text); a document without any word is left out."""
    for source, title, text in documents:
        if text.strip() or title.strip():
            yield plain_article(source, title, text if text.strip() else title)


def plain_article(source: str, title: str, text: str) -> Article:
    """An article whose text is kept to the letter, one paragraph a line.

    Without a title, the short lines that it begins with are headings.
    """
    spans = [match.span() for match in _PARAGRAPH.finditer(text)]
    short = itertools.takewhile(lambda span: is_short_line(text[slice(*span)]), spans[:-1])
    headings = 0 if title.strip() else len(list(itertools.islice(short, MOST_HEADINGS)))
    kinds = [BlockKind.HEADING] * headings + [BlockKind.PARAGRAPH] * (len(spans) - headings)
    blocks = [Block(kind, *span) for kind, span in zip(kinds, spans, strict=True)]
    metadata = Metadata(title=title.strip(), language=detect_language(text))
    return Article(
        source=source, text=text, blocks=tuple(blocks), metadata=metadata, raw=text.encode()
    )
