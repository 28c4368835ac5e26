"""Checks whether quotes are in the library: exactly, up to typography, or not at all."""

import itertools
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sourcebook.index.article import Article
from sourcebook.index.errors import InputError, TooLargeError
from sourcebook.index.library import Library
from sourcebook.service.language.quotations import MAX_DRAFT

NEAR_ARTICLES = 20
# A word may occur in thousands of places; more than the first few help nobody.
MAX_LOCATIONS = 50
# The start of a long quote is enough to find its article.
LOOKED_UP = 1_000  # characters

_FOLD = str.maketrans("‘’‚‛′`´“”„‟″«»‐‑‒–—―−", "'''''''\"\"\"\"\"\"\"-------")


class Match(StrEnum):
    """Whether a quote is in the library."""

    EXACT = "exact"
    NORMALISED = "normalised"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a quote was found: `text` equals `article.text[start:end]`."""

    article_id: str
    title: str
    start: int
    end: int
    text: str
    text_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A quote, whether it was found, and where (the first 50 places)."""

    quote: str
    match: Match
    locations: tuple[Location, ...]


def verify(library: Library, quotes: Iterable[str], article_id: str | None = None) -> list[Verdict]:
    """Check each quote against one article, or against all.

    *Exact* means equal in every code point. *Normalised* means that only case, white space or the
    style of quotation marks and dashes differ.
    """
    return [_verdict(library, quote, article_id) for quote in quotes]


def _verdict(library: Library, quote: str, article_id: str | None) -> Verdict:
    if not quote.strip():
        raise InputError("A quote is empty; expected at least one word.")
    if len(quote) > MAX_DRAFT:
        raise TooLargeError(
            f"A quote has {len(quote):,} characters; the limit is {MAX_DRAFT:,}.",
            cure="Check it in parts.",
        )
    exact = (
        _location(article, at, at + len(quote))
        for article in _articles(library, library.holding(quote), article_id)
        for at in _occurrences(article.text, quote)
    )
    if found := tuple(itertools.islice(exact, MAX_LOCATIONS)):
        return Verdict(quote=quote, match=Match.EXACT, locations=found)
    with library.view() as view:
        near = view.nearest_articles(quote[:LOOKED_UP], NEAR_ARTICLES)
    wanted = normalise(quote)[0].strip()
    normalised = (
        _location(article, origin[at], origin[at + len(wanted) - 1] + 1)
        for article in _articles(library, near, article_id)
        for text, origin in [normalise(article.text)]
        for at in _occurrences(text, wanted)
    )
    found = tuple(itertools.islice(normalised, MAX_LOCATIONS))
    match = Match.NORMALISED if found else Match.NOT_FOUND
    return Verdict(quote=quote, match=match, locations=found)


def _articles(library: Library, ids: Iterable[str], only: str | None) -> Iterator[Article]:
    """The articles to search: those that may contain the quote, or the requested one."""
    if only is not None:
        yield library.article(only)
        return
    for wanted in ids:
        with library.view() as view:
            found = view.articles([wanted])  # it may have been removed meanwhile
        yield from found.values()


def _location(article: Article, start: int, end: int) -> Location:
    return Location(
        article_id=article.id,
        title=article.metadata.title,
        start=start,
        end=end,
        text=article.text[start:end],
        text_sha256=article.sha256,
    )


def _occurrences(text: str, part: str) -> Iterable[int]:
    at = text.find(part) if part else -1
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def normalise(text: str) -> tuple[str, list[int]]:
    """Make case, quotation marks, dashes and white space uniform.

    The list gives the position in `text` of each character of the result.
    """
    characters: list[str] = []
    origin: list[int] = []
    for position, character in enumerate(text):
        # Ours first: NFKC turns an acute accent into a space with a mark, and ″ into two primes.
        folded = unicodedata.normalize("NFKC", character.translate(_FOLD)).casefold()
        if folded.isspace() or not folded:
            folded = " "
        for part in folded:
            if part == " " and characters and characters[-1] == " ":
                continue
            characters.append(part)
            origin.append(position)
    return "".join(characters), origin
