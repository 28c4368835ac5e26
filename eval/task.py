"""A task: questions with their gold, and the articles that they are asked of."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from eval.beir import BeirSet, read_beir
from eval.chunking import ChunkingSet, read_chunking
from eval.data import Span, Wanted, data_kind
from eval.judged import Located, MissingGold, Quote, SourceArticle, locate, read_judged
from index.article import Article, Block, BlockKind, Metadata, article_id
from index.read import detect_language

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
    """Questions with gold; `missing` is gold that the articles no longer hold."""

    name: str
    questions: tuple[Question, ...]
    missing: tuple[MissingGold, ...] = ()


def judged_task(path: Path, articles: Mapping[str, SourceArticle]) -> Task:
    """Judged questions against the articles (by id) of a library."""
    questions = read_judged(path)
    located: Located = locate(questions, articles)
    return Task(
        name=path.stem,
        missing=located.missing,
        questions=tuple(
            Question(
                id=question.id,
                text=question.question,
                type=question.type,
                answerable=question.answerable,
                wanted=located.wanted.get(question.id),
                quotes=tuple(evidence.quote for evidence in question.evidence),
            )
            for question in questions
        ),
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
    return Task(name=data.name, questions=(*judged, *unanswerable))


def chunking_task(data: ChunkingSet, name: str) -> Task:
    """Questions whose gold is character offsets into long documents."""
    return Task(
        name=name,
        questions=tuple(
            Question(
                id=question.id,
                text=question.question,
                type=question.document,
                wanted=Wanted(
                    tuple(
                        (Span(article_id(span.article), span.start, span.end),)
                        for span in question.references
                    )
                ),
                quotes=tuple(
                    Quote(question.document, data.documents[question.document][s.start : s.end])
                    for s in question.references
                ),
            )
            for question in data.questions
        ),
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
    """An article whose text is kept to the letter, one paragraph a line."""
    blocks = [
        Block(BlockKind.PARAGRAPH, match.start(), match.end())
        for match in _PARAGRAPH.finditer(text)
    ]
    metadata = Metadata(title=title.strip(), language=detect_language(text))
    return Article(
        source=source, text=text, blocks=tuple(blocks), metadata=metadata, raw=text.encode()
    )
