"""The expected answer type: what kind of words would answer a question, and where they stand."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from sourcebook.index.dates import mentions
from sourcebook.index.passages import Span
from sourcebook.service.language.quantities import MEASURES, Kind, figures
from sourcebook.service.language.words import folded


class AnswerType(StrEnum):
    """What a question asks for, where a few words can answer it."""

    NAME = "name"
    PLACE = "place"
    DATE = "date"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Expected:
    """A type of answer; of a number, also the kinds that it may be of.

    `counted` is where the question says what is counted: "soldiers" of "how many soldiers".
    `known` are the question's own words, which answer nothing.
    """

    type: AnswerType
    kinds: frozenset[Kind] = frozenset()
    counted: tuple[int, int] | None = None
    known: frozenset[str] = frozenset()


_ROLES = (
    "agent|ambassador|author|candidate|chief|director|executive|expert|founder|general|governor|"
    "journalist|judge|king|lawyer|leader|mayor|member|minist?er|offic\\w+|person|player|"
    "politician|president|professor|queen|researcher|scientist|secretary|senator|spokes\\w+|writer"
)
_PLACES = "city|country|state|region|department|province|town|place|continent|ciudad|país|región"
# A question word begins a clause, or follows a preposition that does: "the day when" asks nothing.
_BEGINS = (
    r"(?:^|[.,;:!?¿(—]\s*|\b(?:and|y|in|on|at|by|to|for|from|since|until|after|before|of|during|de|"
    r"en|desde|hasta|a|con|por)\s+)"
)
_ANY_AMOUNT = frozenset(Kind) - {Kind.TIME, Kind.AGE, Kind.COUNT}
# The first that matches decides; Spanish beside English.
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
            r"\bhow many (?:more |other |total |different )?(?P<english>[\w-]+)|"
            r"\bnumber of (?P<noun>[\w-]+)|\bcuánt[oa]s (?P<spanish>\w+)",
        ),
        (
            AnswerType.NUMBER,
            _ANY_AMOUNT,
            r"\bhow (?:much|large|big|far|high|tall|deep)\b|\bcuánt[oa]\b",
        ),
        (
            AnswerType.DATE,
            (),
            rf"{_BEGINS}(?:when|cuándo)\b|\b(?:what|which) (?:year|date|day|month|decade)s?\b"
            r"|\b(?:qué|cuál) (?:año|fecha|día|mes)\b|\bdate$",
        ),
        (
            AnswerType.NAME,
            (),
            rf"{_BEGINS}(?:who|whom|whose|quién|quiénes)\b|"
            rf"\b(?:wh?ich|what) (?:(?!did|do|does|is|was|were)[\w-]+ ){{0,3}}(?:{_ROLES})\b|"
            r"\bname of\b",
        ),
        (
            AnswerType.PLACE,
            (),
            rf"{_BEGINS}(?:where|dónde)\b|\b(?:which|what|qué) (?:\w+ )?(?:{_PLACES})\b",
        ),
    )
)

_WORD = re.compile(r"\w+")
_TO = re.compile(r" (?:to|through|a|hasta) |\s?[-–—]\s?")
_FROM_TO = re.compile(rf"{_TO.pattern}| (?:and|until|y)(?: in)? ")
_DECADE = re.compile(r"\b(?:(?:early|mid|late)[ \-–])?(?:1\d|20)\d0s\b")
_CAPITAL = r"[A-ZÁÉÍÓÚÑÜÖÄÅÇØ](?:\.(?:[A-Z]\.)*|[\w’'&-]*)"
_LINK = r"(?: (?:de|del|la|las|los|y|the|of|von|van|der|den|bin|al|da|dos))*"
_NAME = re.compile(rf"(?<!\w){_CAPITAL}(?:{_LINK} {_CAPITAL})*")
# Words with a capital that begin a sentence and name nothing.
_USUAL = frozenset(
    re.findall(
        r"\S+",
        """
    a after again all although among an and another any are as at because before both but by
    despite did do does during each even every few finally first following for former from had
    has have he her here his how however i i'm if in indeed instead is it it's its just last
    later let like many maybe meanwhile more most much my near new no nor not nothing now of on
    once one only or other others our over perhaps regardless she similarly since so some still
    such than that the their then there these they they're this those though through thus to
    today two under unlike until was we were what when where whether which while who why will
    with without world yes yet you you're your several illegal january february march april may
    june july august september october november december monday tuesday wednesday thursday
    friday saturday sunday el la los las un una en y de por para con su sus se lo al como cuando
    pero según due around recent women men nobody everybody
    somebody everyone someone everything
    """,
    )
)
# Single words that are no name: demonyms, abbreviations, and nouns that begin a sentence.
_NO_NAME = re.compile(
    r"[A-Z]\w+(?:[aei]an|ese|ish|ing|tion|ment|ness|ity|ism|ance|ence)s?|[A-Z.]{2,}"
)


@lru_cache(maxsize=256)
def expected(question: str) -> Expected | None:
    """What kind of words the question asks for; None for one that needs a sentence."""
    for asked, pattern in _ASKED:
        if match := pattern.search(question):
            wanted = replace(asked, known=_words(question))
            for name, word in match.groupdict().items():
                if word:
                    measured = MEASURES.get(word.lower())
                    kinds = frozenset({measured[0]}) if measured else wanted.kinds
                    return replace(wanted, kinds=kinds, counted=match.span(name))
            return wanted
    return None


def fitting(sentence: str, wanted: Expected) -> list[Span]:
    """The words of a sentence that are of the wanted type, in their order.

    What the question says itself is left out, and with it "more than 5" where it says 5.
    """

    def new(found: Span) -> bool:
        words = _words(sentence[found.start : found.end])
        return not ({word for word in words if word.isdigit()} or words) <= wanted.known

    return [found for found in _typed(sentence, wanted) if new(found)]


def _typed(sentence: str, wanted: Expected) -> Iterator[Span]:
    if wanted.type is AnswerType.DATE:
        dates = [(date.start, date.end) for date in mentions(sentence)]
        decades = [match.span() for match in _DECADE.finditer(sentence)]
        return _joined(sentence, sorted(dates + decades), _FROM_TO)
    if wanted.type is AnswerType.NUMBER:
        found = figures(sentence, mentions(sentence))
        spans = [(figure.start, figure.end) for figure in found if figure.kind in wanted.kinds]
        return _joined(sentence, spans, _TO)
    return _names(sentence)


def _words(text: str) -> frozenset[str]:
    """The words of a text, case and accents aside."""
    return frozenset(_WORD.findall(folded(text)))


def _joined(
    text: str, spans: Sequence[tuple[int, int]], between: re.Pattern[str]
) -> Iterator[Span]:
    """The spans, where two with nothing but `between` them ("2014 to 2019") become one."""
    last: Span | None = None
    for start, end in spans:
        if last and between.fullmatch(text, last.end, start):
            start = last.start  # noqa: PLW2901 (the span grows to the left)
        elif last:
            yield last
        last = Span(start, end)
    if last:
        yield last


def _names(text: str) -> Iterator[Span]:
    """Runs of capitalised words, without a usual word that begins the sentence."""
    for match in _NAME.finditer(text):
        start, end = match.span()
        words = list(re.finditer(r"\S+", match[0]))
        while words and words[0][0].lower().replace("’", "'") in _USUAL:
            words.pop(0)
        if not words or (len(words) == 1 and _NO_NAME.fullmatch(words[0][0])):
            continue
        possessive = re.search(r"[’']s?$", text[start:end])
        yield Span(start + words[0].start(), end - len(possessive[0]) if possessive else end)
