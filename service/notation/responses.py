"""Responses as JSON, over HTTP and with `--json`: articles, the library and problems.

Each class is built from a value of the library: `ArticleOut.model_validate(record)`.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from sourcebook.index.article import Article, deeper_than
from sourcebook.index.errors import SourcebookError
from sourcebook.index.passages import Passage
from sourcebook.index.storage.records import ArticleRecord

# Earlier releases stored metadata that are nested deeper than any that is added now. Pydantic
# writes up to 255 levels as JSON and then raises an error; a few are those around the metadata.
MOST_LEVELS = 100

log = logging.getLogger(__name__)


class Returned(BaseModel):
    """A response; its values come from attributes of the same name."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class ProblemError(Returned):
    """A rejected value."""

    location: str = Field(description="Its place, such as `body.question` or `query.limit`.")
    message: str = Field(description="What is wrong with it.")
    given: str | None = Field(default=None, description="The value, shortened.")


class Problem(Returned):
    """An RFC 9457 problem: what went wrong, the value, what was expected, and what to do."""

    type: str = Field(description="The kind of problem, as the address of a page about it.")
    title: str = Field(description="The kind of problem in two or three words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What went wrong: the name, the value and what was expected.")
    instance: str | None = Field(
        default=None,
        description="The address of the request, unless it was refused before that was read.",
    )
    request_id: str | None = Field(
        default=None, description="The id under which the server's log tells of the request."
    )
    cure: str | None = Field(default=None, description="What to do about it.")
    errors: list[ProblemError] | None = Field(
        default=None, description="All rejected values, if there may be several."
    )


class Span(Returned):
    """A span `[start, end)` of an article's text, in Unicode code points."""

    start: int
    end: int


def _known(name: str) -> AliasChoices:
    """Take a field from the record's metadata; in JSON it is on the top level."""
    return AliasChoices(AliasPath("metadata", name), name)


class ArticleBrief(Returned):
    """The main facts about an article."""

    id: str = Field(examples=["ba0913253f6cc065"])
    source: str = Field(
        description="Where it came from; adding the same source again replaces the article.",
        examples=["seeds/us-colombia-cooperation-to-confrontation.md"],
    )
    title: str = Field(validation_alias=_known("title"))
    authors: list[str] = Field(validation_alias=_known("authors"))
    publisher: str = Field(validation_alias=_known("publisher"))
    published: str | None = Field(
        validation_alias=_known("published"),
        description="A date, as precise as known: `2025`, `2025-09` or `2025-09-19`.",
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
        description="Where each date was found.",
    )
    extra: dict[str, Any] = Field(validation_alias=_known("extra"), description="Other metadata.")
    sha256: str = Field(description="SHA-256 of the canonical text.")
    characters: int
    passages: int
    copy_of: str | None = Field(description="The id of the article that this one is a copy of.")
    added: str = Field(description="When this version was added, in UTC.")
    generation: int = Field(description="The generation of the library that added this version.")

    @field_validator("extra", mode="before")
    @classmethod
    def _that_can_be_sent(cls, extra: Mapping[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """What is nested too deep stays in the library, and is not shown."""
        shown = {name: each for name, each in extra.items() if not deeper_than(each, MOST_LEVELS)}
        for name in extra.keys() - shown.keys():
            log.warning(
                "%r of the article %r is nested too deep to be shown", name, info.data.get("id")
            )
        return shown


class BlockOut(Span):
    """A paragraph, heading or caption of the canonical text: `text[start:end]`."""

    kind: str = Field(description="`paragraph`, `heading` or `caption`.")


class RemovalOut(Span):
    """A part that cleaning removed, by which rule, and its place in the decoded raw text."""

    rule: str
    text: str


class ArticleFull(ArticleOut):
    """An article with its canonical text."""

    text: str
    blocks: list[BlockOut]
    removals: list[RemovalOut] = Field(description="The cleaning report.")
    copies: list[ArticleBrief] = Field(description="Copies of this article.")

    @classmethod
    def of(
        cls, record: ArticleRecord, article: Article, copies: Sequence[ArticleRecord]
    ) -> "ArticleFull":
        """Combine a record with its article and the records of its copies."""
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

    total: int = Field(description="Number of articles that match the filter.")
    limit: int
    offset: int
    generation: int
    articles: list[ArticleOut]


class PassageOut(Returned):
    """A passage: `text` equals `article.text[start:end]`."""

    id: str
    article_id: str
    start: int
    end: int
    text_sha256: str = Field(
        validation_alias=AliasChoices("article_sha256", "text_sha256"),
        description="SHA-256 of the article text that the offsets refer to.",
    )
    text: str
    kind: str = Field(description="`paragraph` or `caption`.")
    headings: list[str] = Field(description="The headings above it, outermost first.")
    sentences: list[Span]


class PassageFull(PassageOut):
    """A passage with its article."""

    article: ArticleBrief

    @classmethod
    def of(cls, passage: Passage, record: ArticleRecord) -> "PassageFull":
        """Combine a passage with its article."""
        brief = PassageOut.model_validate(passage)
        return cls.model_construct(**dict(brief), article=ArticleBrief.model_validate(record))


class PassagesOut(Returned):
    """The passages of an article, in reading order."""

    generation: int
    passages: list[PassageOut]


class OutcomeOut(Returned):
    """The outcome for one article: `added`, `replaced` or `unchanged`."""

    action: str
    article: ArticleOut = Field(validation_alias=AliasChoices("record", "article"))


class FailureOut(Returned):
    """A source that could not be added, why, and what to do about it."""

    source: str
    kind: str
    message: str
    cure: str
    attempts: int = Field(description="Number of attempts.")
    failed: str | None = Field(description="Time of the last attempt, in UTC.")

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
    """The outcome for each article, and the files that could not be read."""

    outcomes: list[OutcomeOut]
    failures: list[FailureOut]
    generation: int


class RemovedOut(Returned):
    """The removed articles; they are not found or cited any more."""

    removed: list[ArticleOut]
    generation: int


class TrashedOut(Returned):
    """An article in the trash."""

    id: str
    source: str
    title: str
    publisher: str
    published: str | None
    characters: int
    removed: str = Field(description="When it was removed, in UTC.")
    until: str = Field(description="Until then it can be brought back.")


class TrashOut(Returned):
    """The articles in the trash, the last one removed first."""

    trash: list[TrashedOut]


class RestoredOut(Returned):
    """The articles that are back from the trash."""

    restored: list[ArticleOut]
    generation: int


class PurgedOut(Returned):
    """The ids of the articles that were deleted for good."""

    purged: list[str]


class ImportOut(Returned):
    """The import of a folder."""

    id: str
    folder: str
    status: str = Field(description="`queued`, `running`, `done`, `failed` or `cancelled`.")
    done: int = Field(description="Number of files processed.")
    total: int = Field(description="Number of files.")
    actions: dict[str, int] = Field(
        description="Number of articles `added`, `replaced` or `unchanged` so far; they can be "
        "found already."
    )
    failed: int = Field(description="Number of files that could not be read.")
    outcomes: list[OutcomeOut] = Field(description="The most recent outcomes.")
    failures: list[FailureOut] = Field(description="The most recent failures.")
    created: str
    started: str | None
    finished: str | None
    problem: str | None = Field(description="Why it failed.")


class ImportsOut(Returned):
    """The imports since the server started, newest first."""

    folders: list[str] = Field(description="Folders that the server's settings allow.")
    imports: list[ImportOut]


class CoveredOut(Returned):
    """The number of articles from a publisher in a month."""

    month: str | None = Field(
        description="`2025-09`, or `2025` if only the year is known; null for undated articles."
    )
    publisher: str = Field(description="Empty if unknown.")
    articles: int
    copies: int = Field(description="How many of them are copies of another article.")


class CoverageOut(Returned):
    """The number of articles by month and publisher; undated articles come first."""

    generation: int
    coverage: list[CoveredOut]


class UpgradeOut(Returned):
    """How far the library's upgrade to another encoder is; it can be used meanwhile."""

    encoder: str = Field(description="The encoder that the library will have.")
    done: int = Field(description="Number of passages that it has encoded.")
    total: int = Field(description="Number of passages.")


class UpgradedOut(Returned):
    """What an upgrade did, if the library did not have the encoder already."""

    upgraded: bool
    encoder: str
    articles: int | None
    passages: int | None
    copy_kept: str | None = Field(description="The file with the database as it was before.")


class BackupOut(Returned):
    """A backup that was found whole, and what tells it from all others."""

    file: str
    bytes: int
    articles: int
    generation: int
    uuid: str = Field(description="The same in all states of one library.")
    fingerprint: str = Field(description="Identifies the library and the encoder of its vectors.")
    encoder: str


class LibraryRestoredOut(Returned):
    """What was put back, and where."""

    folder: str
    backup: BackupOut
    kept: str | None = Field(description="The file with the library that was there before.")


class ExportedOut(Returned):
    """The articles that were exported, and those that could not be."""

    path: str
    articles: int
    files: int
    without_raw: list[str] = Field(description="Sources whose original bytes are too large.")
    failures: list[FailureOut]
    generation: int


class LibraryOut(Returned):
    """The contents and the size of the library."""

    folder: str
    generation: int = Field(description="Grows with every committed change.")
    fingerprint: str = Field(description="Identifies the library and how its vectors were made.")
    encoder: str
    upgrade: UpgradeOut | None = Field(description="The upgrade to another encoder, if one began.")
    articles: int
    copies: int = Field(description="How many articles are copies of another one.")
    passages: int
    publishers: list[str]
    languages: list[str]
    bytes: dict[str, int] = Field(description="Size of the database and of each index.")
    failures: int = Field(description="Number of sources that could not be added.")
    failed: list[FailureOut] = Field(description="The most recent of these, at most 100.")


class DamageOut(Returned):
    """Something that is not as it was written."""

    what: str
    cure: str = Field(description="What to do about it.")


class CheckOut(Returned):
    """All damage that was found in the library."""

    damage: list[DamageOut]


class Example(Returned):
    """An example question that the library answers."""

    question: str
    article_id: str = Field(description="The article with this title or heading.")


class ExamplesOut(Returned):
    """Example questions."""

    examples: list[Example]


class CheckedOut(Returned):
    """A check of the server's health."""

    name: str
    state: Literal["ok", "warning", "failed"]
    reason: str = Field(description="What is to be said of it; may be empty.")


class Health(Returned):
    """Whether the server is up (`alive`), or able to answer (`ready`)."""

    status: str
    generation: int | None = None
    upgrade: UpgradeOut | None = None
    checks: list[CheckedOut] | None = Field(
        default=None, description="What was checked; a warning keeps nobody from asking."
    )


class EntryOut(Returned):
    """An entry of the audit log."""

    id: int
    at: str = Field(description="When, in UTC.")
    who: str = Field(description="The name of a key, or of a user of the server's system.")
    via: str = Field(description="`http` or `command line`.")
    what: str = Field(description="What was to be changed: an operation of the API, or a command.")
    subject: str = Field(description="What it was done to, such as the address of an article.")
    outcome: str = Field(description="An HTTP status, or `done` or the kind of error.")


class AuditOut(Returned):
    """Entries of the audit log, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "entries": [
                        {
                            "id": 7,
                            "at": "2026-11-27T09:30:00Z",
                            "who": "ana",
                            "via": "http",
                            "what": "DELETE /v1/articles/{article_id}",
                            "subject": "/v1/articles/ba0913253f6cc065",
                            "outcome": "200",
                        }
                    ],
                    "next": 7,
                }
            ]
        }
    )

    entries: list[EntryOut]
    next: int | None = Field(description="`before` of the next page; null on the last one.")

    @classmethod
    def of(cls, entries: list[EntryOut], limit: int) -> "AuditOut":
        """A page of at most `limit` entries."""
        return cls(entries=entries, next=entries[-1].id if len(entries) == limit else None)


class KeyOut(Returned):
    """A key; what it is itself is shown once, when it is made."""

    name: str
    role: str
    per_minute: int = Field(description="Requests that it may make in a minute.")
    per_day: int = Field(description="Requests that it may make in a day.")
    created: str
    last_used: str | None = Field(description="The day on which it was last used.")
    revoked: str | None
    key: str | None = Field(default=None, description="The key itself, where it was just made.")


class KeysOut(Returned):
    """All keys that were ever made."""

    keys: list[KeyOut]
