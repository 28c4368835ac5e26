"""Quantities in prose: numbers in digits or words, what they count, and how exact they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sourcebook.index.dates import Mention
from sourcebook.service.language.languages import LEXICON
from sourcebook.service.language.lexicon import Kind, either
from sourcebook.service.language.numbers import AND_HALF, Number, Numbers, pattern

LONGEST_HEDGE = 20  # characters; the longest hedge has 13
MOST_PARTS = 20  # "seven twentieths"

_START = re.compile(r"(?<![\w.])\.\d+|\d+|[^\W\d_]+")
_UNIT = pattern(rf"(?: de )?[ \u00a0-]?({either(LEXICON.units)})([ -]old)?(?!\w)")
_OF_WHOLE = r"(?= (?:of|the|de|its|all)\b)"
_OF_MILLION = rf"(?! (?:of|de) (?:an? |un )?(?:{either(LEXICON.scales)})(?!\w))"
_FRACTION = pattern(rf"({either(LEXICON.fractions)}){_OF_MILLION}{_OF_WHOLE}")
_PARTS = pattern(rf"(?: partes)?{_OF_WHOLE}")  # after "two fifths", "dos quintas"
_ONE = pattern(r"(?:an?|una?)[ -]")
_RATIO = pattern(r" (?:in|out of|de cada) ")
_TO = pattern(r" (?:to|al?) |\s?[-–—]\s?")
_AND = pattern(rf" (?:{either(LEXICON.conjoined)}) ")
_BETWEEN = pattern(rf"\b(?:{either(LEXICON.between)}) \Z")
_MILLIONS = re.compile(r"[mM](?!\w)")  # of money alone: "$1.5m"
_FIRST_WORDS = {re.split(r"[ -]", name)[0] for name in LEXICON.fractions}
_FIRST_WORDS |= {"a", "an", "un", "una", "medio"}
_HEDGE = pattern(rf"(?<!\w)(?:{either(LEXICON.hedges)}) \Z")
_CURRENCY = re.compile(r"(?:US|C|A|R)?[$€£][ \u00a0]?\Z")
_COUNTED = re.compile(r"[ -](?:de )?(?P<noun>(?:(?:[A-Z]\.)+ |[^\W\d_][\w’'-]* ?){1,4})")
_OF = pattern(r" (?:of|de) (?:(?:the|its|all|los|las|sus) )?(?=\w)")
# The same before a number, whose owner may be named: "12 of New York's 62 counties".
_OF_OWN = pattern(
    r" (?:of|de) (?:(?:[\w.-]+ ){0,2}[\w.-]+[’']s? |(?:the|its|all|their|los|las|sus) )?(?=\d)"
)
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


def quantities(text: str, dates: Sequence[Mention] = (), language: str = "") -> list[Quantity]:
    """The quantities in English or Spanish prose, in their order.

    `dates` are those of the text: they are no quantities, nor are ordinals, decades, versions,
    ratios ("one in five") and the numbers in names ("COVID-19"). `language` is that of the text,
    as `Numbers` takes it.
    """
    numbers = Numbers(text, language)
    found: list[Quantity] = []
    reached = 0
    for match in _START.finditer(text):
        start, word = match.start(), match[0].lower()
        known = not word.isalpha() or word in _FIRST_WORDS or numbers.begins(start)
        if start < reached or not known:
            continue
        if any(date.start <= start < date.end for date in dates):
            continue
        if end := _ratio(text, start, numbers):
            reached = end
        elif here := _here(text, start, numbers):
            found += here
            reached = here[-1].end
        else:
            reached = numbers.end_of(start)  # not again from the middle of it
    return found


def _here(text: str, start: int, numbers: Numbers) -> list[Quantity]:
    """The quantity that starts there; two where it is the lower end of a range."""
    if one := _fraction(text, start, numbers):
        return [_with_whole(text, one, numbers)]
    if both := _range(text, start, numbers):
        return both
    found = _quantity(text, start, numbers)
    return [_with_whole(text, found, numbers)] if found else []


def _with_whole(text: str, part: Quantity, numbers: Numbers) -> Quantity:
    """A share or a bare number with the number that it is of, which is counted no more.

    "A quarter of the 480 schools" counts no 480, and "12 of the 480 schools" are 12 schools.
    """
    if part.kind is Kind.SHARE:
        of = _OF.match(text, part.end)
        whole = _quantity(text, of.end(), numbers) if of else None
        return replace(part, end=whole.end) if whole else part
    bare = part.kind is Kind.COUNT and not part.noun
    of = _OF_OWN.match(text, part.end) if bare else None
    whole = _quantity(text, of.end(), numbers) if of else None
    if whole and whole.kind is Kind.COUNT and whole.value > part.value:
        return replace(part, end=whole.end, noun=whole.noun)
    return part


def _fraction(text: str, start: int, numbers: Numbers) -> Quantity | None:
    if match := _FRACTION.match(text, start):
        share, end = LEXICON.fractions[match[1].lower()], match.end()
    else:
        one, number = _ONE.match(text, start), numbers.at(start)
        count = 1.0 if one else number.value if number and not text[start].isdigit() else 0.0
        parts = numbers.ordinal(one.end() if one else number.end + 1 if number else start)
        following = _PARTS.match(text, parts[1]) if parts else None
        if not (parts and following and 0 < count < parts[0] <= MOST_PARTS and parts[0] > 2):
            return None
        share, end = 100 * count / parts[0], following.end()
    return Quantity(start, end, Kind.SHARE, share, share - 0.5, share + 0.5)


def _ratio(text: str, start: int, numbers: Numbers) -> int:
    """Where "one in five" ends, which counts nothing; 0 where none starts."""
    one = numbers.at(start)
    of = _RATIO.match(text, one.end) if one else None
    other = numbers.at(of.end()) if of else None
    return other.end if one and other and one.value < other.value <= 100 else 0


def _range(text: str, start: int, numbers: Numbers) -> list[Quantity]:
    """Both ends of a range with one unit: "15 to 20 percent", "two to three million people"."""
    low = numbers.at(start)
    if low is None or _CURRENCY.search(text, max(0, start - 4), start):
        return []
    to = _TO.match(text, low.end)
    if to is None and _BETWEEN.search(text, max(0, start - LONGEST_HEDGE), start):
        to = _AND.match(text, low.end)
    high = numbers.at(to.end()) if to else None
    found = _quantity(text, high.start, numbers) if high else None
    if high is None or found is None or found.start != high.start:
        return []
    # "Two to three million" begins at two million, "800 to two thousand" at 800.
    if low.scale == 1 and low.value < high.value / high.scale:
        low = replace(low, value=low.value * high.scale, rounded=low.rounded * high.scale)
    return [_measured(text, low, start, replace(_counted(text, high.end), end=low.end)), found]


def _quantity(text: str, start: int, numbers: Numbers) -> Quantity | None:
    number = numbers.at(start) if start < len(text) else None
    if number is None:
        return None
    money = _CURRENCY.search(text, max(0, start - 4), start)
    if money and (millions := _MILLIONS.match(text, number.end)):
        value, rounded = number.value * 1e6, number.rounded * 1e6
        number = replace(number, end=millions.end(), value=value, rounded=rounded)
    if text[number.end : number.end + 1].isalpha():  # 19th, 1990s
        return None
    what = _counted(text, number.end)
    if money:
        start, what = money.start(), _Counted(Kind.MONEY, 1.0, "", number.end)
    elif what.kind is not Kind.COUNT and (half := AND_HALF.match(text, what.end)):
        number = replace(number, value=number.value + 0.5)
        what = replace(what, end=half.end())
    in_words = text[number.start].isalpha()
    if what.kind is Kind.COUNT and in_words and (not what.noun or number.value == 1):
        return None  # "two of them", "no one knows"
    return _measured(text, number, start, what)


def _measured(text: str, number: Number, start: int, what: "_Counted") -> Quantity:
    """The quantity that begins at `start`, with the hedge before it."""
    below = above = number.rounded
    if hedge := _HEDGE.search(text, max(0, start - LONGEST_HEDGE), start):
        slack = LEXICON.hedges[hedge[0][:-1].lower()]
        below = slack.below * number.value or number.rounded
        above = slack.above * number.value or number.rounded
        start = hedge.start()
    value, low, high = (
        what.size * each for each in (number.value, number.value - below, number.value + above)
    )
    return Quantity(start, what.end, what.kind, value, low, high, what.noun)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What follows a number: its kind, the size of its unit, its noun, and where they end."""

    kind: Kind
    size: float
    noun: str
    end: int


def _counted(text: str, end: int) -> _Counted:
    if match := _UNIT.match(text, end):
        unit = LEXICON.units[match[1].lower()]
        kind = Kind.AGE if match[2] else unit.kind
        return _Counted(kind, unit.size, match[1].lower(), match.end())
    if match := _COUNTED.match(text, end):
        first = match.start("noun")
        for word in _NOUN.finditer(text, first, match.end()):
            name = word[0].lower()
            if name in LEXICON.never_counted:
                break
            if name in LEXICON.people or (
                len(name) > 2 and name.endswith("s") and not name.endswith(("ss", "’s", "'s"))
            ):
                return _Counted(Kind.COUNT, 1.0, text[first : word.end()].lower(), word.end())
    return _Counted(Kind.COUNT, 1.0, "", end)
