"""Requests that list, add, correct and remove articles, as JSON, query parameters or forms."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from sourcebook.index.article import CORRECTABLE, Metadata
from sourcebook.index.storage.records import Filter
from sourcebook.service.notation.requests import (
    MAX_PAGE,
    MAX_SOURCE,
    FilterFields,
    Names,
    PartialDate,
    Short,
    StrictRequest,
    Text,
    partial_date,
)

MAX_WORDS = 50  # that a list of articles is searched for
WEB_ADDRESS = re.compile(r"https?://\S+")


def _few_words(value: str) -> str:
    """Reject more words than a list of articles can be searched for."""
    count = len(value.split())
    if count > MAX_WORDS:
        raise ValueError(f"expected at most {MAX_WORDS} words, found {count:,}")
    return value


class ArticlesQuery(FilterFields):
    """Which articles to list, in which order, and which page of the list."""

    words: Annotated[Short, AfterValidator(_few_words)] = Field(
        "",
        description="Words in titles, publishers, authors or sources, "
        f"at most {MAX_WORDS} of them.",
    )
    attention: bool = Field(
        False, description="Only articles that somebody should look at; each says why."
    )
    sort: Literal["added", "title", "publisher", "published", "passages", "language"] = Field(
        "added",
        description="Sort key; articles without a value come first. `added` is the order of first "
        "arrival: replacing an article does not move it.",
    )
    descending: bool = Field(False, description="Reverse the order.")
    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Maximum number of articles.")
    offset: int = Field(0, ge=0, le=2**62, description="Number of articles to skip.")

    def filter(self) -> Filter:
        """Convert to the library's filter."""
        return replace(super().filter(), words=tuple(self.words.split()), attention=self.attention)


class MetadataFields(StrictRequest):
    """Metadata of an article; what is missing is taken from its text if possible."""

    title: Short = ""
    authors: Names = Field([], description="Names of people.")
    publisher: Short = Field("", description="The publisher, such as a newspaper or agency.")
    published: PartialDate | None = None
    modified: PartialDate | None = None
    retrieved: PartialDate | None = None
    url: Short | None = Field(None, description="An http or https URL.")
    language: Short = Field("", description="A two-letter code; detected if not given.")
    tags: Names = Field([])

    def metadata(self, extra: Mapping[str, Any]) -> Metadata:
        """Convert to an article's metadata."""
        return Metadata(
            title=self.title,
            authors=tuple(self.authors),
            publisher=self.publisher,
            published=self.published,
            modified=self.modified,
            retrieved=self.retrieved,
            url=self.url,
            language=self.language,
            tags=tuple(self.tags),
            extra=extra,
        )


def _date_or_none(value: str) -> str:
    return partial_date(value) if value else value


def _address_or_none(value: str) -> str:
    if value and not WEB_ADDRESS.fullmatch(value):
        raise ValueError("expected an http or https address")
    return value


def _code_or_none(value: str) -> str:
    if value and not re.fullmatch("[a-z]{2}", value):
        raise ValueError("expected a two-letter code such as en or es")
    return value


DateOrNone = Annotated[
    str, AfterValidator(_date_or_none), Field(examples=["2025", "2025-09", "2025-09-19"])
]


class MetadataPatch(StrictRequest):
    """Corrections of an article's metadata, as a JSON Merge Patch (RFC 7396).

    A value corrects its field, and an empty one says that there is none, such as no author. Null
    takes the correction back: what the page says holds again.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": "Town doubles fines", "authors": ["Ada Berg"], "published": "2025-09"},
                {"publisher": None},
            ]
        }
    )

    title: Short | None = None
    authors: Names | None = Field(None, description="Names of people or organisations.")
    publisher: Short | None = None
    published: DateOrNone | None = None
    modified: DateOrNone | None = None
    url: Annotated[Short, AfterValidator(_address_or_none)] | None = Field(
        None, description="An http or https URL."
    )
    language: Annotated[str, AfterValidator(_code_or_none)] | None = Field(
        None, description="A two-letter code."
    )
    tags: Names | None = None

    def changes(self) -> dict[str, Any]:
        """The fields that were given, with their values."""
        return {
            name: tuple(value) if isinstance(value := getattr(self, name), list) else value
            for name in CORRECTABLE
            if name in self.model_fields_set
        }


class ArticleText(MetadataFields):
    """A text with its metadata."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "The council voted on Tuesday to double the fines for dumping waste.",
                    "title": "Town doubles fines",
                    "publisher": "Gazette",
                    "published": "2025-09-19",
                }
            ]
        }
    )

    text: Text = Field(description="The article's text, in the given format.")
    format: Literal["text", "markdown", "html"] = Field(
        "text", description="The format of `text`. Markdown may start with YAML front matter."
    )
    extra: dict[str, Any] = Field({}, description="Any other data to store with the article.")


class NewArticle(ArticleText):
    """A text to add."""

    source: Text | None = Field(
        None,
        min_length=1,
        max_length=MAX_SOURCE,
        description="Where it came from; adding the same source again replaces the article. "
        "By default its `url`, or a hash of the text.",
    )


class UploadFields(MetadataFields):
    """Form fields that may accompany uploads; `source`, `title` and `url` only with one file."""

    source: Text | None = Field(
        None,
        min_length=1,
        max_length=MAX_SOURCE,
        description="Where the file came from; by default `upload:` and its name.",
    )


class RemovalQuery(StrictRequest):
    """How to remove an article."""

    purge: bool = Field(
        default=False,
        description="Delete it for good, also from judgements, rather than to the trash.",
    )


class FailureQuery(StrictRequest):
    """Which failure to dismiss or retry."""

    source: Text = Field(
        description="The source that could not be added.", examples=["articles/broken.txt"]
    )


class ImportRequest(StrictRequest):
    """A folder to add."""

    folder: Text = Field(
        min_length=1,
        max_length=MAX_SOURCE,
        description="The absolute path of a folder on the server.",
        examples=["/srv/articles"],
    )
