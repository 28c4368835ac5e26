"""The expected type of answer: what kind of words would answer a question, and where they are."""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from sourcebook.index.dates import mentions
from sourcebook.index.passages import Span
from sourcebook.index.words import WORD
from sourcebook.service.language.languages import LEXICON
from sourcebook.service.language.lexicon import Kind, either
from sourcebook.service.language.quantities import Quantity, quantities
from sourcebook.service.language.words import folded


class AnswerType(StrEnum):
    """What a question asks for, where a few words can answer it."""

    NAME = "name"
    PLACE = "place"
    DATE = "date"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Expected:
    """A type of answer, and for a number the kinds that it may have.

    `known` are the question's own words, which answer nothing. No answer follows the word
    `not_after`: who asks by how much something was cut does not ask to what.
    """

    type: AnswerType
    kinds: frozenset[Kind] = frozenset()
    known: frozenset[str] = frozenset()
    not_after: str = ""


_ROLES = (
    "agent|ambassador|author|candidate|chief|director|executive|expert|founder|general|governor|"
    "journalist|judge|king|lawyer|leader|mayor|member|minist?er|offic\\w+|person|player|"
    "politician|president|professor|queen|researcher|scientist|secretary|senator|spokes\\w+|writer"
)
# A question word asks where it opens a clause or follows a preposition that does; "the day when"
# asks nothing.
_OPENS = rf"(?:^|[.,;:!?¿(—]\s*|\b(?:{either(LEXICON.clause_openers)})\s+)"
_ANY_AMOUNT = frozenset(Kind) - {Kind.TIME, Kind.AGE, Kind.COUNT}
# The first pattern that matches decides (docs/decisions/0011-short-answers.md).
_ASKED: tuple[tuple[Expected, re.Pattern[str]], ...] = tuple(
    (Expected(kind, frozenset(numbers)), re.compile(pattern, re.IGNORECASE))
    for kind, numbers, pattern in (
        (
            AnswerType.NUMBER,
            [Kind.SHARE],
            r"\b(?:what|which) (?:\w+ )?(?:percent\w*|share|proportion|fraction|part) of\b|"
            r"\b(?:what|which) percent\w*\b|\bpercentage of\b|\bapproval rating\b|"
            r"\bqué (?:porcentaje|proporción|parte)\b",
        ),
        (
            AnswerType.NUMBER,
            [Kind.AGE],
            r"\bhow old\b|\bqué edad\b|\bwh\w+ age\b|^\w+ age\b",
        ),
        (AnswerType.NUMBER, [Kind.TIME], r"\bhow long\b|\bcuánto tiempo\b"),
        (
            AnswerType.NUMBER,
            [Kind.MONEY],
            r"\bhow much (?:money|did \w+ (?:cost|pay)|does \w+ (?:cost|pay))\b|\bcuánto cuesta\b",
        ),
        (
            AnswerType.NUMBER,
            [Kind.COUNT],
            r"\bhow many (?:more |other |total |different )?([\w-]+)|"
            r"\bnumber of ([\w-]+)|\bcuánt[oa]s (\w+)",
        ),
        (
            AnswerType.NUMBER,
            _ANY_AMOUNT,
            r"\bhow (?:much|large|big|far|high|tall|deep)\b|\bcuánt[oa]\b",
        ),
        (
            AnswerType.DATE,
            (),
            rf"{_OPENS}(?:{either(LEXICON.when)})\b|"
            r"\b(?:what|which) (?:year|date|day|month|decade)s?\b|"
            r"\b(?:qué|cuál) (?:año|fecha|día|mes)\b|\bdate$",
        ),
        (
            AnswerType.NAME,
            (),
            rf"{_OPENS}(?:{either(LEXICON.who)})\b|"
            rf"\b(?:wh?ich|what) (?:(?!did|do|does|is|was|were)[\w-]+ ){{0,3}}(?:{_ROLES})\b|"
            r"\bname of\b",
        ),
        (
            AnswerType.PLACE,
            (),
            rf"{_OPENS}(?:{either(LEXICON.where)})\b|"
            rf"\b(?:which|what|qué) (?:\w+ )?(?:{either(LEXICON.places)})\b",
        ),
    )
)

TO = re.compile(r" (?:to|through|a|hasta) |\s?[-–—]\s?")
FROM_TO = re.compile(rf"{TO.pattern}| (?:and|until|y)(?: in)? ")
_AND = re.compile(rf" (?:{either(LEXICON.conjoined)}) ")
_BETWEEN = re.compile(rf"\b(?:{either(LEXICON.between)}) \Z", re.IGNORECASE)
_DECADE = re.compile(r"\b(?:(?:early|mid|late)[ \-–])?(?:1\d|20)\d0s\b")
_CAPITAL = r"[A-ZÁÉÍÓÚÑÜÖÄÅÇØ](?:\.(?:[A-Z]\.)*|[\w’'&-]*)"
_LINK = r"(?: (?:de|del|la|las|los|y|the|of|von|van|der|den|bin|al|da|dos))*"
_NAME = re.compile(rf"(?<!\w){_CAPITAL}(?:{_LINK} {_CAPITAL})*")
# Single words that are no names: demonyms, abbreviations, and nouns that begin a sentence.
_NO_NAME = re.compile(
    r"[A-Z]\w+(?:[aei]an|ese|ish|ing|tion|ment|ness|ity|ism|ance|ence)s?|[A-Z.]{2,}"
)


@lru_cache(maxsize=256)
def expected(question: str) -> Expected | None:
    """What kind of words the question asks for; None if only a sentence can answer it."""
    for asked, pattern in _ASKED:
        if match := pattern.search(question):
            before = question[: match.start()].lower().split()[-1:]
            other = LEXICON.changing.get(before[0], "") if before else ""
            wanted = replace(asked, known=_words(question), not_after=other)
            units = (LEXICON.units.get((word or "").lower()) for word in match.groups())
            unit = next(filter(None, units), None)
            return replace(wanted, kinds=frozenset({unit.kind})) if unit else wanted
    return None


def fitting(sentence: str, wanted: Expected, language: str = "") -> list[Span]:
    """The words of a sentence that have the wanted type, in their order.

    `language` is that of its article, as `quantities` takes it. Words that the question itself says
    are left out, and so is "more than 5" if it says 5, and "Mayor Eva Lind" if it says Eva Lind.
    """

    def new(found: Span) -> bool:
        before = sentence[: found.start].lower().split()[-1:]
        if wanted.not_after and before == [wanted.not_after]:
            return False
        words = _words(sentence[found.start : found.end])
        telling = {word for word in words if word.isdigit()} or words
        return 2 * len(telling & wanted.known) <= len(telling)

    return [found for found in _typed(sentence, wanted, language) if new(found)]


def _typed(sentence: str, wanted: Expected, language: str) -> Iterator[Span]:
    if wanted.type is AnswerType.DATE:
        dates = [(date.start, date.end) for date in mentions(sentence)]
        decades = [match.span() for match in _DECADE.finditer(sentence)]
        return joined(sentence, sorted(dates + decades), FROM_TO)
    if wanted.type is AnswerType.NUMBER:
        numbers = quantities(sentence, mentions(sentence), language)
        return amounts(sentence, numbers, wanted.kinds)
    return names(sentence)


def amounts(text: str, found: Sequence[Quantity], kinds: Set[Kind]) -> Iterator[Span]:
    """The quantities of these kinds, and whole ranges that hold one: "12 to 15 million euros"."""
    for whole in joined(text, [(each.start, each.end) for each in found], TO):
        if any(each.kind in kinds and whole.overlaps(each) for each in found):
            yield whole


def _words(text: str) -> frozenset[str]:
    """The words of a text, case and accents aside."""
    return frozenset(WORD.findall(folded(text)))


def joined(text: str, spans: Sequence[tuple[int, int]], between: re.Pattern[str]) -> Iterator[Span]:
    """The spans; two with only `between` between them ("2014 to 2019") become one.

    So do two after "between" with an "and".
    """
    last: Span | None = None
    for start, end in spans:
        if last and between.fullmatch(text, last.end, start):
            start = last.start  # noqa: PLW2901 (the span grows to the left)
        elif (
            last
            and _AND.fullmatch(text, last.end, start)
            and (opening := _BETWEEN.search(text, 0, last.start))
        ):
            start = opening.start()  # noqa: PLW2901
        elif last:
            yield last
        last = Span(start, end)
    if last:
        yield last


def names(text: str) -> Iterator[Span]:
    """Runs of capitalised words, without those that are capitalised only to begin a sentence."""
    for match in _NAME.finditer(text):
        start, end = match.span()
        words = list(re.finditer(r"\S+", match[0]))
        while words and words[0][0].lower().replace("’", "'") in LEXICON.no_name:
            words.pop(0)
        if not words or (len(words) == 1 and _NO_NAME.fullmatch(words[0][0])):
            continue
        possessive = re.search(r"[’']s?$", text[start:end])
        yield Span(start + words[0].start(), end - len(possessive[0]) if possessive else end)
