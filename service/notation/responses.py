"""What callers get: the notation of articles, the library and problems, over HTTP and as `--json`.

Each class reads the engine's value of the same name: `ArticleOut.model_validate(record)`.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field

from sourcebook.index.article import Article
from sourcebook.index.errors import SourcebookError
from sourcebook.index.passages import Passage
from sourcebook.index.storage.records import ArticleRecord


class Returned(BaseModel):
    """What callers get; values are read from attributes of the same name."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class ProblemError(Returned):
    """One refused value."""

    location: str = Field(description="Where it stood, such as `body.question` or `query.limit`.")
    message: str = Field(description="What is wrong with it.")
    given: str | None = Field(default=None, description="The value as given, shortened.")


class Problem(Returned):
    """An RFC 9457 problem: what went wrong, with the value and what was expected, and the cure."""

    type: str = Field(description="The kind of problem: an address that explains it.")
    title: str = Field(description="The kind of problem in two or three words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What was wrong this time: name, value and what was expected.")
    instance: str = Field(description="The address that was asked.")
    cure: str | None = Field(default=None, description="What to do about it.")
    errors: list[ProblemError] | None = Field(
        default=None, description="Each value that was refused, where there may be several."
    )


class Span(Returned):
    """A stretch `[start, end)` of an article's text, in Unicode code points."""

    start: int
    end: int


def _known(name: str) -> AliasChoices:
    """Where a record keeps what is known of its article; JSON has it beside the rest."""
    return AliasChoices(AliasPath("metadata", name), name)


class ArticleBrief(Returned):
    """What a reader needs to know about a cited article."""

    id: str = Field(examples=["ba0913253f6cc065"])
    source: str = Field(
        description="Where it came from: adding the same source again replaces the article.",
        examples=["seeds/us-colombia-cooperation-to-confrontation.md"],
    )
    title: str = Field(validation_alias=_known("title"))
    authors: list[str] = Field(validation_alias=_known("authors"))
    publisher: str = Field(validation_alias=_known("publisher"))
    published: str | None = Field(
        validation_alias=_known("published"),
        description="A date as precise as it is known: `2025`, `2025-09` or `2025-09-19`.",
    )
    modified: str | None = Field(validation_alias=_known("modified"))
    retrieved: str | None = Field(validation_alias=_known("retrieved"))
    url: str | None = Field(validation_alias=_known("url"))
    language: str = Field(validation_alias=_known("language"), description="A two-letter code.")


class ArticleOut(ArticleBrief):
    """An article without its text."""

    tags: list[str] = Field(validation_alias=_known("tags"))
    date_sources: dict[str, str] = Field(
        validation_alias=_known("date_sources"),
        description="Where each known date came from.",
    )
    extra: dict[str, Any] = Field(
        validation_alias=_known("extra"), description="What else is known about it."
    )
    sha256: str = Field(description="The hash of the canonical text.")
    characters: int
    passages: int
    copy_of: str | None = Field(description="The id of the article that this one repeats.")
    added: str = Field(description="When this version was added, in UTC.")
    generation: int = Field(description="The library's generation that brought this version.")


class BlockOut(Span):
    """A paragraph, heading or caption of the canonical text: `text[start:end]`."""

    kind: str = Field(description="`paragraph`, `heading` or `caption`.")


class RemovalOut(Span):
    """What cleaning took out, by which rule, and where in the decoded raw text it stood."""

    rule: str
    text: str


class ArticleFull(ArticleOut):
    """An article with its canonical text."""

    text: str
    blocks: list[BlockOut]
    removals: list[RemovalOut] = Field(description="The cleaning report.")
    copies: list[ArticleBrief] = Field(description="The articles that repeat this one.")

    @classmethod
    def of(
        cls, record: ArticleRecord, article: Article, copies: Sequence[ArticleRecord]
    ) -> "ArticleFull":
        """A record together with its article and the records of its copies."""
        brief = ArticleOut.model_validate(record)
        return cls.model_construct(
            **dict(brief),
            text=article.text,
            blocks=[BlockOut.model_validate(block) for block in article.blocks],
            removals=[RemovalOut.model_validate(removal) for removal in article.removals],
            copies=[ArticleBrief.model_validate(copy) for copy in copies],
        )


class ArticlesPage(Returned):
    """One page of the list of articles."""

    total: int = Field(description="How many articles the filter lets through.")
    limit: int
    offset: int
    generation: int
    articles: list[ArticleOut]


class PassageOut(Returned):
    """A passage: `text` is what its article says at `[start, end)`."""

    id: str
    article_id: str
    start: int
    end: int
    text_sha256: str = Field(
        validation_alias=AliasChoices("article_sha256", "text_sha256"),
        description="The hash of the article's text that the offsets are of.",
    )
    text: str
    kind: str = Field(description="`paragraph` or `caption`.")
    headings: list[str] = Field(description="The headings right above it, outermost first.")
    sentences: list[Span]


class PassageFull(PassageOut):
    """A passage with the article that it is from."""

    article: ArticleBrief

    @classmethod
    def of(cls, passage: Passage, record: ArticleRecord) -> "PassageFull":
        """A passage together with its article."""
        brief = PassageOut.model_validate(passage)
        return cls.model_construct(**dict(brief), article=ArticleBrief.model_validate(record))


class PassagesOut(Returned):
    """The passages of an article, in reading order."""

    generation: int
    passages: list[PassageOut]


class OutcomeOut(Returned):
    """What adding one article did: `added`, `replaced` or `unchanged`."""

    action: str
    article: ArticleOut = Field(validation_alias=AliasChoices("record", "article"))


class FailureOut(Returned):
    """A source that could not be added, why, and what to do about it."""

    source: str
    kind: str
    message: str
    cure: str
    attempts: int = Field(description="How often it was tried.")
    failed: str | None = Field(description="When it was tried last, in UTC.")

    @classmethod
    def now(cls, source: str, error: SourcebookError) -> "FailureOut":
        """A failure of this request."""
        return cls(
            source=source,
            kind=error.kind,
            message=error.message,
            cure=error.cure,
            attempts=1,
            failed=None,
        )


class AddedOut(Returned):
    """What adding did, article by article, and which files could not be read."""

    outcomes: list[OutcomeOut]
    failures: list[FailureOut]
    generation: int


class RemovedOut(Returned):
    """Articles that are gone: nothing finds or cites them any more."""

    removed: list[ArticleOut]
    generation: int


class ImportOut(Returned):
    """A folder on its way into the library."""

    id: str
    folder: str
    status: str = Field(description="`queued`, `running`, `done`, `failed` or `cancelled`.")
    done: int = Field(description="How many files were read so far.")
    total: int = Field(description="How many files there are.")
    actions: dict[str, int] = Field(
        description="How many articles were `added`, `replaced` or found `unchanged`, and can be "
        "found now."
    )
    failed: int = Field(description="How many files could not be read.")
    outcomes: list[OutcomeOut] = Field(description="The newest of these articles.")
    failures: list[FailureOut] = Field(description="The newest of these failures.")
    created: str
    started: str | None
    finished: str | None
    problem: str | None = Field(description="Why it failed.")


class ImportsOut(Returned):
    """The imports since the server began, the newest first."""

    folders: list[str] = Field(description="What the server's settings allow to import from.")
    imports: list[ImportOut]


class CoveredOut(Returned):
    """How many articles a publisher has in a month."""

    month: str | None = Field(
        description="`2025-09`, or `2025` where no more is known, or null for undated articles."
    )
    publisher: str = Field(description="Empty where it is not known.")
    articles: int
    copies: int = Field(description="How many of them repeat another article.")


class CoverageOut(Returned):
    """What the library covers, by month and publisher; undated articles come first."""

    generation: int
    coverage: list[CoveredOut]


class LibraryOut(Returned):
    """What the library holds and how large it is."""

    folder: str
    generation: int = Field(description="Grows with every committed change.")
    fingerprint: str = Field(description="Names the library and how its vectors were made.")
    encoder: str
    articles: int
    copies: int = Field(description="How many of the articles repeat another one.")
    passages: int
    publishers: list[str]
    languages: list[str]
    bytes: dict[str, int] = Field(description="The size of the database and of each index.")
    failures: int = Field(description="How many sources could not be added.")
    failed: list[FailureOut] = Field(description="The newest of these, at most 100.")


class Example(Returned):
    """A question that the library answers."""

    question: str
    article_id: str = Field(description="The article whose title or heading it is.")


class ExamplesOut(Returned):
    """Questions to begin with."""

    examples: list[Example]


class Health(Returned):
    """Whether the server is up (`alive`), or can answer (`ready`)."""

    status: str
    generation: int | None = None
