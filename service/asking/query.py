"""Reads a question: exact phrases, and the publishers, authors and dates that it names."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from sourcebook.index.errors import InputError
from sourcebook.service.language.quotations import quoted

MAX_QUESTION = 2_000  # characters

_WORD = re.compile(r"\w+")
_YEAR = r"((?:19|20)\d\d(?:-\d\d){0,2})"
_SINCE = re.compile(rf"\b(?:since|after|desde|from)\s+{_YEAR}", re.IGNORECASE)
_UNTIL = re.compile(rf"\b(?:until|before|up to|hasta|antes de)\s+{_YEAR}", re.IGNORECASE)
_BETWEEN = re.compile(rf"\b(?:between|entre)\s+{_YEAR}\s+(?:and|y)\s+{_YEAR}", re.IGNORECASE)

# A name in a question may be misspelt by a letter or two: by so many at most, and so few of all.
MOST_LETTERS, SAME_NAME = 2, 0.9
RATIO = Indel.normalized_similarity

Key = Callable[[str], list[str]]  # the words of a name that count


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The plan made from a question.

    `phrases` stood in quotation marks. `publishers` and `authors` are names that the library
    holds and the question mentions; they and the dates raise matching articles, and never hide
    others: only the caller's filter does.
    """

    text: str
    phrases: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    published_from: str | None = None
    published_to: str | None = None


def plan(question: str, publishers: Iterable[str] = (), authors: Iterable[str] = ()) -> Query:
    """Read a question against the names that the library holds.

    Raises `InputError` for a question without a word or of more than 2,000 characters.
    """
    text = " ".join(question.split())
    words = _WORD.findall(text.casefold())
    if not words:
        raise InputError(
            f"The question is {question[:40]!r}; expected at least one word.",
            cure="Ask in a sentence or a few keywords.",
        )
    if len(text) > MAX_QUESTION:
        raise InputError(
            f"The question has {len(text):,} characters; at most {MAX_QUESTION:,} are read.",
            cure="Ask in a sentence or two; to check a long text, verify it instead.",
        )
    since, until = _dates(text)
    return Query(
        text=text,
        phrases=quoted(text),
        publishers=_mentioned(words, tuple(publishers), _publisher_key),
        authors=_mentioned(words, tuple(authors), _words),
        published_from=since,
        published_to=until,
    )


def _dates(text: str) -> tuple[str | None, str | None]:
    if between := _BETWEEN.search(text):
        return between[1], between[2]
    since, until = _SINCE.search(text), _UNTIL.search(text)
    return since and since[1], until and until[1]


def _publisher_key(name: str) -> list[str]:
    """The words that name a publisher; an address counts as its domain without the ending."""
    words = _words(re.sub(r"^www\.|\.\w{2,6}$", "", name.casefold()))
    return words[1:] if words[:1] == ["the"] and len(words) > 2 else words


def _words(name: str) -> list[str]:
    return _WORD.findall(name.casefold())


@lru_cache(maxsize=4)
def _by_size(names: tuple[str, ...], key: Key) -> dict[int, tuple[list[str], list[str]]]:
    """Names and their words run together, by how many words they have.

    Kept, because all questions to a library ask for the same ones.
    """
    found: dict[int, tuple[list[str], list[str]]] = {}
    for name in names:
        if words := key(name):
            group = found.setdefault(len(words), ([], []))
            group[0].append(name)
            group[1].append("".join(words))
    return found


def _mentioned(words: Sequence[str], names: tuple[str, ...], key: Key) -> tuple[str, ...]:
    """The names that occur among the words, run together or apart, but for a letter or two."""
    found = set()
    for size, (group, wanted) in _by_size(names, key).items():
        windows = [
            "".join(words[start : start + width])
            for width in {1, size, size + 1}
            for start in range(len(words) - width + 1)
        ]
        alike = cdist(windows, wanted, scorer=RATIO, score_cutoff=SAME_NAME)
        lengths = np.subtract.outer([len(w) for w in windows], [len(w) for w in wanted])
        close = (alike >= SAME_NAME) & (abs(lengths) <= MOST_LETTERS)
        found |= {group[number] for number in np.flatnonzero(close.any(axis=0))}
    return tuple(name for name in names if name in found)
