"""What callers send; unknown fields are refused by name."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from sourcebook.index.article import PARTIAL_DATE, Metadata
from sourcebook.index.errors import InputError
from sourcebook.index.storage.records import Filter
from sourcebook.service.language.quotations import MAX_DRAFT, quotes_in

MAX_PAGE = 1_000
MAX_HITS = 100
MAX_VALUES = 100  # of one field of a filter
MAX_QUOTES = 100
MAX_SOURCE = 2_000  # characters
MAX_NOTE = 10_000  # characters

PrintedStyle = Literal["apa", "chicago", "mla"]
Style = Literal[PrintedStyle, "bibtex", "ris", "csl-json"]
Format = Literal["markdown", "html"]

QUESTION = "When did Plan Colombia start?"
QUOTE = "For two decades U.S. and Colombian policy ran in parallel."


def _partial_date(value: str) -> str:
    """A date as precise as it is known, that the calendar holds."""
    expected = "expected a date such as 2025, 2025-09 or 2025-09-19"
    if not PARTIAL_DATE.fullmatch(value):
        raise ValueError(expected)
    try:
        date(*(int(part) for part in [*value.split("-"), "1", "1"][:3]))
    except ValueError as error:
        raise ValueError(f"{expected}; the calendar holds no such day") from error
    return value


PartialDate = Annotated[
    str, AfterValidator(_partial_date), Field(examples=["2025", "2025-09", "2025-09-19"])
]


def _encodable(value: str) -> str:
    """JSON can hold halves of a character, which no text in UTF-8 has."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("expected whole characters, found half of one") from error
    return value


Text = Annotated[str, AfterValidator(_encodable)]
Names = Annotated[list[Text], Field(max_length=MAX_VALUES)]


class Sent(BaseModel):
    """What callers send: unknown fields are refused by name."""

    model_config = ConfigDict(extra="forbid")


Model = TypeVar("Model", bound=BaseModel)


def checked(model: type[Model], values: Mapping[str, Any]) -> Model:
    """The request as HTTP would take it; what it would refuse is an `InputError` here."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "The request"
    known = f"It takes {', '.join(model.model_fields)}."
    if first["type"] in FIELD_FAULTS:
        raise InputError(f"{name} {reason(first)}.", cure=known)
    raise InputError(f"{name} is {first['input']!r:.80}: {reason(first)}.")


# Faults of a field as such, rather than of its value, by pydantic's names of them.
FIELD_FAULTS = {"missing": "is missing", "extra_forbidden": "is not known here"}


def reason(fault: Mapping[str, Any]) -> str:
    """What is wrong, by one of pydantic's errors."""
    return FIELD_FAULTS.get(fault["type"], str(fault["msg"]).removeprefix("Value error, "))


class Chosen(Sent):
    """Which articles are looked at; the values of a field are alternatives, fields add up."""

    articles: Names = Field([], description="Ids of articles.")
    publishers: Names = Field([], description="Names of publishers, in any case.")
    authors: Names = Field([], description="Names of authors, in any case.")
    languages: Names = Field([], description="Two-letter codes of languages.")
    tags: Names = Field([], description="Tags, in any case.")
    published_from: PartialDate | None = Field(
        None, description="Published then or later.", examples=["2025-09"]
    )
    published_to: PartialDate | None = Field(
        None, description="Published then or earlier.", examples=["2025"]
    )
    as_of: PartialDate | None = Field(
        None,
        description="Hides what was published later, as if it were asked then. An article without "
        "a date of publication counts from when it was modified or retrieved, and one without any "
        "date is hidden.",
        examples=["2026"],
    )

    def filter(self) -> Filter:
        """As the library takes it."""
        return Filter(
            articles=tuple(self.articles),
            publishers=tuple(self.publishers),
            authors=tuple(self.authors),
            languages=tuple(self.languages),
            tags=tuple(self.tags),
            published_from=self.published_from,
            published_to=self.published_to,
            as_of=self.as_of,
        )


class Question(Chosen):
    """A question, and which articles it is put to."""

    question: Text = Field(
        description="A question or a few keywords, at most 2,000 characters. Words in quotation "
        "marks are searched as a phrase.",
    )


class Writing(Sent):
    """Whether a language model phrases the answer as well."""

    write: bool = Field(
        False,
        description="Have the writer phrase the answer from the evidence, beside the verbatim "
        "sentences; a problem where no writer is set.",
    )


class AskRequest(Question, Writing):
    """A question, and which articles may answer it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": QUESTION},
                {"question": QUESTION, "publishers": ["Sourcebook"], "published_from": "2025"},
            ]
        }
    )


class AskQuery(Chosen, Writing):
    """`AskRequest` as query parameters; lists are repeated parameters."""

    q: Text = Field(description="The question.", examples=[QUESTION])


class ExportQuery(AskQuery):
    """A question, and how the document with its answer is written."""

    format: Format = Field("markdown", description="`html` is for word processors, too.")
    style: PrintedStyle = Field("chicago", description="The style of its references.")
    accessed: PartialDate | None = Field(
        None, description="When you read the articles.", examples=["2026-11-22"]
    )


class SearchRequest(Question):
    """A question, which articles to search, and how many passages to return."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": "coca production hectares", "limit": 2}]}
    )

    limit: int = Field(10, ge=1, le=MAX_HITS, description="How many passages to return at most.")


class ArticlesQuery(Chosen):
    """Which articles are listed, in which order, and which page of them."""

    words: Text = Field(
        "", max_length=MAX_SOURCE, description="Words in titles, publishers, authors and sources."
    )
    sort: Literal["added", "title", "publisher", "published", "passages", "language"] = Field(
        "added", description="What the list is sorted by; articles without it come first."
    )
    descending: bool = Field(False, description="From last to first.")
    limit: int = Field(50, ge=1, le=MAX_PAGE, description="How many to return at most.")
    offset: int = Field(0, ge=0, le=2**62, description="How many to skip.")

    def filter(self) -> Filter:
        """As the library takes it."""
        return replace(super().filter(), words=tuple(self.words.split()))


class Stated(Sent):
    """What the caller knows about an article; what is not given is looked for in its text."""

    title: Text = ""
    authors: Names = Field([], description="Names of persons.")
    publisher: Text = Field("", description="Who published it, such as a newspaper or agency.")
    published: PartialDate | None = None
    modified: PartialDate | None = None
    retrieved: PartialDate | None = None
    url: Text | None = Field(None, description="Its http or https address.")
    language: Text = Field("", description="A two-letter code; detected when not given.")
    tags: Names = []

    def metadata(self, extra: Mapping[str, Any]) -> Metadata:
        """As an article takes it."""
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


class ArticleText(Stated):
    """A text with what is known about it."""

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
        "text", description="How `text` is written. Markdown may begin with YAML front matter."
    )
    extra: dict[str, Any] = Field({}, description="Whatever else should be kept with it.")


class NewArticle(ArticleText):
    """A text to add."""

    source: Text | None = Field(
        None,
        min_length=1,
        max_length=MAX_SOURCE,
        description="Where it came from: adding the same source again replaces the article. "
        "Its `url`, or else a hash of the text, when not given.",
    )


class UploadFields(Stated):
    """What may be sent beside uploaded files; `source`, `title` and `url` beside one file only."""

    source: Text | None = Field(
        None,
        min_length=1,
        max_length=MAX_SOURCE,
        description="Where the file came from; `upload:` and its name when not given.",
    )


class VerifyRequest(Sent):
    """One quote, several, or a draft whose quotations are to be checked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"quote": QUOTE},
                {"draft": "As the brief says, “for two decades U.S. and Colombian policy ran…”"},
            ]
        }
    )

    quote: Text | None = Field(None, description="A quote.")
    quotes: list[Text] | None = Field(None, min_length=1, max_length=MAX_QUOTES)
    draft: Text | None = Field(
        None,
        description="A text: every quotation in it of at least three words is checked. "
        f"At most {MAX_DRAFT:,} characters.",
    )
    article: Text | None = Field(None, description="Check against the article of this id alone.")

    @model_validator(mode="after")
    def _one_of_three(self) -> "VerifyRequest":
        given = [n for n in ("quote", "quotes", "draft") if getattr(self, n) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"expected one of quote, quotes and draft, found {found}")
        return self

    def wanted_quotes(self) -> list[str]:
        """The quotes to check: those of a draft are found in it."""
        if self.draft is not None:
            return quotes_in(self.draft)
        return self.quotes if self.quotes is not None else [self.quote or ""]


class FailureQuery(Sent):
    """Which failure to forget."""

    source: Text = Field(
        description="The source that could not be added.", examples=["articles/broken.txt"]
    )


class CiteQuery(Sent):
    """How an article, or a quote from it, is cited."""

    style: Style = Field(
        "apa", description="`chicago` is its notes style; the last three are for programs."
    )
    start: int | None = Field(
        None, ge=0, description="Where the quote starts in the text.", examples=[808]
    )
    end: int | None = Field(None, ge=1, description="Where it ends.", examples=[934])
    accessed: PartialDate | None = Field(
        None,
        description="When you read it; else when it was retrieved, if that is known.",
        examples=["2026-11-22"],
    )


class SpanQuery(Sent):
    """The characters `[start, end)` of an article's text."""

    start: int = Field(ge=0, description="Where the quote starts.", examples=[808])
    end: int = Field(ge=1, description="Where it ends.", examples=[934])


class ImportRequest(Sent):
    """A folder to add."""

    folder: Text = Field(
        min_length=1,
        max_length=MAX_SOURCE,
        description="The absolute path of a folder on the server's machine.",
        examples=["/srv/articles"],
    )


class QuoteSpan(SpanQuery):
    """A quote by its place in an article."""

    article_id: Text = Field(description="The article's id.", examples=["ba0913253f6cc065"])


class JudgementRequest(Sent):
    """What a reader says of an answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": QUESTION, "verdict": "wrong", "note": "It names the wrong year."},
                {"question": "What does a kilo cost in Sydney?", "verdict": "unanswerable"},
            ]
        }
    )

    question: Text = Field(description="The question, as it was asked.")
    verdict: Literal["right", "wrong", "passage", "unanswerable"] = Field(
        description="`right` and `passage` need quotes: those of the answer, or those that should "
        "have been found. `unanswerable`: the library does not hold the answer."
    )
    quotes: list[QuoteSpan] = Field([], max_length=MAX_QUOTES)
    note: Text = Field("", max_length=MAX_NOTE, description="Whatever else there is to say.")

    @model_validator(mode="after")
    def _quotes_fit(self) -> "JudgementRequest":
        needed = self.verdict in ("right", "passage")
        if needed and not self.quotes:
            raise ValueError(f"expected at least one quote for the verdict {self.verdict!r}")
        if self.verdict == "unanswerable" and self.quotes:
            raise ValueError("expected no quotes for the verdict 'unanswerable'")
        return self
