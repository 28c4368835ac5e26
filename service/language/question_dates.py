"""The periods that a question names ("since 2023", "published in May 2025"), with their ends."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from sourcebook.index.dates import Mention, mentions
from sourcebook.service.language.languages import LEXICON
from sourcebook.service.language.lexicon import either

_KINDS = ("before", "after", "since", "until", "between", "within")
# The longest come first in each group, but "up to" must not hide in another one.
_PREPOSITION = re.compile(
    r"(?<!\w)(?:"
    + "|".join(f"(?P<{kind}>{either(getattr(LEXICON, kind))})" for kind in _KINDS)
    + r")\s+(?:(?:the\s+)?(?:year|month|start|end|beginning)\s+of\s+|(?:el\s+)?año\s+|el\s+)?$",
    re.IGNORECASE,
)
_AND = re.compile(rf"\s+(?:{either(LEXICON.conjoined)})\s+", re.IGNORECASE)
_TO = re.compile(rf"\s*[-–—]\s*|\s+(?:{either(LEXICON.until)}|to|a|al)\s+", re.IGNORECASE)
# What was published stands before the date ("published in May", "articles from 2022") or behind it.
_PUBLISHED = re.compile(
    rf"(?<!\w)(?:(?P<verb>{either(LEXICON.published)})(?:\s+(?:by|por)(?:\s+[\w’'.-]+){{1,3}})?|"
    rf"{either(LEXICON.publications)})\s+$",
    re.IGNORECASE,
)
_PUBLICATION = re.compile(
    rf"\s+(?:[\w’'-]+\s+){{0,2}}?(?:{either(LEXICON.publications)})(?!\w)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Period:
    """Days that a question names at `[start, end)`, from `first` to `last`, both included.

    The days are ISO dates, or None where the period is open. `published` where articles of that
    time are asked for, rather than what happened then.
    """

    start: int
    end: int
    first: str | None
    last: str | None
    published: bool = False

    def states(self, iso: str) -> bool:
        """Whether a date, at its own precision, lies within the period."""
        first, last = _days(iso)
        return (self.first or first) <= first and last <= (self.last or last)

    def may_hold(self, iso: str) -> bool:
        """Whether a date may lie within the period: of 2025, a part does."""
        first, last = _days(iso)
        return (self.first or last) <= last and first <= (self.last or first)

    def mentioned_in(self, text: str) -> bool:
        """Whether a text mentions a date of the period; a day without a year is none."""
        return any(self.states(each.iso) for each in mentions(text) if each.iso[0] != "-")


def periods(question: str) -> list[Period]:
    """The periods in the question, in order: "before 2025" ends with 2024, "after" begins later."""
    dates = iter([each for each in mentions(question) if each.iso[0] != "-"])
    found = []
    last = None
    for one in dates:
        if last and (joined := _joined(question, last, one)):
            found[-1] = joined
            last = None
        else:
            found.append(_of(question, one))
            last = one
    return found


def _of(question: str, mention: Mention) -> Period:
    preposition = _PREPOSITION.search(question, 0, mention.start)
    kind = preposition.lastgroup if preposition else None
    begins, ends = _days(mention.iso)
    first: str | None = begins
    last: str | None = ends
    start = preposition.start() if preposition else mention.start
    published = _PUBLISHED.search(question, 0, start)
    # "Articles from 2022" are of that year, "the change from 2022" begins with it.
    plain = published and preposition and preposition[0].strip().lower() in ("from", "de")
    if kind == "before":
        first, last = None, _shifted(begins, -1)
    elif kind == "after":
        first, last = _shifted(ends, 1), None
    elif kind == "since" and not plain:
        last = None
    elif kind == "until":
        first = None
    if published and published["verb"]:
        start = published.start()
    behind = _PUBLICATION.match(question, mention.end)
    return Period(start, mention.end, first, last, bool(published or behind))


def _joined(question: str, one: Mention, other: Mention) -> Period | None:
    """The period from one date to another, where the words between them join them."""
    before = _of(question, one)
    preposition = _PREPOSITION.search(question, 0, one.start)
    kind = preposition.lastgroup if preposition else None
    joins = _AND if kind == "between" else _TO if kind in (None, "since", "within") else None
    if joins is None or not joins.fullmatch(question, one.end, other.start):
        return None
    days = sorted([_days(one.iso), _days(other.iso)])
    published = before.published or bool(_PUBLICATION.match(question, other.end))
    return Period(before.start, other.end, days[0][0], days[1][1], published)


def _days(iso: str) -> tuple[str, str]:
    """The first and the last day of a date of any precision."""
    year, month, day = (*map(int, iso.split("-")), 0, 0)[:3]
    if day:
        return iso, iso
    first, last = month or 1, month or 12
    return f"{year:04d}-{first:02d}-01", f"{year:04d}-{last:02d}-{monthrange(year, last)[1]}"


def _shifted(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days)).isoformat()
