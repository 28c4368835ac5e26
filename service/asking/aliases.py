"""Aliases: the ways in which a question may give the name of a publisher, an author or a host."""

import re
from collections.abc import Iterator
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from sourcebook.index.search.view import Names
from sourcebook.index.words import WORD
from sourcebook.service.language.words import folded

SHORTEST_ACRONYM = 3  # letters; "US" is a country more often than a publisher
SHORTEST_PART = 4  # letters of an address after "the"

ARTICLES = frozenset(("the", "el", "la", "los", "las", "le", "les", "der", "die", "das"))
# Publishers are named with or without these last words.
ENDINGS = frozenset(("news", "magazine", "online"))
_SECOND_LEVEL = frozenset(("co", "com", "org", "gov", "ac", "net", "edu", "gob"))


class Form(Enum):
    """How much of a name an alias is: all of it, a part, or its first letters."""

    WHOLE = auto()
    PART = auto()
    LETTERS = auto()


class Alias(NamedTuple):
    """A way to give a name, of so many `words`; `kind` is the field of `Names` that holds it."""

    name: str
    kind: str
    form: Form
    words: int


@lru_cache(maxsize=4)
def by_size(names: Names) -> dict[int, tuple[list[Alias], list[str]]]:
    """Aliases and their words run together, by how many words they have.

    Kept, because all questions to a library ask for the same ones.
    """
    found: dict[int, tuple[list[Alias], list[str]]] = {}
    for kind in Names._fields:
        for name in getattr(names, kind):
            for form, words in _aliases(name, kind):
                if words and "".join(words):
                    group = found.setdefault(len(words), ([], []))
                    group[0].append(Alias(name, kind, form, len(words)))
                    group[1].append("".join(words))
    return found


def _aliases(name: str, kind: str) -> Iterator[tuple[Form, list[str]]]:
    """The words that a name may be given by."""
    if kind == "authors":
        words = _words(name)
        yield Form.WHOLE, words
        # Of "Lucía González Camelo" the surname may be one word or two.
        for surname in (words[-1:], words[-2:] if len(words) > 2 else []):
            if len(words) > 1 and len("".join(surname)) >= SHORTEST_ACRONYM:
                yield Form.PART, surname
        return
    if kind == "hosts" or "." in name.strip("."):
        name = _domain(name)
    spelt, _, letters = name.partition("(")
    words = _words(spelt) or _words(name)
    yield Form.WHOLE, words
    yield from ((Form.PART, part) for part in _parts(words))
    if letters and letters.rstrip(") ").isupper():
        yield Form.LETTERS, _words(letters)
    initials = "".join(word[0] for word in re.findall(r"\w+", spelt) if word[0].isupper())
    for each in {initials, initials.removeprefix("T") if words[:1] == ["the"] else initials}:
        if len(each) >= SHORTEST_ACRONYM:
            yield Form.LETTERS, [folded(each)]


def _parts(words: list[str]) -> Iterator[list[str]]:
    """A publisher's name without its article, without "News", or without both."""
    if len(words) < 2:  # "thehill" of an address
        short = "".join(words).removeprefix("the")
        if [short] != words and len(short) >= SHORTEST_PART:
            yield [short]
        return
    first = words[1:] if words[0] in ARTICLES else words
    last = first[:-1] if len(first) > 1 and first[-1] in ENDINGS else first
    yield from (part for part in {tuple(first): first, tuple(last): last}.values() if part != words)


def _domain(address: str) -> str:
    """The name in an address: "insightcrime" of "www.insightcrime.org"."""
    labels = address.casefold().strip(". ").split(".")
    if " " in address or len(labels) < 2:
        return address
    labels = labels[:-1]
    if len(labels) > 1 and labels[-1] in _SECOND_LEVEL:
        labels = labels[:-1]
    return labels[-1]


def _words(name: str) -> list[str]:
    return WORD.findall(folded(name))
