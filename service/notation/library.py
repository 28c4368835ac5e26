"""The library as JSON, over HTTP and with `--json`: what was added, removed, kept or is damaged."""

from pydantic import (
    AliasChoices,
    Field,
)

from sourcebook.index.errors import SourcebookError
from sourcebook.service.notation.articles import ArticleOut
from sourcebook.service.notation.responses import Returned


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
