"""Questions with their gold, from any of the supported data sets."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sourcebook.eval.data.articles import plain_article, plain_articles
from sourcebook.eval.data.beir import BeirSet, is_queries, load_beir, load_beir_files, qrels_beside
from sourcebook.eval.data.chunking import ChunkingSet, ReferencedQuestion, load_chunking
from sourcebook.eval.data.disagreements import (
    JudgedDisagreement,
    is_disagreements,
    load_disagreements,
)
from sourcebook.eval.data.gold import Span, Wanted
from sourcebook.eval.data.judged import JudgedQuestion, MissingGold, Quote, SourceArticle, locate
from sourcebook.index.article import Article, article_id, sha256
from sourcebook.index.errors import InputError, NotFoundError

Kind: TypeAlias = Literal["judged", "disagreements", "beir", "chunking", "queries"]


def data_kind(path: Path) -> Kind:
    """The kind of data set at `path`: a folder, or a `.jsonl` of questions or queries.

    Raises NotFoundError if nothing is there, InputError if it is none of these kinds.
    """
    if not path.exists():
        raise NotFoundError(f"No data set at {str(path)!r}.")
    if path.suffix == ".jsonl" and path.is_file():
        return (
            "queries"
            if is_queries(path)
            else "disagreements"
            if is_disagreements(path)
            else "judged"
        )
    if path.is_file():
        return "judged"
    if (path / "corpus.jsonl").is_file():
        return "beir"
    if (path / "questions.csv").is_file():
        return "chunking"
    raise InputError(
        f"{str(path)!r} is not a data set; expected a .jsonl file of judged questions, a BEIR "
        "folder with corpus.jsonl, or a folder with questions.csv and corpora/."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question with its gold.

    `wanted` is the gold as spans of articles, `relevant` as graded article ids; either may be
    missing. `quotes` show people what was wanted. `short` are the accepted short answers: none
    where a few words cannot answer, None where nobody has judged. `sides` are the words of each
    side of a disagreement: none where the articles agree, None where nobody has judged.
    """

    id: str
    text: str
    type: str = ""
    answerable: bool = True
    wanted: Wanted | None = None
    relevant: Mapping[str, int] | None = None
    quotes: tuple[Quote, ...] = ()
    short: tuple[str, ...] | None = None
    sides: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSet:
    """Questions with their gold; `missing` lists quotes that the articles no longer contain.

    `names` maps article ids to the names that the data set uses, if it has its own.
    """

    name: str
    questions: tuple[Question, ...]
    missing: tuple[MissingGold, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, article: str) -> str:
        """The article's name in TREC files."""
        return self.names.get(article, article)

    @property
    def fingerprint(self) -> str:
        """16 hex digits of the questions and their gold."""
        facts: list[Any] = [asdict(question) for question in self.questions]
        return sha256(json.dumps(facts, sort_keys=True))[:16]


def judged_question_set(
    name: str, questions: Iterable[JudgedQuestion], articles: Mapping[str, SourceArticle]
) -> QuestionSet:
    """Judged questions, their quotes located in the articles (by id) of a library.

    An article that contains a gold quote is relevant, so rankings of articles can be scored too.
    """
    asked = tuple(questions)
    located = locate(asked, articles)
    return QuestionSet(
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
        short=question.short if question.answerable else (),
    )


def beir_question_set(data: BeirSet) -> QuestionSet:
    """The queries of a BEIR set, and its unanswerable questions if it has any."""
    judged = [
        Question(
            id=query,
            text=text,
            relevant={article_id(document): grade for document, grade in data.qrels[query].items()},
        )
        for query, text in data.queries.items()
    ]
    unanswerable = [
        Question(
            id=question.id, text=question.text, type="unanswerable", answerable=False, short=()
        )
        for question in data.unanswerable
    ]
    names = {article_id(document): document for document in data.documents}
    return QuestionSet(name=data.name, questions=(*judged, *unanswerable), names=names)


def disagreement_question_set(name: str, judged: Sequence[JudgedDisagreement]) -> QuestionSet:
    """Questions that their articles answer differently, or do not."""
    questions = tuple(
        Question(
            id=each.id,
            text=each.question,
            type=each.type,
            relevant={article.id: 1 for article in each.articles},
            sides=each.sides,
        )
        for each in judged
    )
    return QuestionSet(name=name, questions=questions)


def chunking_question_set(data: ChunkingSet, name: str) -> QuestionSet:
    """The questions of a chunking set; their gold is character offsets into documents."""
    return QuestionSet(
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


def load_with_corpus(
    path: Path, split: str = "", corpus: Path | None = None, qrels: Path | None = None
) -> tuple[QuestionSet, list[Article]]:
    """The questions and the articles of a data set with its own corpus.

    Of BEIR's queries alone, `corpus` is needed; `qrels` is looked for beside them.
    """
    if data_kind(path) == "disagreements":
        judged = load_disagreements(path)
        articles = [article for each in judged for article in each.articles]
        return disagreement_question_set(path.stem, judged), articles
    if data_kind(path) == "chunking":
        chunks = load_chunking(path)
        return chunking_question_set(chunks, path.resolve().name), [
            plain_article(name, "", text) for name, text in chunks.documents.items()
        ]
    if corpus:
        data = load_beir_files(path, corpus, qrels or qrels_beside(path))
    else:
        data = load_beir(path, split)
    documents = data.documents.values()
    return beir_question_set(data), list(plain_articles((d.id, d.title, d.text) for d in documents))
