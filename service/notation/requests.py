"""What all requests have in common; unknown fields are rejected by name."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)

from sourcebook.index.article import PARTIAL_DATE
from sourcebook.index.errors import InputError
from sourcebook.index.storage.records import Filter

MAX_PAGE = 1_000
MAX_VALUES = 100  # in one field of a filter
MAX_SOURCE = 2_000  # characters

PrintedStyle = Literal["apa", "chicago", "mla"]
Style = Literal[PrintedStyle, "bibtex", "ris", "csl-json"]
Format = Literal["markdown", "html"]

QUESTION = "When did Plan Colombia start?"
QUOTE = "For two decades U.S. and Colombian policy ran in parallel."


def partial_date(value: str) -> str:
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
    str, AfterValidator(partial_date), Field(examples=["2025", "2025-09", "2025-09-19"])
]


def _encodable(value: str) -> str:
    """Reject lone surrogates, which JSON allows and UTF-8 does not."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("expected valid Unicode, found a lone surrogate") from error
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
