"""What the rules need to know of a language: its words for functions, numbers, units and times."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TypeVar

from sourcebook.index.words import listed

Value = TypeVar("Value")


class Kind(StrEnum):
    """What a quantity measures; quantities of different kinds cannot be compared."""

    COUNT = "count"
    SHARE = "share"
    MONEY = "money"
    AREA = "area"
    MASS = "mass"
    LENGTH = "length"
    TIME = "time"
    AGE = "age"
    TIMES = "times"


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit measures, and how many base units it is.

    The base units are percent, hectares, tonnes, kilometres, years, and any currency.
    """

    kind: Kind
    size: float


@dataclass(frozen=True, slots=True)
class Slack:
    """How far the truth may lie below and above a number, as shares of the number."""

    below: float
    above: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """The words of one language, or of several together, that the rules refer to.

    All are in lower case, with their accents unless a field says otherwise. Some are phrases.
    """

    # Words that say little by themselves: each set says how it differs from another.
    function_words: frozenset[str]  # grammar: articles, prepositions, pronouns, auxiliaries
    no_name: frozenset[str]  # they have a capital where a sentence begins, and name nothing
    never_counted: frozenset[str]  # they are not part of what a number counts
    openers: frozenset[str]  # no names where they open a sentence of a writer's draft

    referring: frozenset[str]  # where they open a sentence, the one before says what they mean
    negations: frozenset[str]  # folded: without accents
    subordinators: frozenset[str]  # conjunctions after which a pronoun may refer to a noun before
    requests: frozenset[str]  # verbs that begin a request ("Explain ...")
    pleasantries: frozenset[str]  # what people say beside their questions

    correcting: frozenset[str]  # how a notice of what was corrected in an article begins
    attributing: frozenset[str]  # before the source of what is asked for
    reporting: frozenset[str]  # verbs of a source that a question asks ("does X say")
    auxiliaries: frozenset[str]  # before that source ("does X say")
    published: frozenset[str]  # before where or when something was published
    publications: frozenset[str]  # what a source publishes, and who writes it
    speakers: frozenset[str]  # between what attributes and a name: "the author"

    who: frozenset[str]  # question words
    when: frozenset[str]
    where: frozenset[str]
    clause_openers: frozenset[str]  # a question word after one of these still asks
    places: frozenset[str]  # nouns for kinds of places

    since: frozenset[str]  # before the first date of a period
    after: frozenset[str]  # before a date that ends before the period begins
    until: frozenset[str]  # before the last date of a period
    before: frozenset[str]  # before a date that the period ends before
    between: frozenset[str]  # before two dates
    changing: Mapping[str, str]  # before a difference, and before what it leads to: each the other
    conjoined: frozenset[str]  # between the two dates
    within: frozenset[str]  # before a date that is the period
    dating: frozenset[str]  # before any year

    numbers: Mapping[str, float]
    scales: Mapping[str, float]  # they multiply the number before them
    fractions: Mapping[str, float]  # in percent
    unchecked_numbers: frozenset[str]  # of `numbers`; not compared with a writer's evidence
    amounts: Mapping[str, str]  # other words of amount, each with the form that stands for it
    units: Mapping[str, Unit]
    hedges: Mapping[str, Slack]  # before a number: "about", "more than"
    people: frozenset[str]  # plurals without an s

    def __or__(self, other: "Lexicon") -> "Lexicon":
        """The words of both languages; the other's meaning counts where both have a word."""
        return Lexicon(
            **{each.name: getattr(self, each.name) | getattr(other, each.name) for each in _FIELDS}
        )


_FIELDS = fields(Lexicon)


def words(text: str) -> frozenset[str]:
    """The words of `text`. Raises `ValueError` for one that stands there twice."""
    return frozenset(listed(text))


def phrases(text: str) -> frozenset[str]:
    """What the bars in `text` separate: words and phrases."""
    return frozenset(text.split("|"))


def derived(
    base: frozenset[str], *, less: str = "", only: str = "", more: str = ""
) -> frozenset[str]:
    """A set by its differences from `base`: without the words of `less`, or only those of `only`.

    `more` are words to add. Raises `ValueError` for a difference that is none: a word to leave out
    or to keep that is not in the base, or one to add that is.
    """
    taken, kept, added = words(less), words(only), words(more)
    if wrong := ((taken | kept) - base) | (added & (base - taken)):
        raise ValueError(f"no differences from the base: {sorted(wrong)}")
    return (kept or base - taken) | added


def counting(text: str, first: float = 0, step: float = 1) -> dict[str, float]:
    """The numbers that the words of `text` count: from `first` on, `step` by `step`."""
    return {word: first + step * place for place, word in enumerate(text.split())}


def valued(text: str, value: Value) -> dict[str, Value]:
    """Each word or phrase of `text`, which bars separate, with the same value."""
    return dict.fromkeys(text.split("|"), value)


def either(alternatives: Iterable[str]) -> str:
    """The pattern of any of these words and phrases, the longest first."""
    ordered = sorted(alternatives, key=lambda each: (-len(each), each))
    return "|".join(map(re.escape, ordered))
