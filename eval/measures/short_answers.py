"""Measures of short answers against accepted ones."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

# A word, or a number with its separators: "1,200" and "2.4" are one word each.
_WORDS = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[%$€£]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_INITIALS = re.compile(r"\b([^\W\d_])\.")
_ARTICLES = frozenset(("a", "an", "the", "el", "la", "los", "las", "un", "una", "unos", "unas"))
_SAME = {"%": "percent"}


def short_words(text: str) -> list[str]:
    """The words of a short answer, without what does not matter in one.

    Case, articles and punctuation do not matter; "1,200" is "1200", "%" is "percent", "U.S." is
    "us". An answer of nothing but articles keeps them.
    """
    folded = _THOUSANDS.sub("", unicodedata.normalize("NFKC", text).casefold())
    folded = _INITIALS.sub(r"\1", folded)
    words = [_SAME.get(word, word) for word in _WORDS.findall(folded)]
    return [word for word in words if word not in _ARTICLES] or words


def same_answer(given: str, accepted: Sequence[str]) -> bool:
    """Whether it is one of the accepted answers, word for word."""
    return short_words(given) in [short_words(text) for text in accepted]


def overlap(given: str, accepted: Sequence[str]) -> float:
    """F1 of the words, with the accepted answer that it shares most with (Rajpurkar et al. 2016).

    0 where nothing is accepted.
    """
    return max((_f1(short_words(given), short_words(text)) for text in accepted), default=0.0)


def measure_short(given: str, accepted: Sequence[str]) -> dict[str, float]:
    """`ShortGiven`, `ShortRight` and `ShortF1` of one question; no text if none was given.

    Where nothing is accepted, one that is given is wrong.
    """
    return {
        "ShortGiven": float(bool(given)),
        "ShortRight": float(bool(given) and same_answer(given, accepted)),
        "ShortF1": overlap(given, accepted),
    }


def _f1(one: Sequence[str], other: Sequence[str]) -> float:
    shared = (Counter(one) & Counter(other)).total()
    return 2 * shared / (len(one) + len(other)) if shared else 0.0
