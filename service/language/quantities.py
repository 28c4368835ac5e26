"""Figures in prose: numbers in digits or words, what they count, and how exact they are."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sourcebook.index.dates import Mention


class Kind(StrEnum):
    """What a figure measures; figures of different kinds cannot be compared."""

    COUNT = "count"
    SHARE = "share"
    MONEY = "money"
    AREA = "area"
    MASS = "mass"
    LENGTH = "length"
    TIME = "time"
    AGE = "age"
    TIMES = "times"


def _numbered(words: str, first: int = 0, step: int = 1) -> dict[str, float]:
    return {word: float(step * number) for number, word in enumerate(words.split(), first)}


def _all(words: str, value: float) -> dict[str, float]:
    return dict.fromkeys(words.split(), value)


WORDS: Mapping[str, float] = {
    **_numbered("zero one two three four five six seven eight nine ten eleven twelve thirteen"),
    **_numbered("fourteen fifteen sixteen seventeen eighteen nineteen", 14),
    **_numbered("twenty thirty forty fifty sixty seventy eighty ninety", 2, 10),
    **_numbered("dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce", 2),
    **_numbered("quince dieciséis diecisiete dieciocho diecinueve", 15),
    **_numbered("veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien", 2, 10),
    **_all("dozen docena", 12),
}
SCALES: Mapping[str, float] = {
    **_all("hundred", 1e2),
    **_all("thousand mil", 1e3),
    **_all("million millón millones", 1e6),
    **_all("billion bn", 1e9),
    **_all("trillion billones", 1e12),
}
FRACTIONS: Mapping[str, float] = {
    **dict.fromkeys(("half", "la mitad"), 50.0),
    **dict.fromkeys(("a third", "one third", "one-third", "un tercio"), 100 / 3),
    **dict.fromkeys(("two thirds", "two-thirds", "dos tercios"), 200 / 3),
    **dict.fromkeys(("a quarter", "one quarter", "one-quarter", "un cuarto"), 25.0),
    **dict.fromkeys(("three quarters", "three-quarters", "tres cuartos"), 75.0),
}
# What a word behind a number says: its kind, and how many base units it is (percent, hectares,
# tonnes, kilometres, years, any currency).
MEASURES: Mapping[str, tuple[Kind, float]] = {
    name: (kind, factor)
    for kind, names in (
        (Kind.SHARE, _all("% percent", 1) | {"per cent": 1.0, "por ciento": 1.0}),
        (Kind.MONEY, _all("dollars dollar dólares euros euro pesos", 1)),
        (Kind.AREA, _all("hectares hectare hectáreas ha", 1) | _all("acres acre", 0.4047)),
        (Kind.MASS, _all("tons tonnes ton tonne toneladas", 1) | {"metric tons": 1.0}),
        (Kind.MASS, _all("kilograms kilogram kilos kilo kg", 1e-3)),
        (Kind.LENGTH, _all("kilometres kilometers kilometre kilometer kilómetros km", 1)),
        (Kind.LENGTH, _all("miles mile", 1.609) | _all("metres meters metros", 1e-3)),
        (Kind.LENGTH, _all("feet foot ft", 3.048e-4)),
        (Kind.TIME, _all("years year años", 1) | _all("decades decade décadas", 10)),
        (Kind.TIME, _all("centuries century siglos", 100) | _all("months month meses", 1 / 12)),
        (Kind.TIME, _all("weeks week semanas", 1 / 52) | _all("days day días", 1 / 365)),
        (Kind.TIME, _all("hours hour horas", 1 / 8766) | _all("minutes minute", 1 / 525_960)),
        (Kind.TIMES, _all("times veces", 1)),
    )
    for name, factor in names.items()
}
# What stands before a figure, and how far below and above it, as shares of it, the truth may lie.
LEADS: Mapping[str, tuple[float, float]] = {
    phrase: reach
    for phrases, reach in (
        ("more than|over|above|at least|exceeding|upwards of|más de|al menos", (0.0, 0.2)),
        ("less than|fewer than|under|below|up to|at most|as high as|menos de|hasta", (0.2, 0.0)),
        ("just over|just under|about|around|approximately|roughly|nearly|almost", (0.05, 0.05)),
        ("some|close to|an estimated|cerca de|unos|unas|alrededor de|casi", (0.05, 0.05)),
    )
    for phrase in phrases.split("|")
}
LONGEST_LEAD = 20  # characters
LONGEST_NUMBER = 20  # what is longer is no figure that anybody reads
MOST_SCALES = 2  # "a hundred thousand million"
# Zeros at the end of a number may be rounded, though not by more than this share of it.
ROUNDED = 0.025
# What is counted stands behind its number in the plural, with a word or two between at most.
PEOPLE = frozenset(("people", "men", "women", "children", "police", "troops", "personas"))
NO_NOUN = frozenset(
    re.findall(
        r"\S+",
        """
    of in on at by from to and or the a an is are was were has have had as than per that which this
    his her its their less years others times does yes de del en por para y o que los las el la es
    """,
    )
)


def _either(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_BEGINNING = re.compile(r"\d+|[^\W\d_]+")
_DIGITS = re.compile(r"\d{1,3}(?:[,\u202f\u00a0 ]\d{3})+(?![\d])(?:\.\d+)?|\d+(?:[.,]\d+)*")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([., ])\d{3})(?:\1\d{3})*(\.\d+)?")
_PLAIN = re.compile(r"\d+(?:\.\d+)?")
_WORD_NUMBER = _pattern(rf"[ -]?(?:and |y )?({_either([*WORDS, *SCALES])})(?!\w)")
_SCALE = _pattern(rf"[ -]?({_either(SCALES)})(?!\w)")
_MEASURE = _pattern(rf"(?: de )?[ \u00a0-]?({_either(MEASURES)})([ -]old)?(?!\w)")
_FRACTION = _pattern(rf"({_either(FRACTIONS)})(?= (?:of|the|de|its|all)\b)")
_SHARES = (*FRACTIONS, *(name for name, (kind, _) in MEASURES.items() if kind is Kind.SHARE))
_FRACTION_STARTS = frozenset(re.split(r"[ -]", name)[0] for name in FRACTIONS)
_LEAD = _pattern(rf"(?<!\w)(?:{_either(LEADS)}) \Z")
_CURRENCY = re.compile(r"(?:US|C|A|R)?[$€£]\Z")
_COUNTED = re.compile(r"[ -](?:de )?(?P<noun>(?:(?:[A-Z]\.)+ |[^\W\d_][\w’'-]* ?){1,4})")
_LETTERS = re.compile(r"[^\W\d_][\w’'-]*")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number at `[start, end)` of its text, with its unit and a word such as "about" before it.

    `value` is what it says and `low` to `high` what it may mean, in the base unit of its kind.
    `noun` is what is counted, in lower case, as far as it stands right behind: "independent
    experts" of "19 independent experts".
    """

    start: int
    end: int
    kind: Kind
    value: float
    low: float
    high: float
    noun: str = ""

    def agrees(self, other: "Figure") -> bool:
        """Whether both may mean the same number."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, slots=True)
class _Number:
    """A bare number: what it says, how far it may be rounded, and where it ends."""

    value: float
    rounded: float
    end: int


def has_share(text: str) -> bool:
    """Whether a text may hold a share; that is much quicker to see than its figures."""
    lowered = text.lower()
    return any(name in lowered for name in _SHARES)


def figures(text: str, dates: Sequence[Mention] = ()) -> list[Figure]:
    """The figures in English or Spanish prose, in their order.

    `dates` are the text's own, which are no figures; nor are ordinals, decades, versions and the
    numbers in names ("COVID-19").
    """
    found: list[Figure] = []
    reached = 0
    for match in _BEGINNING.finditer(text):
        start, word = match.start(), match[0].lower()
        if start < reached or not (word.isdigit() or word in WORDS or word in _FRACTION_STARTS):
            continue
        if any(date.start <= start < date.end for date in dates):
            continue
        if figure := _fraction(text, start) or _figure(text, start):
            found.append(figure)
            reached = figure.end
        elif number := _DIGITS.match(text, start):
            reached = number.end()  # not again from the middle of it
    return found


def _fraction(text: str, start: int) -> Figure | None:
    if not (match := _FRACTION.match(text, start)):
        return None
    share = FRACTIONS[match[1].lower()]
    return Figure(start, match.end(), Kind.SHARE, share, share - 0.5, share + 0.5)


def _figure(text: str, start: int) -> Figure | None:
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
    if lead := _LEAD.search(text, max(0, start - LONGEST_LEAD), start):
        reach = LEADS[lead[0][:-1].lower()]
        below, above = (share * number.value or number.rounded for share in reach)
        start = lead.start()
    value, low, high = (
        factor * each for each in (number.value, number.value - below, number.value + above)
    )
    return Figure(start, end, kind, value, low, high, noun)


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
    # Versions, telephone numbers ("020 080") and dates are no numbers.
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
        if word in WORDS:
            if current and not (current % 10 == 0 and current > WORDS[word]):
                break  # "one four-year term" is no five
            current += WORDS[word]
        elif SCALES[word] == 100:
            current = max(current, 1) * 100
        else:
            total, current = total + max(current, 1) * SCALES[word], 0.0
        end = match.end()
    return _scaled(text, total + current, 1.0, end) if end > start else None


def _scaled(text: str, value: float, place: float, end: int) -> _Number:
    """The number with what multiplies it; `place` is the value of its last digit that counts."""
    for _ in range(MOST_SCALES):
        if not (scale := _SCALE.match(text, end)):
            break
        factor = SCALES[scale[1].lower()]
        value, place, end = value * factor, place * factor, scale.end()
    # A little less than half, so that neighbours never meet.
    return _Number(value, min(0.49 * place, max(ROUNDED * value, 0.49)), end)


def _counted(text: str, end: int) -> tuple[Kind, float, str, int]:
    """What stands behind a number: its kind, base units, noun, and where all of it ends."""
    if match := _MEASURE.match(text, end):
        kind, factor = MEASURES[match[1].lower()]
        if match[2]:
            kind = Kind.AGE
        return kind, factor, match[1].lower(), match.end()
    if match := _COUNTED.match(text, end):
        first = match.start("noun")
        for word in _LETTERS.finditer(text, first, match.end()):
            name = word[0].lower()
            if name in NO_NOUN:
                break
            if name in PEOPLE or (
                len(name) > 2 and name.endswith("s") and not name.endswith(("ss", "’s", "'s"))
            ):
                return Kind.COUNT, 1.0, text[first : word.end()].lower(), word.end()
    return Kind.COUNT, 1.0, "", end
