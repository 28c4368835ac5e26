"""Parses dates into ISO 8601, and finds the dates that a text mentions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sourcebook.index.article import PARTIAL_DATE
from sourcebook.index.words import ENGLISH_MONTHS, ENGLISH_SHORT_MONTHS, SPANISH_MONTHS

# The first three letters distinguish the months of English, Spanish, French, German, Italian and
# Portuguese, except French "juin" and "juillet", which need four.
MONTH_STARTS = (
    "jan ene gen",
    "feb fév fev",
    "mar mär mrz",
    "apr abr avr",
    "may mai mag",
    "jun juin giu",
    "jul juil lug",
    "aug ago aoû aou",
    "sep set",
    "oct okt ott out",
    "nov",
    "dec dic déc dez",
)
MONTHS = {start: number for number, row in enumerate(MONTH_STARTS, 1) for start in row.split()}
MONTH_WORD = r"(?P<month>[^\W\d_]{3,12})\.?"
YEAR = r"(?P<year>[12]\d{3})"
DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|\.)?"
CLOCK = (
    r"(?:,?\s*(?:at|\||T|-|–|·)?\s*\d{1,2}[:.h]\d{2}(?:[:.]\d{2})?(?:\.\d+)?"
    r"\s*(?:[ap]\.?m\.?)?\s*(?:Z|UTC|GMT|[A-Z]{2,4}|[+-]\d{2}:?\d{2})?)?"
)
# A time of day that stands before the year, as Unix writes it: `Tue Nov 19 05:44:06 GMT 2019`.
CLOCK_INSIDE = (
    r"\d{1,2}:\d{2}(?::\d{2})?(?:\s*[AaPp]\.?[Mm]\.?)?(?:\s+(?:[A-Z]{2,5}|[+-]\d{4}))?\s+"
)
WEEKDAY = r"(?:[^\W\d_]{3,12}\.?,?\s+)?"
DATE_FORMS = tuple(
    re.compile(form + r"\.?", re.IGNORECASE)
    for form in (
        rf"{YEAR}(?:[-/.](?P<month>\d{{1,2}})(?:[-/.](?P<day>\d{{1,2}}))?)?{CLOCK}",
        rf"{YEAR}(?P<month>\d\d)(?P<day>\d\d)",
        rf"{WEEKDAY}{MONTH_WORD}\s+{DAY},?\s+{YEAR}{CLOCK}",
        rf"{WEEKDAY}{MONTH_WORD}\s+{DAY},?\s+{CLOCK_INSIDE}{YEAR}",
        rf"{WEEKDAY}{DAY}[\s-]+(?:de\s+)?{MONTH_WORD},?[\s-]+(?:de\s+|del\s+)?{YEAR}{CLOCK}",
        rf"{MONTH_WORD},?\s+(?:de\s+)?{YEAR}",
        rf"(?P<first>\d{{1,2}})[/.-](?P<second>\d{{1,2}})[/.-]{YEAR}{CLOCK}",
    )
)

# In prose only full names count as months, because "set" and "may" are words: English names and
# their common abbreviations with a capital, Spanish names in any case.
_NAME = "|".join(
    [*ENGLISH_MONTHS, *ENGLISH_SHORT_MONTHS, *(f"(?i:{name})" for name in SPANISH_MONTHS)]
)
_MONTH = rf"\b(?P<month{{0}}>{_NAME})\b\.?"
_DAY = r"(?<![\d.,])(?P<day{0}>\d{{1,2}})(?:st|nd|rd|th|\.?º|\.)?"
_YEAR = r"(?P<year{0}>1\d{{3}}|20\d\d)(?!\d|[.,]\d)"
# The lookahead rejects most words by their first two letters: six times as fast as without it.
_MENTION = re.compile(
    r"(?<!\w)(?=\d|[JFMASONDjfmasonde][aepucobign])(?:"
    + "|".join(
        form.format(number)
        for number, form in enumerate(
            (
                rf"(?<![\w-]){_YEAR}-(?P<month{{0}}>\d\d)(?:-(?P<day{{0}}>\d\d))?(?![\w-])",
                rf"{_MONTH}\s+{_DAY}(?:,?\s+{_YEAR})?(?![\w%]|[.,]\d)",
                rf"{_DAY}\s+(?:de\s+|of\s+)?{_MONTH}(?:,?\s+(?:del?\s+)?{_YEAR})?(?!\w)",
                rf"{_MONTH},?\s+(?:del?\s+|of\s+)?{_YEAR}(?!\w)",
                # Numbers before 1500 are years only after a word that introduces one.
                r"(?<![\w.,$€£%])(?:(?<![^\W\d]-)|(?<=\bmid-)|(?<=\bearly-)|(?<=\blate-))(?P<year{0}>1[5-9]\d\d|20\d\d|"
                r"(?:(?<=\bin )|(?<=\bby )|(?<=\bof )|(?<=year )|(?<=since )|(?<=until )|"
                r"(?<=from )|(?<=\ben )|(?<=desde )|(?<=hasta ))1[0-4]\d\d)(?![\w%]|[.,]\d)",
            )
        )
    )
    + ")"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A date that a text mentions at `[start, end)`.

    `iso` has the precision of the text: `2025-09-19`, `2025-09`, `2025`, or `--10-19` for a day
    without a year (ISO 8601:2000, gMonthDay of XML Schema).
    """

    start: int
    end: int
    iso: str


def mentions(text: str) -> list[Mention]:
    """The dates in English or Spanish prose, in order of appearance.

    Days that are not in the calendar and decades ("the 1990s") are left out.
    """
    found = []
    for match in _MENTION.finditer(text):
        parts = {name[:-1]: value for name, value in match.groupdict().items() if value}
        if iso := _mentioned(parts):
            # The stop of "30 June." is the sentence's, and of "15 Sept." no part of the date.
            end = match.start() + len(match[0].removesuffix("."))
            found.append(Mention(match.start(), end, iso))
    return found


def _mentioned(parts: Mapping[str, str]) -> str | None:
    if "year" in parts:
        return _partial_date({"year": None, **parts})
    # Completed with a leap year, so that 29 February is valid.
    whole = _partial_date({**parts, "year": "2024"})
    return whole and whole.replace("2024", "-", 1)


def iso_date(value: object) -> str | None:
    """`value` as a partial ISO date (`2025-09-19`, `2025-09`, `2025`), or None if it is not a date.

    03/04/2025 may be in March or April, so only the year is kept.
    """
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    text = " ".join(str(value).split())
    if len(text) > 60:  # no date is longer, and matching the patterns against prose is slow
        return None
    for form in DATE_FORMS:
        if match := form.fullmatch(text):
            return _partial_date(match.groupdict())
    return None


def _partial_date(found: Mapping[str, str | None]) -> str | None:
    year, month, day = found["year"], found.get("month"), found.get("day")
    if first := found.get("first"):
        day, month = _day_and_month(first, found["second"] or "")
    if month and not month.isdigit():
        month = str(MONTHS.get(month[:4].lower(), MONTHS.get(month[:3].lower(), "")))
        if not month:
            return None
    parts = [year or "", *(f"{int(part):02d}" for part in (month, day) if part)]
    iso = "-".join(parts)
    return iso if PARTIAL_DATE.fullmatch(iso) and _exists(parts) else None


def _day_and_month(first: str, second: str) -> tuple[str | None, str | None]:
    if int(first) > 12:
        return first, second
    if int(second) > 12 or first == second:
        return second, first
    return None, None


def _exists(parts: Sequence[str]) -> bool:
    try:
        date(*(int(part) for part in [*parts, "1", "1"][:3]))
    except ValueError:
        return False
    return True


def latest_day(published: str | None) -> str:
    """The last day on which an article may have been published; after all others if unknown."""
    return published + "-12-31"[len(published) - 4 :] if published else "9999"
