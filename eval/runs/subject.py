"""What is measured: an engine with one of its methods, asked question by question."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from typing import Any, Protocol

from sourcebook.eval.data.code_hash import code_sha256
from sourcebook.eval.data.judged import SourceArticle
from sourcebook.eval.measures.stages import Trace
from sourcebook.eval.report.document import Found
from sourcebook.index.article import Metadata
from sourcebook.index.encoding.reader import shipped_reader
from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import Answer
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.follow import Followed, follow
from sourcebook.service.asking.rank import Hit

# All that decides an answer.
ANSWERING = ("sourcebook.index", "sourcebook.service.language", "sourcebook.service.asking")
# Passages kept of each question: as many as the deepest measure of passages needs.
PASSAGES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a subject returned for one question.

    `articles` are all ranked articles with the score of their best passage, best first; an article
    that contains the same passage as a better one follows it. `passages` are the best ones, None
    if whole articles were ranked; `quotes` are the best sentences of each, `cited` is what the
    answer quotes, `short` its short answer or an empty text, `disagreements` the words of each
    side, and `nearest` what it quotes where there is no answer. `context` are the headers, lead-ins
    and headings that are shown with what is cited or nearest. `traces` say what became of each
    passage that search found, if known. `problem` says why the question was refused.
    """

    articles: Mapping[str, float] = field(default_factory=dict)
    passages: tuple[Found, ...] | None = ()
    quotes: tuple[Found, ...] = ()
    cited: tuple[Found, ...] = ()
    short: str = ""
    disagreements: tuple[tuple[str, ...], ...] = ()
    nearest: tuple[Found, ...] = ()
    context: tuple[Found, ...] = ()
    status: str | None = None
    confidence: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""
    traces: tuple[Trace, ...] | None = None


class Subject(Protocol):
    """What is measured: the engine in this process, or a running service."""

    @property
    def method(self) -> str:
        """The name of the ranking method."""

    @property
    def threshold(self) -> float | None:
        """The lowest confidence at which the subject answers, if known."""

    def ask(self, question: str) -> Observation:
        """Rank passages for the question and answer it."""

    def articles(self) -> Mapping[str, SourceArticle]:
        """Every article by id, to locate gold and to check quotes."""

    def identity(self) -> dict[str, Any]:
        """What decides the figures: library, settings and code."""

    def cost(self) -> dict[str, Any]:
        """The size of the library in articles, passages and bytes."""


class ListedArticle:
    """An article known from a list; its text is fetched when it is first used."""

    def __init__(self, id: str, source: str, metadata: Metadata, fetch: Callable[[], str]) -> None:
        """Describe an article; `fetch` returns its text."""
        self.id = id
        self.source = source
        self.metadata = metadata
        self._fetch = fetch

    @cached_property
    def text(self) -> str:
        """The canonical text."""
        return self._fetch()


class Texts(Mapping[str, str]):
    """The texts of articles by id, fetched one at a time."""

    def __init__(self, articles: Mapping[str, SourceArticle]) -> None:
        """Take the texts of `articles`."""
        self._articles = articles

    def __getitem__(self, key: str) -> str:
        return self._articles[key].text

    def __iter__(self) -> Iterator[str]:
        return iter(self._articles)

    def __len__(self) -> int:
        return len(self._articles)


class EngineSubject:
    """The engine in this process, with one of its methods."""

    threshold: float | None

    def __init__(self, engine: Engine) -> None:
        """Measure `engine` with the method that it was created with."""
        self._engine = engine
        self.method = engine.method
        self.threshold = engine.decide.calibration.answered

    def ask(self, question: str, without: tuple[str, ...] = ()) -> Observation:
        """Rank passages for the question and answer it; `seconds` excludes what follows.

        The articles of the ids `without` are hidden.
        """
        chosen = Filter(without=without) if without else None
        begun = time.perf_counter()
        try:
            found = self._engine.examine(question, PASSAGES, chosen)
        except InputError as error:
            return refused(error)
        total = time.perf_counter() - begun
        answer, hits = found.answer, found.ranking.hits
        return Observation(
            articles=_articles(hits),
            passages=tuple(_passage(hit) for hit in hits[:PASSAGES]),
            quotes=tuple(_quote(hit.citation) for hit in found.passages),
            cited=tuple(map(_quote, answer.citations)),
            short=answer.short.text if answer.short else "",
            disagreements=tuple(
                tuple(side.value for side in each.sides) for each in answer.disagreements
            ),
            nearest=tuple(map(_quote, answer.nearest)),
            context=tuple(need for cited in answer.quoted for need in _context(cited)),
            status=answer.status.value,
            confidence=answer.confidence,
            seconds=_seconds(answer, total),
            traces=tuple(map(_trace, follow(found.ranked, found.ranking, answer))),
        )

    def articles(self) -> Mapping[str, SourceArticle]:
        """Every article of the library by id."""
        return articles_of(self._engine.library)

    def identity(self) -> dict[str, Any]:
        """Library, method, thresholds and code."""
        library = self._engine.library
        return {
            "library": library.fingerprint,
            "generation": library.info()["generation"],
            "encoder": library.encoder.name,
            "method": self._engine.method,
            "profile": asdict(self._engine.profile),
            "code": code_fingerprint(),
        }

    def cost(self) -> dict[str, Any]:
        """The size of the library in articles, passages and bytes."""
        facts = self._engine.library.info()
        return {key: facts[key] for key in ("articles", "passages", "bytes")}


def refused(error: InputError) -> Observation:
    """The observation of a question that was refused: nothing found, nothing answered."""
    return Observation(status="not_in_library", confidence=0.0, problem=error.message)


def engine_for(library: Library, method: str) -> Engine:
    """The engine with the named method. Raises InputError for an unknown name."""
    return Engine.of(library, method, reader=shipped_reader())


def articles_of(library: Library) -> dict[str, SourceArticle]:
    """Every article of a library by id; texts are fetched when they are used."""
    with library.view() as view:
        records = view.records()

    def fetch(wanted: str) -> Callable[[], str]:
        return lambda: library.article(wanted).text

    return {
        each.id: ListedArticle(each.id, each.source, each.metadata, fetch(each.id))
        for each in records
    }


@cache
def code_fingerprint() -> str:
    """12 hex digits of the hash of the code that ranks and answers."""
    return code_sha256(ANSWERING)[:12]


def _articles(hits: Sequence[Hit]) -> dict[str, float]:
    ranked: dict[str, float] = {}
    for hit in hits:
        for article in (hit.article, *hit.also):
            ranked.setdefault(article.id, hit.score)
    return ranked


def _passage(hit: Hit) -> Found:
    passage = hit.passage
    title = hit.article.metadata.title
    return Found(
        passage.article_id, title, passage.start, passage.end, passage.text, float(hit.score)
    )


def _trace(followed: Followed) -> Trace:
    passage, reading = followed.hit.passage, followed.hit.reading
    return Trace(
        article=passage.article_id,
        start=passage.start,
        end=passage.end,
        dropped=followed.dropped or "",
        logit=reading.logit if reading else None,
    )


def _quote(cited: Citation) -> Found:
    title = cited.article.metadata.title
    return Found(
        cited.article.id, title, cited.start, cited.end, cited.exact, float(cited.scores.fused)
    )


def _context(cited: Citation) -> Iterator[Found]:
    for need in cited.context:
        yield replace(_quote(cited), start=need.start, end=need.end, text=need.exact)


def _seconds(answer: Answer, total: float) -> dict[str, float]:
    return {**answer.seconds, "total": total}
