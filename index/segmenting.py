"""Where sentences begin in a text: by yasbd's rules, and by a few that these lack."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from yasbd.rules import get_supported_langs, load_rule
from yasbd.rules.base import Rules
from yasbd.rules.en import EnRules

from sourcebook.index.words import STOP_WORDS

# yasbd reads so many characters at a time: its time grows with the square of a run of full stops.
WINDOW = 2_000

# What cuts a language that yasbd has no rules for.
FALLBACK = "en"

_CAPITAL = r"[A-ZÀ-ÖØ-Þ]"
_OPENING = rf"(?=[\d“‘«\"¿¡(]|{_CAPITAL})"
# A stop between a long word in lower case and a word with a capital ends a sentence in any
# language, unless the word is an abbreviation or a list is at hand.
_PLAIN = re.compile(rf"(?<!\S)([^\W\d_]{{5,}})[.?!] +(?={_CAPITAL}[^\W\d_]* )")
_LISTED = re.compile(r"(?<!\S)(?:[-*+•◦]|(?:\d{1,2}|[^\W\d_])[.)]+)\s")
# What may end a sentence: ASCII stops do not within a word, unless its letters have no case.
_STOP = re.compile(r"[.?!](?![A-Za-z0-9])|(?<=[^\x00-\u024f])[.?!]|[։؟۔߹।॥။።፧᙮᠃᠉‼⁈⁉。꓿꧉！．？｡]")
_LAST = '.?!”"’»)] '

# "... he said.” The ..." and "... was found.[3] The ...": marks behind the stop end it, too.
_CLOSED = re.compile(rf"[.!?…](?:[”\"’»]|\[\d{{1,3}}\])+ +{_OPENING}")
# "(Refunds are not possible.) Ask ...": a bracket around a sentence; "(in Oct.)" is none.
_BRACKETED = re.compile(rf"\((?:(?<=^\()|(?<=[.!?…”\"»)] \())[^()]{{1,500}}[.!?…]\) +{_OPENING}")
# "her essay “Who Pays? The Price of Water” won the prize": a title among the words of a clause.
_TITLE = re.compile(r"[“\"«](?<=\w .)[^“”\"«»]{1,100}[^“”\"«»,.;][”\"»](?= [a-zà-ÿ])")


class _English(EnRules):
    """yasbd's English, with more words that begin a sentence after "Inc.", and "Subpara. 1"."""

    COMMON_SENT_STARTERS = EnRules.COMMON_SENT_STARTERS | {word.capitalize() for word in STOP_WORDS}
    REFERENCE_ABBRVS = EnRules.REFERENCE_ABBRVS | {
        f"sub{each}" for each in EnRules.REFERENCE_ABBRVS
    }


# "Ft. Worth", "Bldg. Nine": a capitalised word without a vowel is short for another.
_SHORTENED = re.compile(
    r"\b[B-DF-HJ-NP-TV-XZ][b-df-hj-np-tv-xz]{1,4}\. +"
    rf"(?={_CAPITAL}[^\W\d_])(?!(?:{'|'.join(sorted(_English.COMMON_SENT_STARTERS))})\b)"
)


@dataclass(frozen=True, slots=True)
class Language:
    """yasbd's rules of one language, and all words that they take for abbreviations."""

    rules: Rules
    abbreviations: frozenset[str]


def sentence_starts(text: str, language: str) -> list[int]:
    """Where a sentence begins after another one, in order; white space may stand before its words.

    `language` is a two-letter code. A line break is a space: it may stand anywhere.
    """
    even = re.sub(r"\s", " ", text)
    known = of_language(language)
    found: set[int] = set()
    for start, end in parts(even, known):
        found.add(start)
        if _STOP.search(even[start:end].rstrip(_LAST)):
            found.update(by_rules(even, start, end, known))
    for more in (_CLOSED, _BRACKETED):
        found.update(match.end() for match in more.finditer(even))
    for fewer in (_TITLE, _SHORTENED):
        for match in fewer.finditer(even):
            found.difference_update(range(match.start() + 1, match.end() + 1))
    return sorted(found - {0})


def parts(text: str, language: Language) -> Iterator[tuple[int, int]]:
    """The text in parts, cut where a sentence ends beyond doubt."""
    cuts = [0]
    if not _LISTED.search(text):
        for match in _PLAIN.finditer(text):
            word = match[1]
            if word.islower() and word not in language.abbreviations:
                cuts.append(match.end())
    return itertools.pairwise([*cuts, len(text)])


def by_rules(text: str, start: int, end: int, language: Language) -> Iterator[int]:
    """Where a sentence begins after another one in `[start, end)`, as yasbd sees it."""
    while start < end:
        stop = min(start + WINDOW, end)
        ends = [start + each for each in language.rules.apply(text[start:stop], False)]
        inside = [each for each in ends if start < each < stop]
        yield from inside
        # The last sentence of a window is read again with what follows it, unless it is so long
        # that this would take forever.
        again = inside[-1] if inside and stop < end else stop
        start = again if again > start + WINDOW // 2 else stop


def of_language(code: str) -> Language:
    """The rules of the language with this two-letter code, or else those of English."""
    return _loaded(code if code in get_supported_langs() and code != "auto" else FALLBACK)


@cache
def _loaded(code: str) -> Language:
    rules = load_rule(code, ext_registry={"en": (__name__, _English)})
    names = [name for name in dir(rules) if name.endswith("ABBRVS")]
    return Language(rules, frozenset().union(*(getattr(rules, name) for name in names)))
