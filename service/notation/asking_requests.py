"""Requests that ask, check, cite and judge, as JSON or query parameters."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from sourcebook.index.errors import TooLargeError
from sourcebook.service.language.quotations import MAX_DRAFT, quotes_in
from sourcebook.service.notation.requests import (
    MAX_PAGE,
    QUESTION,
    QUOTE,
    FilterFields,
    Format,
    PartialDate,
    PrintedStyle,
    StrictRequest,
    Style,
    Text,
)

MAX_HITS = 100
MAX_QUOTES = 100
MAX_QUOTATIONS = 200  # in a draft
MAX_NOTE = 10_000  # characters
MAX_CONTEXT = 10  # parts of it that are named with a quote
# Characters of all quotes of a judgement together: the longest answer has a tenth of it.
MAX_JUDGED = 20_000


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


class JudgementsQuery(StrictRequest):
    """Which page of the list of judgements."""

    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Maximum number of judgements.")
    offset: int = Field(0, ge=0, le=2**62, description="Number of judgements to skip.")


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
