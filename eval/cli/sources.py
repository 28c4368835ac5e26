"""Opens what a command names: a data set, and the library or service to ask."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sourcebook.eval.cli.progress import progress
from sourcebook.eval.data.articles import corpus_articles
from sourcebook.eval.data.cached_library import build_cost, cached_library, is_built
from sourcebook.eval.data.judged import SourceArticle, load_judged, with_short
from sourcebook.eval.data.question_set import (
    QuestionSet,
    data_kind,
    judged_question_set,
    load_with_corpus,
)
from sourcebook.eval.runs.observing import sample
from sourcebook.eval.runs.running_service import ServiceSubject
from sourcebook.eval.runs.subject import (
    EngineSubject,
    Subject,
    articles_of,
    engine_for,
)
from sourcebook.index.article import Article
from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.service.opening import encoder_named, open_library
from sourcebook.service.settings import Settings

# Between judged questions and their articles, for `eval all`.
CORPUS_MARK = "::"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the questions are, and what they are asked of.

    A BEIR or chunking folder has its own corpus; BEIR's queries alone need `corpus`, and `qrels` if
    these are not beside them. Judged questions are asked of `corpus`, of the
    service at `url`, of `library`, or else of the library that the settings name. `short` is a file
    of further accepted short answers.
    """

    data: Path
    settings: Settings
    cache: Path
    split: str = ""
    corpus: Path | None = None
    library: Path | None = None
    url: str | None = None
    limit: int | None = None
    seed: int = 0
    short: Path | None = None
    qrels: Path | None = None

    def __post_init__(self) -> None:
        """Refuse options that exclude each other or do not fit the data."""
        given = {"--corpus": self.corpus, "--library": self.library, "--url": self.url}
        named = [name for name, value in given.items() if value is not None]
        kind = data_kind(self.data)
        if len(named) > 1:
            raise InputError(f"{' and '.join(named)} exclude each other; expected one of them.")
        if kind == "queries" and named != ["--corpus"]:
            raise InputError(f"{self.data} holds queries; expected --corpus with their documents.")
        if self.qrels and kind != "queries":
            raise InputError(f"{self.data} has its own judgements; expected no --qrels.")
        if named and kind not in ("judged", "queries"):
            raise InputError(f"{self.data} brings its own corpus; expected no {named[0]}.")
        if self.split and kind != "beir":
            raise InputError(f"{self.data} has no splits; expected no --split {self.split}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Questions, and the library or the running service that they are asked of."""

    question_set: QuestionSet
    articles: Mapping[str, SourceArticle]
    asked: Library | ServiceSubject

    def subject(self, method: str) -> Subject:
        """The subject with this method. Raises InputError for a method that it does not have."""
        if isinstance(self.asked, Library):
            return EngineSubject(engine_for(self.asked, method))
        if method not in ("full", self.asked.method):
            raise InputError(f"A service answers with its own method; expected no {method!r}.")
        return self.asked

    def cost(self) -> dict[str, float]:
        """What building the library took, if it was built here."""
        return build_cost(self.asked) if isinstance(self.asked, Library) else {}


@contextmanager
def opened(source: Source) -> Iterator[Opened]:
    """Load the questions, open or build what they are asked of, and locate their gold."""
    with ExitStack() as stack:
        asked: Library | ServiceSubject
        if source.url:
            asked = ServiceSubject(source.url)
            articles = asked.articles()
            question_set = judged_of(source, articles)
        elif data_kind(source.data) == "judged":
            asked = stack.enter_context(_library(source))
            articles = articles_of(asked)
            question_set = judged_of(source, articles)
        else:
            question_set, documents = load_with_corpus(
                source.data, source.split, source.corpus, source.qrels
            )
            asked = stack.enter_context(_built(documents, source))
            articles = articles_of(asked)
        question_set = sample(question_set, source.limit, source.seed)
        yield Opened(question_set=question_set, articles=articles, asked=asked)


def judged_of(source: Source, articles: Mapping[str, SourceArticle]) -> QuestionSet:
    """The judged questions of `source`, their gold located in `articles`."""
    judged = load_judged(source.data)
    if source.short:
        judged = with_short(judged, source.short)
    return judged_question_set(source.data.stem, judged, articles)


def _library(source: Source) -> Library:
    """The library for judged questions: one of a corpus, or one on disk."""
    if source.corpus:
        return _built(corpus_articles(source.corpus), source)
    return open_library(source.library or source.settings.library, source.settings.model)


def _built(articles: Sequence[Article], source: Source) -> Library:
    """The complete cached library of these articles."""
    library, building = cached_library(articles, encoder_named(source.settings.model), source.cache)
    if not is_built(library):
        with progress("building the library", len(articles)) as advance:
            for _ in building:
                advance()
    return library


def name_of(source: Source) -> str:
    """The name of a data set: its folder's, or its file's without the suffix."""
    path = source.data.resolve()
    return path.stem if path.is_file() else path.name


def named_source(text: str, source: Source, split: str) -> Source:
    """`source` with the data set `PATH`, or `QUESTIONS::ARTICLES` for judged questions.

    The split is ignored for a data set without splits, because one option serves several sets.
    """
    path, _, corpus = text.partition(CORPUS_MARK)
    split = split if data_kind(Path(path)) == "beir" else ""
    return replace(source, data=Path(path), split=split, corpus=Path(corpus) if corpus else None)
