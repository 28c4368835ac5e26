"""Judged questions: their gold is articles and verbatim quotes, so it survives a new chunker."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from sourcebook.eval.data.files import json_lines, string
from sourcebook.eval.data.gold import Span, Wanted
from sourcebook.index.errors import InputError


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim quote and its article, named by id, file name, url or title."""

    article: str
    quote: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence: a quote, and alternatives that are just as good."""

    quote: Quote
    alternatives: tuple[Quote, ...] = ()

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """The quote first, then its alternatives."""
        return (self.quote, *self.alternatives)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuestion:
    """A question with gold quotes, or one that the library does not answer.

    `any`: one piece of evidence is enough; otherwise all are needed. `answer` and `note` are for
    people and are never scored. `short`: the accepted short answers, empty where a few words
    cannot answer, None where nobody has judged. `near`: for an unanswerable question, the sentence
    that comes nearest.
    """

    id: str
    question: str
    type: str = ""
    answerable: bool = True
    answer: str = ""
    evidence: tuple[Evidence, ...] = ()
    any: bool = False
    short: tuple[str, ...] | None = None
    near: Quote | None = None
    tags: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse gold that contradicts itself."""
        if self.answerable != bool(self.evidence):
            raise InputError(
                f"question {self.id!r} is {'' if self.answerable else 'un'}answerable with "
                f"{len(self.evidence)} pieces of evidence; expected evidence if and only if it is "
                "answerable."
            )
        if any(not text.strip() for text in self.short or ()):
            raise InputError(f"question {self.id!r} has an empty short answer; expected a text.")
        if self.short and not self.answerable:
            raise InputError(
                f"question {self.id!r} is unanswerable and has short answers; expected none."
            )
        if self.answerable and self.near:
            raise InputError(
                f"question {self.id!r} is answerable and has 'near'; expected it only where "
                "nothing answers the question."
            )


class SourceArticle(Protocol):
    """What finding a quote needs of an article, whether of a library or of a running service."""

    @property
    def id(self) -> str:
        """The article's id."""

    @property
    def source(self) -> str:
        """A path, an address or a name."""

    @property
    def text(self) -> str:
        """The canonical text that offsets refer to."""

    @property
    def metadata(self) -> "SourceMetadata":
        """The title and the url."""


class SourceMetadata(Protocol):
    """The metadata that gold may use to name an article."""

    @property
    def title(self) -> str:
        """The title, or an empty text."""

    @property
    def url(self) -> str | None:
        """The url, or None."""


@dataclass(frozen=True, slots=True)
class MissingGold:
    """A gold quote that cannot be located, and why: a fault of the gold, not of the engine."""

    question: str
    article: str
    quote: str
    reason: str


@dataclass(frozen=True, slots=True)
class Located:
    """Question id -> gold as spans in code points, and the quotes that were not found."""

    wanted: Mapping[str, Wanted]
    missing: tuple[MissingGold, ...]


def load_judged(*paths: Path) -> tuple[JudgedQuestion, ...]:
    """Load the judged questions of JSONL files, in order.

    Raises InputError, with file and line, for a malformed line or a duplicate id, and if there is
    no question.
    """
    rows = (row for path in paths for row in json_lines(path))
    return judged_questions(rows, ", ".join(map(str, paths)))


def with_short(questions: Iterable[JudgedQuestion], path: Path) -> tuple[JudgedQuestion, ...]:
    """The questions with the short answers that a JSONL file of `id` and `short` gives them.

    A question whose id the file does not name stays as it is. Raises InputError for a malformed
    line.
    """
    short = {
        string(row, "id", where): _texts(row, "short", where) for where, row in json_lines(path)
    }
    return tuple(replace(each, short=short.get(each.id, each.short)) for each in questions)


def judged_questions(
    rows: Iterable[tuple[str, Mapping[str, Any]]], where: str
) -> tuple[JudgedQuestion, ...]:
    """Judged questions from decoded rows, each after its place (`file:line`) for errors."""
    questions: dict[str, JudgedQuestion] = {}
    for place, row in rows:
        question = judged_question(row, place)
        if question.id in questions:
            raise InputError(f"{place}: the question id {question.id!r} was used before.")
        questions[question.id] = question
    if not questions:
        raise InputError(f"{where}: no question; expected at least one.")
    return tuple(questions.values())


def judged_question(row: Mapping[str, Any], where: str) -> JudgedQuestion:
    """One judged question; unknown keys are ignored. Raises InputError for a malformed row."""
    try:
        return JudgedQuestion(
            id=string(row, "id", where),
            question=string(row, "question", where),
            type=string(row, "type", where, ""),
            answerable=_flag(row, "answerable", where, default=True),
            answer=string(row, "answer", where, ""),
            evidence=_evidence(row, where),
            any=_flag(row, "any", where, default=False),
            short=_texts(row, "short", where) if "short" in row else None,
            near=_near(row, where),
            tags=_texts(row, "tags", where),
            note=string(row, "note", where, ""),
        )
    except InputError as error:
        if error.message.startswith(where):
            raise
        raise InputError(f"{where}: {error.message}") from error


def _flag(row: Mapping[str, Any], key: str, where: str, *, default: bool) -> bool:
    value = row.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"{where}: {key!r} is {value!r}; expected true or false.")
    return value


def _texts(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    texts = row.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InputError(f"{where}: {key!r} is {texts!r}; expected a list of texts.")
    return tuple(string({key: text}, key, where, "") for text in texts)


def _near(row: Mapping[str, Any], where: str) -> Quote | None:
    near = row.get("near")
    if near is None:
        return None
    if not isinstance(near, dict):
        raise InputError(f"{where}: 'near' is {near!r}; expected an object or nothing.")
    return _quote(near, where)


def _objects(row: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    rows = row.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise InputError(f"{where}: {key!r} is {rows!r}; expected a list of objects.")
    return rows


def _evidence(row: Mapping[str, Any], where: str) -> tuple[Evidence, ...]:
    quotes = [_quote(each, where) for each in _objects(row, "evidence", where)]
    others: dict[int, list[Quote]] = defaultdict(list)
    for each in _objects(row, "alternatives", where):
        target = each.get("for")
        if type(target) is not int or not 0 <= target < len(quotes):
            raise InputError(
                f"{where}: an alternative is 'for' {target!r}; expected the position of a piece "
                f"of evidence, 0 to {len(quotes) - 1}."
            )
        others[target].append(_quote(each, where))
    return tuple(Evidence(quote, tuple(others[i])) for i, quote in enumerate(quotes))


def _quote(row: Mapping[str, Any], where: str) -> Quote:
    return Quote(string(row, "article", where), string(row, "quote", where))


def find_quote(text: str, quote: str) -> tuple[tuple[int, int], ...]:
    """Every `[start, end)` in `text` that equals `quote`, in code points.

    Any run of white space matches any other; everything else must be exact.
    """
    pattern = r"\s+".join(map(re.escape, quote.split()))
    return tuple(match.span() for match in re.finditer(pattern, text)) if pattern else ()


def locate(questions: Iterable[JudgedQuestion], articles: Mapping[str, SourceArticle]) -> Located:
    """Find the gold quotes of the answerable questions in `articles` (id -> article).

    An article is named by its id, source, url, file name with or without suffix, title, or the
    beginning of its file name. Quotes that cannot be located are listed in `missing`; they stay in
    `wanted` without a place, so they count as never found.
    """
    find = article_finder(articles)
    wanted: dict[str, Wanted] = {}
    missing: list[MissingGold] = []
    for question in questions:
        if not question.answerable:
            continue
        evidence = []
        for piece in question.evidence:
            found = [_places(quote, find) for quote in piece.quotes]
            evidence.append(tuple(place for places, _ in found for place in places))
            missing += [
                MissingGold(question.id, quote.article, quote.quote, reason)
                for quote, (_, reason) in zip(piece.quotes, found, strict=True)
                if reason
            ]
        wanted[question.id] = Wanted(tuple(evidence), question.any)
    return Located(wanted, tuple(missing))


NAMES = 6  # the kinds of exact name in `_names`
Finder = Callable[[str], tuple[SourceArticle, ...]]


def _places(quote: Quote, find: Finder) -> tuple[tuple[Span, ...], str]:
    """Where the quote is, or the reason why it is nowhere."""
    articles = find(quote.article)
    if not articles:
        return (), "no such article"
    if len(articles) > 1:
        return (), "several articles match: " + ", ".join(sorted(each.id for each in articles))
    spans = find_quote(articles[0].text, quote.quote)
    places = tuple(Span(articles[0].id, start, end) for start, end in spans)
    return places, "" if places else "quote not in the article"


def article_finder(articles: Mapping[str, SourceArticle]) -> Finder:
    """A function from a name to the articles with that name, by the most exact kind of name."""
    named: dict[tuple[int, str], dict[str, SourceArticle]] = defaultdict(dict)
    for article in articles.values():
        for rank, name in enumerate(_names(article)):
            named[rank, name][article.id] = article
    files = [(_path(article.source).name, article) for article in articles.values()]

    def find(name: str) -> tuple[SourceArticle, ...]:
        name = _collapsed(name)
        for rank in range(NAMES):
            if (rank, name) in named:
                return tuple(named[rank, name].values())
        return tuple(article for file, article in files if file.startswith(name))

    return find


def _names(article: SourceArticle) -> tuple[str, ...]:
    """The names of an article, from the most exact to the least."""
    path = _path(article.source)
    names = (
        article.id,
        article.source,
        article.metadata.url or "",
        path.name,
        path.stem,
        article.metadata.title,
    )
    return tuple(map(_collapsed, names))


def _collapsed(name: str) -> str:
    return " ".join(name.split())


def _path(source: str) -> PurePosixPath:
    return PurePosixPath(unquote(urlsplit(source).path) if "://" in source else source)
