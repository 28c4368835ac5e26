"""Articles and passages as JSON, over HTTP and with `--json`.

Each class is built from a value of the library: `ArticleOut.model_validate(record)`.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import (
    AliasChoices,
    AliasPath,
    Field,
    ValidationInfo,
    field_validator,
)

from sourcebook.index.article import CORRECTABLE, Article, deeper_than
from sourcebook.index.attention import REASONS
from sourcebook.index.passages import Passage
from sourcebook.index.storage.records import ArticleRecord
from sourcebook.service.notation.responses import Returned

# Earlier releases stored metadata that are nested deeper than any that is added now. Pydantic
# writes up to 255 levels as JSON and then raises an error; a few are those around the metadata.
MOST_LEVELS = 100

log = logging.getLogger(__name__)


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


class ReasonOut(Returned):
    """Why somebody should look at an article."""

    reason: str = Field(description="Its name.", examples=["no-date"])
    message: str = Field(description="What is missing or odd.")
    cure: str = Field(description="What to do about it.")


class ArticleOut(ArticleBrief):
    """An article without its text."""

    tags: list[str] = Field(validation_alias=_known("tags"))
    date_sources: dict[str, str] = Field(
        validation_alias=_known("date_sources"),
        description="Where each date was found.",
    )
    extra: dict[str, Any] = Field(validation_alias=_known("extra"), description="Other metadata.")
    corrected: dict[str, Any] = Field(
        validation_alias=AliasChoices("parsed", "corrected"),
        description="The fields that somebody corrected, each with what the page says.",
        examples=[{"title": "Home | Gazette"}],
    )
    attention: list[ReasonOut] = Field(description="Why somebody should look at it.")
    sha256: str = Field(description="SHA-256 of the canonical text.")
    characters: int
    passages: int
    copy_of: str | None = Field(description="The id of the article that this one is a copy of.")
    added: str = Field(description="When this version was added, in UTC.")
    generation: int = Field(description="The generation of the library that added this version.")

    @field_validator("corrected", mode="before")
    @classmethod
    def _that_can_be_corrected(cls, parsed: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: list(page) if isinstance(page := parsed[name], tuple) else page
            for name in CORRECTABLE
            if name in parsed
        }

    @field_validator("attention", mode="before")
    @classmethod
    def _in_words(cls, found: Sequence[str | ReasonOut]) -> list[ReasonOut]:
        """Names of reasons with their words; one of another release has none, and is left out."""
        named = [one for one in found if isinstance(one, str) and one in REASONS]
        said = [ReasonOut(reason=one, **asdict(REASONS[one])) for one in named]
        return said + [one for one in found if isinstance(one, ReasonOut)]

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
    """A block of the canonical text: `text[start:end]`."""

    kind: str = Field(
        description="`paragraph`, `heading`, `caption`, `item` (of a list), `header` (a row that "
        "names the columns of a table) or `row`."
    )
    lead: int | None = Field(
        description="The position in `blocks` of the one that it is not understood without: the "
        "header of a row, the introduction of an item."
    )


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
    versions: list[ArticleBrief] = Field(description="Near copies that differ in a fact.")

    @classmethod
    def of(
        cls,
        record: ArticleRecord,
        article: Article,
        copies: Sequence[ArticleRecord],
        versions: Sequence[ArticleRecord],
    ) -> "ArticleFull":
        """Combine a record with its article and the records of its copies and versions."""
        brief = ArticleOut.model_validate(record)
        return cls.model_construct(
            **dict(brief),
            text=article.text,
            blocks=[BlockOut.model_validate(block) for block in article.blocks],
            removals=[RemovalOut.model_validate(removal) for removal in article.removals],
            copies=[ArticleBrief.model_validate(copy) for copy in copies],
            versions=[ArticleBrief.model_validate(version) for version in versions],
        )


class CorrectedOut(Returned):
    """An article after its metadata were corrected."""

    article: ArticleOut
    before: dict[str, Any] = Field(
        description="The fields whose values changed, each with the one that it had before.",
        examples=[{"publisher": "Copyright 2014"}],
    )
    generation: int

    @classmethod
    def of(cls, before: ArticleRecord, now: ArticleRecord, generation: int) -> "CorrectedOut":
        """Compare the records of an article before and after."""
        old, new = before.metadata.facts(), now.metadata.facts()
        return cls(
            article=ArticleOut.model_validate(now),
            before={name: old[name] for name in CORRECTABLE if old[name] != new[name]},
            generation=generation,
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
