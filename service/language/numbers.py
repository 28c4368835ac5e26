"""Bare numbers in prose: digits by the marks of their language, and words by text2num."""

import re
from dataclasses import dataclass

from text_to_num import Token, find_numbers

from sourcebook.service.language.languages import LANGUAGES, LEXICON, language_of
from sourcebook.service.language.lexicon import Kind, either

LONGEST_NUMBER = 20  # characters; longer runs of digits are accounts or hashes, not quantities
MOST_SCALES = 2  # "a hundred thousand million"
# Zeros at the end of a number may come from rounding, by at most this share of the number: chosen
# with the disagreements of docs/decisions/0010-disagreement.md.
ROUNDED = 0.025
EXACT_DIGITS = 12  # a float has 15; what "5.1 million" is must not depend on the last


def pattern(text: str) -> re.Pattern[str]:
    """A pattern that takes upper and lower case for the same."""
    return re.compile(text, re.IGNORECASE)


_DIGITS = re.compile(
    r"\d{1,3}(?:[,\u202f\u00a0 ]\d{3})+(?![\d])(?:\.\d+)?|\d+(?:[.,]\d+)*|\.\d+(?![.,]?\d)"
)
_GROUPED = re.compile(
    r"(?P<whole>[1-9]\d{0,2}([., \u202f\u00a0])\d{3}(?:\2\d{3})*)((?!\2)[.,]\d+)?"
)
_PLAIN = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_SHARES = [name for name, unit in LEXICON.units.items() if unit.kind is Kind.SHARE]
_SHARE = pattern(rf"[ \u00a0]?(?:{either(_SHARES)})")
_SCALE = pattern(rf"[ -]?({either(LEXICON.scales)})(?!\w)")
_ONE = pattern(rf"(?:an?|un|una) ({either(LEXICON.scales)})(?!\w)")
AND_HALF = pattern(r" (?:and a half|y medi[ao])(?!\w)")
# "half a million", "three quarters of a million", "medio millón"
_PARTS = {**LEXICON.fractions, "medio": 50.0}
_PART = pattern(rf"({either(_PARTS)})(?: of| de)?(?: an?| un)? ({either(LEXICON.scales)})(?!\w)")

_WORD = re.compile(r"[^\W\d_]+|\S")
_NEAR = re.compile(r"[ \u00a0\n-]?")
# Spanish articles, which text2num takes for ones.
_ARTICLES = frozenset(["un", "una", "unos", "unas", "uno"])


@dataclass(frozen=True, slots=True)
class Number:
    """A bare number at `[start, end)`: its value, and by how much it may be rounded.

    `scale` is what its last words multiply by: a million in "2.5 million".
    """

    start: int
    end: int
    value: float
    rounded: float
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class _Words:
    """What text2num found at `[start, end)`; an ordinal ("third", "fifths") is no number."""

    start: int
    end: int
    value: float
    ordinal: bool


class _Token(Token):  # type: ignore[misc]  # text2num has no types
    """A word as text2num takes it; `apart` where more than a space is before it."""

    def __init__(self, word: str, *, apart: bool) -> None:
        # It knows "veintiuno", but not its form before a noun, "veintiún".
        self._word = f"{word[:-2]}uno" if word.endswith("ún") else word
        self._apart = apart

    def text(self) -> str:
        return self._word

    def nt_separated(self, previous: Token) -> bool:
        return self._apart

    def not_a_number_part(self) -> bool:
        return False


class Numbers:
    """The numbers in a text, by where they start.

    `language` says what points and commas mean, and which words are numbers; it is found in the
    text where it is neither "en" nor "es".
    """

    def __init__(self, text: str, language: str = "") -> None:
        self._text = text
        self._language = language if language in LANGUAGES else language_of(text)
        self._words = {each.start: each for each in _in_words(text, self._language)}

    def at(self, start: int) -> Number | None:
        """The number that starts there, in digits or in words, with all that belongs to it."""
        if start >= len(self._text):
            return None
        if self._text[start].isdigit() or self._text[start] == ".":
            return self._in_digits(start)
        if part := _PART.match(self._text, start):
            scale = LEXICON.scales[part[2].lower()]
            value = _PARTS[part[1].lower()] / 100 * scale
            return self._number(start, part.end(), value, _place(value), scale)
        if one := _ONE.match(self._text, start):
            following = self._words.get(one.start(1))  # "a hundred and twenty"
            scale = LEXICON.scales[one[1].lower()]
            end, value = (following.end, following.value) if following else (one.end(), scale)
            return self._number(start, end, value, _place(value), scale)
        words = self._words.get(start)
        if words is None or words.ordinal:
            return None
        last = re.split(r"[ -]", self._text[start : words.end].lower())[-1]
        scale = LEXICON.scales.get(last, 1.0)
        return self._number(start, words.end, words.value, _place(words.value), scale)

    def ordinal(self, start: int) -> tuple[float, int] | None:
        """The value and the end of the ordinal that starts there: 5 for "fifths"."""
        words = self._words.get(start)
        return (words.value, words.end) if words and words.ordinal else None

    def end_of(self, start: int) -> int:
        """Where the digits or words end that start there and may be no number; 0 without any."""
        digits = _DIGITS.match(self._text, start)
        words = self._words.get(start)
        return digits.end() if digits else words.end if words else 0

    def begins(self, start: int) -> bool:
        """Whether text2num has found something there."""
        return start in self._words

    def _in_digits(self, start: int) -> Number | None:
        before = self._text[max(0, start - 2) : start]
        if before[-1:] == "." or re.search(r"[^\W\d_][-–]?\Z", before):  # B52, COVID-19
            return None
        match = _DIGITS.match(self._text, start)
        digits = self._plain(match) if match else ""
        # Not versions, telephone numbers ("020 080") or dates.
        if match is None or not _PLAIN.fullmatch(digits) or len(digits) > LONGEST_NUMBER:
            return None
        whole, _, decimals = digits.partition(".")
        place = -len(decimals) if decimals else len(whole) - len(whole.rstrip("0"))
        return self._number(start, match.end(), float(digits), 10.0**place, 1.0)

    def _plain(self, match: re.Match[str]) -> str:
        """Digits with a point before decimals, and no other mark.

        A point before three digits is one in English ("4.375 percent"), and in Spanish only in a
        share: there is no need to write of 4,375 percent.
        """
        digits = match[0]
        grouped = _GROUPED.fullmatch(digits)
        if grouped and grouped["whole"].count(grouped[2]) == 1 and not grouped[3]:
            pointed = grouped[2] == "." and self._language == "en"
            share = grouped[2] in ".," and self._language == "es"
            if pointed or (share and _SHARE.match(self._text, match.end())):
                return digits.replace(",", ".")
        if grouped:
            whole = re.sub(r"\D", "", grouped["whole"])
            return whole + (grouped[3] or "").replace(",", ".")
        return digits.replace(",", ".")

    def _number(self, start: int, end: int, value: float, place: float, scale: float) -> Number:
        """The number times the scales after it; `place` is the value of its last digit."""
        for _ in range(MOST_SCALES):
            if half := AND_HALF.match(self._text, end):
                value, place, end = value + scale / 2, scale / 10, half.end()
            if not (more := _SCALE.match(self._text, end)):
                break
            factor = LEXICON.scales[more[1].lower()]
            value, place, scale, end = value * factor, place * factor, scale * factor, more.end()
        value = float(f"{value:.{EXACT_DIGITS}g}")
        # A little less than half, so that the ranges of neighbouring numbers never overlap.
        rounded = min(0.49 * place, max(ROUNDED * value, 0.49))
        return Number(start, end, value, rounded, scale)


def _place(value: float) -> float:
    """The value of the last digit that is not zero: 1000 of 253,000."""
    digits = f"{value:.0f}"
    whole = value == int(value) and value
    return 10.0 ** (len(digits) - len(digits.rstrip("0"))) if whole else 1.0 if not value else 0.1


def _in_words(text: str, language: str) -> list[_Words]:
    words = list(_WORD.finditer(text))
    tokens = [
        _Token(
            word[0].lower(),
            apart=not (number and _NEAR.fullmatch(text, words[number - 1].end(), word.start())),
        )
        for number, word in enumerate(words)
    ]
    found: list[_Words] = []
    for each in find_numbers(tokens, language, threshold=0):
        first = words[each.start]
        if each.end - each.start == 1 and first[0].lower() in _ARTICLES:
            continue
        number = _Words(first.start(), words[each.end - 1].end(), each.value, each.is_ordinal)
        if found and _is_year(text, found[-1], number):
            found.pop()
        else:
            found.append(number)
    return found


def _is_year(text: str, one: _Words, other: _Words) -> bool:
    """Whether both together are one: "nineteen ninety-five"."""
    return (
        text[one.end : other.start] == " "
        and 13 <= one.value <= 20
        and 10 <= other.value <= 99
        and not (one.ordinal or other.ordinal)
    )
