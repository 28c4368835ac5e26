"""Checks whether quotes are in the library: exactly, up to typography, or not at all."""

import itertools
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.article import Article
from sourcebook.index.errors import InputError, TooLargeError
from sourcebook.index.library import Library
from sourcebook.service.asking.citation import Context, contexts
from sourcebook.service.asking.needed import needed_in
from sourcebook.service.language.quotations import MAX_DRAFT
from sourcebook.service.patience import go_on

NEAR_ARTICLES = 20
# A word may occur in thousands of places; more than the first few help nobody.
MAX_LOCATIONS = 50
# The start of a long quote is enough to find its article.
LOOKED_UP = 1_000  # characters
# Articles that are kept normalised for the next quote, together; about 30 MB.
KEPT_CHARACTERS = 4_000_000

Origins = NDArray[np.int32]

_FOLD = str.maketrans("‘’‚‛′`´“”„‟″«»‐‑‒–—―−", "'''''''\"\"\"\"\"\"\"-------")


class Match(StrEnum):
    """Whether a quote is in the library."""

    EXACT = "exact"
    NORMALISED = "normalised"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a quote was found: `text` equals `article.text[start:end]`.

    `context` is what the quote is not understood without at this place.
    """

    article_id: str
    title: str
    start: int
    end: int
    text: str
    text_sha256: str
    context: tuple[Context, ...]


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
    texts = _Texts(library, article_id)
    verdicts: dict[str, Verdict] = {}
    wanted = list(quotes)
    for quote in dict.fromkeys(wanted):
        go_on()
        verdicts[quote] = _verdict(texts, quote)
    return [verdicts[quote] for quote in wanted]


def _verdict(texts: "_Texts", quote: str) -> Verdict:
    if not quote.strip():
        raise InputError("A quote is empty; expected at least one word.")
    if len(quote) > MAX_DRAFT:
        raise TooLargeError(
            f"A quote has {len(quote):,} characters; the limit is {MAX_DRAFT:,}.",
            cure="Check it in parts.",
        )
    start = quote[:LOOKED_UP]
    exact = (
        _location(article, at, at + len(quote))
        for article in texts.of(texts.library.holding(start))
        for at in _occurrences(article.text, quote)
    )
    if found := tuple(itertools.islice(exact, MAX_LOCATIONS)):
        return Verdict(quote=quote, match=Match.EXACT, locations=found)
    with texts.library.view() as view:
        near = view.nearest_articles(start, NEAR_ARTICLES)
    wanted = normalise(quote)[0].strip()
    normalised = (
        _location(article, int(origin[at]), int(origin[at + len(wanted) - 1]) + 1)
        for article in texts.of(near)
        for text, origin in [texts.normalised(article)]
        for at in _occurrences(text, wanted)
    )
    found = tuple(itertools.islice(normalised, MAX_LOCATIONS))
    match = Match.NORMALISED if found else Match.NOT_FOUND
    return Verdict(quote=quote, match=match, locations=found)


class _Texts:
    """The articles that quotes are looked for in: those that may hold them, or `only` one.

    Those of one request are normalised once, however many quotes it has.
    """

    def __init__(self, library: Library, only: str | None) -> None:
        self.library = library
        self._only = only
        self._normalised: dict[str, tuple[str, Origins]] = {}

    def of(self, ids: Iterable[str]) -> Iterator[Article]:
        """The articles with these ids, or the only one that is searched."""
        if self._only is not None:
            yield self.library.article(self._only)
            return
        for wanted in ids:
            with self.library.view() as view:
                found = view.articles([wanted])  # it may have been removed meanwhile
            yield from found.values()

    def normalised(self, article: Article) -> tuple[str, "Origins"]:
        """The article's text as `normalise` returns it."""
        key = article.sha256
        if key not in self._normalised:
            self._normalised[key] = normalise(article.text)
            kept = sum(len(text) for text, _ in self._normalised.values())
            while kept > KEPT_CHARACTERS and len(self._normalised) > 1:
                kept -= len(self._normalised.pop(next(iter(self._normalised)))[0])
        return self._normalised[key]


def _location(article: Article, start: int, end: int) -> Location:
    return Location(
        article_id=article.id,
        title=article.metadata.title,
        start=start,
        end=end,
        text=article.text[start:end],
        text_sha256=article.sha256,
        context=contexts(article, needed_in(article, start, end)),
    )


def _occurrences(text: str, part: str) -> Iterable[int]:
    at = text.find(part) if part else -1
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def normalise(text: str) -> tuple[str, Origins]:
    """Make case, quotation marks, dashes and white space uniform.

    The array gives the position in `text` of each character of the result.
    """
    folds = {ord(character): _folded(character) for character in set(text)}
    codes = _codes(text)
    known, of = np.unique(codes, return_inverse=True)
    lengths = np.array([len(folds[code]) for code in known.tolist()], np.int32)[of]
    origins = np.repeat(np.arange(len(text), dtype=np.int32), lengths)
    folded = _codes(text.translate(folds))
    spaces = folded == ord(" ")
    kept = np.ones(len(spaces), bool)
    kept[1:] = ~(spaces[1:] & spaces[:-1])
    result = folded[kept]
    return result.tobytes().decode("utf-32-le", "surrogatepass"), origins[kept]


def _folded(character: str) -> str:
    # Ours first: NFKC turns an acute accent into a space with a mark, and ″ into two primes.
    folded = unicodedata.normalize("NFKC", character.translate(_FOLD)).casefold()
    return " " if folded.isspace() or not folded else folded


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
