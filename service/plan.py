"""Reads a question: exact phrases, and the publishers, authors and dates that it names."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from index.errors import InputError

MAX_QUESTION = 2_000  # characters

_QUOTED = re.compile(r"“([^“”]+)”|\"([^\"]+)\"|«([^«»]+)»|(?<!\w)'([^']+)'(?!\w)|‘([^‘’]+)’")
_WORD = re.compile(r"\w+")
_YEAR = r"((?:19|20)\d\d(?:-\d\d){0,2})"
_SINCE = re.compile(rf"\b(?:since|after|desde|from)\s+{_YEAR}", re.IGNORECASE)
_UNTIL = re.compile(rf"\b(?:until|before|up to|hasta|antes de)\s+{_YEAR}", re.IGNORECASE)
_BETWEEN = re.compile(rf"\b(?:between|entre)\s+{_YEAR}\s+(?:and|y)\s+{_YEAR}", re.IGNORECASE)

# A name in a question may be misspelt by a letter or two; ratio of difflib's matching blocks.
SAME_NAME = 0.9


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
        phrases=tuple(" ".join(filter(None, match)) for match in _QUOTED.findall(text)),
        publishers=tuple(name for name in publishers if _mentions(words, _publisher_key(name))),
        authors=tuple(name for name in authors if _mentions(words, _words(name))),
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


def _mentions(words: Sequence[str], name: Sequence[str]) -> bool:
    """Whether the name occurs among the words, run together or apart, but for a letter or two."""
    wanted = "".join(name)
    if not wanted:
        return False
    if len(wanted) < 4:
        return any(list(name) == list(words[i : i + len(name)]) for i in range(len(words)))
    windows = (
        "".join(words[start : start + size])
        for size in {1, len(name), len(name) + 1}
        for start in range(len(words) - size + 1)
    )
    return any(
        abs(len(window) - len(wanted)) <= 2
        and SequenceMatcher(None, window, wanted).ratio() >= SAME_NAME
        for window in windows
    )
