"""Requests as JSON or query parameters; unknown fields are rejected by name."""

import re
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

from sourcebook.index.article import CORRECTABLE, PARTIAL_DATE, Metadata
from sourcebook.index.errors import InputError, TooLargeError
from sourcebook.index.storage.records import Filter
from sourcebook.service.language.quotations import MAX_DRAFT, quotes_in

MAX_PAGE = 1_000
MAX_HITS = 100
MAX_VALUES = 100  # in one field of a filter
MAX_QUOTES = 100
MAX_QUOTATIONS = 200  # in a draft
MAX_SOURCE = 2_000  # characters
MAX_NOTE = 10_000  # characters
MAX_CONTEXT = 10  # parts of it that are named with a quote
MAX_WORDS = 50  # that a list of articles is searched for
# Characters of all quotes of a judgement together: the longest answer has a tenth of it.
MAX_JUDGED = 20_000

PrintedStyle = Literal["apa", "chicago", "mla"]
Style = Literal[PrintedStyle, "bibtex", "ris", "csl-json"]
Format = Literal["markdown", "html"]

WEB_ADDRESS = re.compile(r"https?://\S+")

QUESTION = "When did Plan Colombia start?"
QUOTE = "For two decades U.S. and Colombian policy ran in parallel."


def _partial_date(value: str) -> str:
    """Check a date that may lack day or month."""
    expected = "expected a date such as 2025, 2025-09 or 2025-09-19"
    if not PARTIAL_DATE.fullmatch(value):
        raise ValueError(expected)
    try:
        date(*(int(part) for part in [*value.split("-"), "1", "1"][:3]))
    except ValueError as error:
        raise ValueError(f"{expected}; there is no such day") from error
    return value


PartialDate = Annotated[
    str, AfterValidator(_partial_date), Field(examples=["2025", "2025-09", "2025-09-19"])
]


def _encodable(value: str) -> str:
    """Reject lone surrogates, which JSON allows and UTF-8 does not."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("expected valid Unicode, found a lone surrogate") from error
    return value


def _few_words(value: str) -> str:
    """Reject more words than a list of articles can be searched for."""
    count = len(value.split())
    if count > MAX_WORDS:
        raise ValueError(f"expected at most {MAX_WORDS} words, found {count:,}")
    return value


Text = Annotated[str, AfterValidator(_encodable)]
Short = Annotated[str, Field(max_length=MAX_SOURCE), AfterValidator(_encodable)]
Names = Annotated[list[Short], Field(max_length=MAX_VALUES)]


class StrictRequest(BaseModel):
    """A request that rejects unknown fields by name."""

    model_config = ConfigDict(extra="forbid")


Model = TypeVar("Model", bound=BaseModel)


def checked(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Validate a request as the HTTP API does. Raises `InputError`."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "The request"
    known = f"Known fields: {', '.join(model.model_fields)}."
    if first["type"] in FIELD_FAULTS:
        raise InputError(f"{name} {reason(first)}.", cure=known)
    raise InputError(f"{name} is {first['input']!r:.80}: {reason(first)}.")


# Errors about a field rather than its value, by their names in pydantic.
FIELD_FAULTS = {"missing": "is missing", "extra_forbidden": "is not a known field"}


def reason(fault: Mapping[str, Any]) -> str:
    """The message of a pydantic error."""
    return FIELD_FAULTS.get(fault["type"], str(fault["msg"]).removeprefix("Value error, "))


class FilterFields(StrictRequest):
    """A filter on articles: values within a field are joined by OR, fields by AND."""

    articles: Names = Field([], description="Article ids.")
    publishers: Names = Field([], description="Publishers; case does not matter.")
    authors: Names = Field([], description="Authors; case does not matter.")
    languages: Names = Field([], description="Two-letter language codes.")
    tags: Names = Field([], description="Tags; case does not matter.")
    published_from: PartialDate | None = Field(
        None, description="Published on or after this date.", examples=["2025-09"]
    )
    published_to: PartialDate | None = Field(
        None, description="Published on or before this date.", examples=["2025"]
    )
    as_of: PartialDate | None = Field(
        None,
        description="Hides everything published later. An article without a publication date "
        "counts from the date it was modified or retrieved; an article without any date is hidden.",
        examples=["2026"],
    )

    def filter(self) -> Filter:
        """Convert to the library's filter."""
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


class Question(FilterFields):
    """A question, with a filter on articles."""

    question: Text = Field(
        description="A question or keywords, at most 2,000 characters. Words in quotation marks "
        "are searched as a phrase.",
    )


class Writing(StrictRequest):
    """Whether a language model should also phrase the answer."""

    write: bool = Field(
        False,
        description="Also have the configured language model phrase the answer from the evidence. "
        "The response is an error if none is configured.",
    )


class Explaining(StrictRequest):
    """Whether to say how the answer came about."""

    explain: bool = Field(
        False,
        description="Also return what each stage made of the question, and where a wrong or "
        "missing answer should be looked for. The answer is the same.",
    )


class AskRequest(Question, Writing, Explaining):
    """A question, with a filter on the articles that may answer it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": QUESTION},
                {"question": QUESTION, "publishers": ["Sourcebook"], "published_from": "2025"},
                {"question": QUESTION, "explain": True},
            ]
        }
    )


class QuestionQuery(FilterFields, Writing):
    """A question as query parameters; lists are repeated parameters."""

    q: Text = Field(description="The question.", examples=[QUESTION])


class AskQuery(QuestionQuery, Explaining):
    """`AskRequest` as query parameters."""


class ExportQuery(QuestionQuery):
    """A question, and the format of the document with its answer."""

    format: Format = Field("markdown", description="Word processors can open `html`.")
    style: PrintedStyle = Field("chicago", description="Citation style.")
    accessed: PartialDate | None = Field(
        None, description="Date you read the articles.", examples=["2026-11-22"]
    )


class SearchRequest(Question):
    """A question, a filter on articles, and the number of passages to return."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": "coca production hectares", "limit": 2}]}
    )

    limit: int = Field(10, ge=1, le=MAX_HITS, description="Maximum number of passages.")


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
        "added", description="Sort key; articles without a value come first."
    )
    descending: bool = Field(False, description="Reverse the order.")
    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Maximum number of articles.")
    offset: int = Field(0, ge=0, le=2**62, description="Number of articles to skip.")

    def filter(self) -> Filter:
        """Convert to the library's filter."""
        return replace(super().filter(), words=tuple(self.words.split()), attention=self.attention)


class JudgementsQuery(StrictRequest):
    """Which page of the list of judgements."""

    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Maximum number of judgements.")
    offset: int = Field(0, ge=0, le=2**62, description="Number of judgements to skip.")


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
    tags: Names = []

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
    return _partial_date(value) if value else value


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


class VerifyRequest(StrictRequest):
    """One quote, several, or a draft whose quotations should be checked."""

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
        description="A text; every quotation in it of at least three words is checked. "
        f"At most {MAX_DRAFT:,} characters, and {MAX_QUOTATIONS} quotations.",
    )
    article: Text | None = Field(None, description="Only check the article with this id.")

    @model_validator(mode="after")
    def _one_of_three(self) -> "VerifyRequest":
        given = [n for n in ("quote", "quotes", "draft") if getattr(self, n) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"expected one of quote, quotes and draft, found {found}")
        return self

    def wanted_quotes(self) -> list[str]:
        """The quotes to check; those of a draft are extracted from it.

        Raises `TooLargeError` for a draft that is too long or has too many.
        """
        if self.draft is not None:
            quotes = quotes_in(self.draft)
            if len(quotes) > MAX_QUOTATIONS:
                raise TooLargeError(
                    f"The draft has {len(quotes):,} quotations; at most {MAX_QUOTATIONS} are "
                    "checked.",
                    cure="Check it in parts.",
                )
            return quotes
        return self.quotes if self.quotes is not None else [self.quote or ""]


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


Place = Annotated[str, Field(pattern=r"^\d{1,9}-\d{1,9}$")]


class InContext(StrictRequest):
    """Which header, introduction or heading a quote is shown with."""

    context: Annotated[list[Place], Field(max_length=MAX_CONTEXT)] = Field(
        [],
        description="Start and end of each part of the citation's context, as in `30-60`. By "
        "default what the quote needs, whatever was asked: the header of a row, the introduction "
        "of an item, the heading of what is no whole statement.",
    )

    def places(self) -> list[tuple[int, int]]:
        """Start and end of each."""
        pairs = (place.split("-") for place in self.context)
        return [(int(start), int(end)) for start, end in pairs]


class CiteQuery(InContext):
    """How to cite an article, or a quote from it."""

    style: Style = Field(
        "apa",
        description="A citation style (`chicago` means its notes style), or a format for programs.",
    )
    start: int | None = Field(None, ge=0, description="Start of the quote.", examples=[808])
    end: int | None = Field(None, ge=1, description="End of the quote.", examples=[934])
    accessed: PartialDate | None = Field(
        None,
        description="Date you read it; by default the date it was retrieved, if known.",
        examples=["2026-11-22"],
    )


class SpanQuery(StrictRequest):
    """The characters `[start, end)` of an article's text."""

    start: int = Field(ge=0, description="Start of the quote.", examples=[808])
    end: int = Field(ge=1, description="End of the quote.", examples=[934])


class AnnotationQuery(SpanQuery, InContext):
    """The quote to annotate."""


class ImportRequest(StrictRequest):
    """A folder to add."""

    folder: Text = Field(
        min_length=1,
        max_length=MAX_SOURCE,
        description="The absolute path of a folder on the server.",
        examples=["/srv/articles"],
    )


class QuoteSpan(SpanQuery):
    """A quote, given by its article and offsets."""

    article_id: Text = Field(description="The article's id.", examples=["ba0913253f6cc065"])


class JudgementRequest(StrictRequest):
    """A reader's judgement of an answer."""

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
        description="`right` needs the quotes of the answer, `passage` those that should have been "
        "found. `unanswerable`: the library does not contain the answer."
    )
    quotes: list[QuoteSpan] = Field([], max_length=MAX_QUOTES)
    note: Text = Field("", max_length=MAX_NOTE, description="A comment.")

    @model_validator(mode="after")
    def _quotes_fit(self) -> "JudgementRequest":
        needed = self.verdict in ("right", "passage")
        if needed and not self.quotes:
            raise ValueError(f"expected at least one quote for the verdict {self.verdict!r}")
        characters = sum(max(0, quote.end - quote.start) for quote in self.quotes)
        if characters > MAX_JUDGED:
            raise ValueError(
                f"expected quotes of at most {MAX_JUDGED:,} characters together, "
                f"found {characters:,}"
            )
        if self.verdict == "unanswerable" and self.quotes:
            raise ValueError("expected no quotes for the verdict 'unanswerable'")
        return self
