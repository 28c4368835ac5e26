"""Quantities in prose: numbers in digits or words, what they count, and how exact they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sourcebook.index.dates import Mention
from sourcebook.service.language.languages import LEXICON
from sourcebook.service.language.lexicon import Kind, either

LONGEST_HEDGE = 20  # characters; the longest hedge has 13
LONGEST_NUMBER = 20  # characters; longer runs of digits are accounts or hashes, not quantities
MOST_SCALES = 2  # "a hundred thousand million"
# Zeros at the end of a number may come from rounding, by at most this share of the number: chosen
# with the disagreements of docs/decisions/0010-disagreement.md.
ROUNDED = 0.025


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_START = re.compile(r"\d+|[^\W\d_]+")
_DIGITS = re.compile(r"\d{1,3}(?:[,\u202f\u00a0 ]\d{3})+(?![\d])(?:\.\d+)?|\d+(?:[.,]\d+)*")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([., ])\d{3})(?:\1\d{3})*(\.\d+)?")
_PLAIN = re.compile(r"\d+(?:\.\d+)?")
_WORD_NUMBER = _pattern(rf"[ -]?(?:and |y )?({either([*LEXICON.numbers, *LEXICON.scales])})(?!\w)")
_SCALE = _pattern(rf"[ -]?({either(LEXICON.scales)})(?!\w)")
_UNIT = _pattern(rf"(?: de )?[ \u00a0-]?({either(LEXICON.units)})([ -]old)?(?!\w)")
_FRACTION = _pattern(rf"({either(LEXICON.fractions)})(?= (?:of|the|de|its|all)\b)")
_FIRST_WORDS = LEXICON.numbers.keys() | {re.split(r"[ -]", name)[0] for name in LEXICON.fractions}
_HEDGE = _pattern(rf"(?<!\w)(?:{either(LEXICON.hedges)}) \Z")
_CURRENCY = re.compile(r"(?:US|C|A|R)?[$€£]\Z")
_COUNTED = re.compile(r"[ -](?:de )?(?P<noun>(?:(?:[A-Z]\.)+ |[^\W\d_][\w’'-]* ?){1,4})")
_OF = _pattern(r" (?:of|de) (?:(?:the|its|all|los|las|sus) )?(?=\w)")
_NOUN = re.compile(r"[^\W\d_][\w’'-]*")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number at `[start, end)` of its text, with its unit and a word such as "about" before it.

    `value` is what it says and `low` to `high` what it may mean, in the base unit of its kind.
    `noun` is what is counted, in lower case, if it follows the number directly: "independent
    experts" of "19 independent experts".
    """

    start: int
    end: int
    kind: Kind
    value: float
    low: float
    high: float
    noun: str = ""

    def agrees(self, other: "Quantity") -> bool:
        """Whether both may mean the same number."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, slots=True)
class _Number:
    """A bare number: its value, by how much it may be rounded, and where it ends."""

    value: float
    rounded: float
    end: int


def quantities(text: str, dates: Sequence[Mention] = ()) -> list[Quantity]:
    """The quantities in English or Spanish prose, in their order.

    `dates` are those of the text: they are no quantities, nor are ordinals, decades, versions and
    the numbers in names ("COVID-19").
    """
    found: list[Quantity] = []
    reached = 0
    for match in _START.finditer(text):
        start, word = match.start(), match[0].lower()
        if start < reached or not (word.isdigit() or word in _FIRST_WORDS):
            continue
        if any(date.start <= start < date.end for date in dates):
            continue
        if quantity := _fraction(text, start) or _quantity(text, start):
            quantity = _with_whole(text, quantity)
            found.append(quantity)
            reached = quantity.end
        elif number := _DIGITS.match(text, start):
            reached = number.end()  # not again from the middle of it
    return found


def _with_whole(text: str, share: Quantity) -> Quantity:
    """A share with the number that it is of: "a quarter of the 480 schools" counts no 480."""
    of = _OF.match(text, share.end) if share.kind is Kind.SHARE else None
    whole = _quantity(text, of.end()) if of else None
    return replace(share, end=whole.end) if whole else share


def _fraction(text: str, start: int) -> Quantity | None:
    if not (match := _FRACTION.match(text, start)):
        return None
    share = LEXICON.fractions[match[1].lower()]
    return Quantity(start, match.end(), Kind.SHARE, share, share - 0.5, share + 0.5)


def _quantity(text: str, start: int) -> Quantity | None:
    in_digits = text[start].isdigit()
    number = _digits(text, start) if in_digits else _words(text, start)
    if number is None or text[number.end : number.end + 1].isalpha():  # 19th, 1990s
        return None
    kind, factor, noun, end = _counted(text, number.end)
    if money := _CURRENCY.search(text, max(0, start - 3), start):
        kind, factor, noun, end, start = Kind.MONEY, 1.0, "", number.end, money.start()
    if kind is Kind.COUNT and not noun and not in_digits:  # "one of them", "the two"
        return None
    below = above = number.rounded
    if hedge := _HEDGE.search(text, max(0, start - LONGEST_HEDGE), start):
        slack = LEXICON.hedges[hedge[0][:-1].lower()]
        below = slack.below * number.value or number.rounded
        above = slack.above * number.value or number.rounded
        start = hedge.start()
    value, low, high = (
        factor * each for each in (number.value, number.value - below, number.value + above)
    )
    return Quantity(start, end, kind, value, low, high, noun)


def _digits(text: str, start: int) -> _Number | None:
    before = text[max(0, start - 2) : start]
    if before[-1:] == "." or re.search(r"[^\W\d_][-–]?\Z", before):  # .5, B52, COVID-19
        return None
    match = _DIGITS.match(text, start)
    digits = match[0] if match else ""
    if grouped := _GROUPED.fullmatch(digits):
        whole = re.sub(r"\D", "", digits[: grouped.start(2)] if grouped[2] else digits)
        digits = whole + (grouped[2] or "")
    digits = digits.replace(",", ".")
    # Not versions, telephone numbers ("020 080") or dates.
    if match is None or not _PLAIN.fullmatch(digits) or len(digits) > LONGEST_NUMBER:
        return None
    whole, _, decimals = digits.partition(".")
    place = -len(decimals) if decimals else len(whole) - len(whole.rstrip("0"))
    return _scaled(text, float(digits), 10.0**place, match.end())


def _words(text: str, start: int) -> _Number | None:
    total = current = 0.0
    end = start
    while match := _WORD_NUMBER.match(text, end):
        word = match[1].lower()
        if word in LEXICON.numbers:
            if current and not (current % 10 == 0 and current > LEXICON.numbers[word]):
                break  # "one four-year term" is no five
            current += LEXICON.numbers[word]
        elif LEXICON.scales[word] == 100:
            current = max(current, 1) * 100
        else:
            total, current = total + max(current, 1) * LEXICON.scales[word], 0.0
        end = match.end()
    return _scaled(text, total + current, 1.0, end) if end > start else None


def _scaled(text: str, value: float, place: float, end: int) -> _Number:
    """The number times the scales after it; `place` is the value of its last significant digit."""
    for _ in range(MOST_SCALES):
        if not (scale := _SCALE.match(text, end)):
            break
        factor = LEXICON.scales[scale[1].lower()]
        value, place, end = value * factor, place * factor, scale.end()
    # A little less than half, so that the ranges of neighbouring numbers never overlap.
    return _Number(value, min(0.49 * place, max(ROUNDED * value, 0.49)), end)


def _counted(text: str, end: int) -> tuple[Kind, float, str, int]:
    """What follows a number: its kind, the size of its unit, its noun, and where they end."""
    if match := _UNIT.match(text, end):
        unit = LEXICON.units[match[1].lower()]
        kind = Kind.AGE if match[2] else unit.kind
        return kind, unit.size, match[1].lower(), match.end()
    if match := _COUNTED.match(text, end):
        first = match.start("noun")
        for word in _NOUN.finditer(text, first, match.end()):
            name = word[0].lower()
            if name in LEXICON.never_counted:
                break
            if name in LEXICON.people or (
                len(name) > 2 and name.endswith("s") and not name.endswith(("ss", "’s", "'s"))
            ):
                return Kind.COUNT, 1.0, text[first : word.end()].lower(), word.end()
    return Kind.COUNT, 1.0, "", end
