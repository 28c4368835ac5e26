"""What kind of answer a question asks for, and whether a text holds one of that kind."""

import re
from enum import StrEnum
from functools import lru_cache

from index.lexical import stem

WORD = re.compile(r"\w+(?:['’]\w+)*")

# fmt: off
NUMBER_WORDS = frozenset((
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred",
    "hundreds", "thousand", "thousands", "million", "millions", "billion", "billions", "trillion",
    "dozen", "dozens", "half", "quarter", "third", "once", "twice", "double", "triple", "several",
    "few", "couple", "single", "pair", "both", "dos", "tres", "cuatro", "cinco", "seis", "siete",
    "ocho", "nueve", "diez", "mil", "millones", "mitad",
))
MONTHS = frozenset((
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december", "enero", "febrero", "marzo", "abril", "mayo", "junio",
    "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
))
TIMES = frozenset(("century", "centuries", "decade", "ago", "bc", "bce", "ad", "siglo"))
# fmt: on
_YEAR = re.compile(r"(?:1\d|20)\d\ds?")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")
_MONTHS = "|".join(sorted(MONTHS))
_DAY = rf"\b(?:{_MONTHS})\.? \d{{1,2}}\b|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of| de)? (?:{_MONTHS})\b"
_PERCENT = r"\d\s?%|\bper ?cent|por ciento"
_MONEY = (
    r"[$€£¥]\s?\d|\d[\d.,]*\s*(?:(?:thousand|million|billion|mil|millones de)\s)?"
    r"(?:dollars|pesos|euros|pounds)"
)


class Kind(StrEnum):
    """The kinds of answer that can be told by their form; `other` is all the rest."""

    DAY = "day"
    DATE = "date"
    PERCENT = "percent"
    MONEY = "money"
    NUMBER = "number"
    NAME = "name"
    OTHER = "other"


_FORMS = {
    kind: re.compile(form, re.I)
    for kind, form in ((Kind.DAY, _DAY), (Kind.PERCENT, _PERCENT), (Kind.MONEY, _MONEY))
}
# The first that matches decides. English and Spanish, as far as questions begin the same way.
_ASKED = [
    (kind, re.compile(pattern, re.I))
    for kind, pattern in (
        (Kind.DAY, r"\b(?:what|which) (?:exact )?(?:date|day)\b|\bqué (?:día|fecha)\b"),
        (
            Kind.PERCENT,
            r"\b(?:what|which|how)\b.{0,40}\b(?:percent|percentage|proportion|fraction|rate)\b"
            r"|\bqué (?:porcentaje|proporción)\b",
        ),
        (
            Kind.MONEY,
            r"\bhow much (?:money|did .* (?:cost|pay|earn))\b|\bwhat (?:did|does) .* cost\b"
            r"|\bin (?:us )?dollars\b|\b(?:what|which) (?:price|cost)\b",
        ),
        (
            Kind.NUMBER,
            r"\bhow (?:many|much|old|long|far|large|big|tall|high|often|fast|deep|wide|heavy)\b"
            r"|\b(?:what|which) (?:number|amount|population|size|quantity|temperature|distance|"
            r"length|height|speed|age)\b|\bcuánt[oa]s?\b",
        ),
        (
            Kind.DATE,
            r"(?:^|\b(?:and|in|since|by|until|from) )when\b|\bcuándo\b|\b(?:what|which|qué) "
            r"(?:year|month|decade|century|time period|era|año|mes|siglo)\b",
        ),
        (
            Kind.NAME,
            r"\b(?:who|whom|whose|where|quién|quiénes|dónde)\b|\bnames? of\b|\bcómo se llama"
            r"|\b(?:what|which) (?:city|country|state|region|town|province|department|person|"
            r"company|organi[sz]ation|group|party|university|school|president|minister)\b",
        ),
    )
]
_COUNTED = re.compile(r"\b(?:how many|cuánt[oa]s)\s+(\w+)", re.I)
# A number stands at most so many words before what it counts: "850 metric tonnes of cocaine".
_REACH = 4


@lru_cache(maxsize=256)
def kind(question: str) -> Kind:
    """What kind of answer the question asks for."""
    return next((kind for kind, asked in _ASKED if asked.search(question)), Kind.OTHER)


def holds_answer(question: str, text: str) -> bool:
    """Whether `text` holds an answer of the kind that the question asks for.

    What stands in the question already is no answer. True where no form can be asked for.
    """
    wanted = kind(question)
    if wanted is Kind.OTHER:
        return True
    if wanted in _FORMS:
        return bool(_FORMS[wanted].search(text))
    asked = {word.casefold() for word in WORD.findall(question)}
    words = WORD.findall(text)
    new = [n for n, word in enumerate(words) if word.casefold() not in asked]
    if wanted is Kind.DATE:
        return any(_is_date(words[n]) for n in new)
    if wanted is Kind.NUMBER:
        return _counts(question, words, [n for n in new if _is_number(words[n])])
    # The first word has a capital letter anyway.
    return any(words[n][0].isupper() and (n or stem(words[n])) for n in new)


def _counts(question: str, words: list[str], numbers: list[int]) -> bool:
    """Whether one of the numbers counts what the question asks "how many" of."""
    counted = _COUNTED.search(question)
    if not counted:
        return bool(numbers)
    # Singular and plural begin alike.
    unit = counted[1].casefold()[:-1]
    return any(
        words[near].casefold().startswith(unit)
        for n in numbers
        for near in range(n + 1, min(n + 1 + _REACH, len(words)))
    )


def _is_date(word: str) -> bool:
    if word == "may":  # the verb
        return False
    folded = word.casefold()
    return bool(_YEAR.fullmatch(folded) or _ORDINAL.fullmatch(folded) or folded in MONTHS | TIMES)


def _is_number(word: str) -> bool:
    return (word[0].isdigit() and not _YEAR.fullmatch(word)) or word.casefold() in NUMBER_WORDS
