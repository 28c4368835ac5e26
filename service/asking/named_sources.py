"""Named sources: whose articles a question asks for ("according to The Hill", "Isacson says")."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from sourcebook.index.article import Metadata
from sourcebook.index.search.view import Names
from sourcebook.index.storage.records import Filter
from sourcebook.index.words import WORD
from sourcebook.service.asking.aliases import (
    ARTICLES,
    ENDINGS,
    SHORTEST_ACRONYM,
    Alias,
    Form,
    by_size,
)
from sourcebook.service.language.languages import LEXICON
from sourcebook.service.language.lexicon import either
from sourcebook.service.language.words import folded

# A name in a question may be misspelt by a letter or two: by so many at most, and so few of all.
MOST_LETTERS, SAME_NAME = 2, 0.9
RATIO = Indel.normalized_similarity
_LINKS = frozenset(("of", "and", "on", "for", "the", "de", "del", "la", "las", "los", "y", "s"))
_DOMAIN = re.compile(r"(?:\.[a-z]{2,8})+\b", re.IGNORECASE)
_THE = rf"(?:(?i:{either(ARTICLES)})\s+)?"
_SPEAKER = rf"(?:(?i:{either(LEXICON.speakers)})\s+(?:(?i:de|of|from|by|in|en)\s+)?)?"
_ATTRIBUTED = re.compile(
    rf"(?:,\s*)?(?<!\w)(?:(?i:{either(LEXICON.attributing)})\s+{_THE}{_SPEAKER}{_THE}|"
    rf"(?i:{either(LEXICON.publications)}|{either(LEXICON.published)})"
    rf"\s+(?i:in|from|by|of|de|en|por)\s+{_THE}|^(?i:for|para)\s+{_THE})$"
)
_IN = re.compile(rf"(?<!\w)(?i:in|en)\s+{_THE}$")
_ASKED = re.compile(rf"(?<!\w)(?i:{either(LEXICON.auxiliaries)})\s+{_THE}$")
_BARE = re.compile(rf"(?<!\w){_THE}$")
_DICE = re.compile(
    rf"(?<!\w)(?i:qué|cómo)\s+(?P<verb>(?i:{either(LEXICON.reporting)})\s+{_THE}{_SPEAKER}{_THE})$"
)
_REPORTS = re.compile(rf"\s+(?:(?i:also|itself)\s+)?(?i:{either(LEXICON.reporting)})(?!\w)")
_OWN = re.compile(rf"(?:['’]s?)?\s+(?:[\w’'-]+\s+)?(?i:{either(LEXICON.publications)})(?!\w)")
_CLOSING = re.compile(r"(?:['’]s?(?!\w))?,?")
_BESIDE = re.compile(rf"(?:['’]s?)?,?\s*(?i:and|or|y|e|o|u|vs\.?|,)\s+{_THE}")
# What the library does not have is taken for a publication where it is written like one.
_CAPITAL = r"[^\W\d_a-zß-öø-ÿ][\w’'&-]*"
_UNKNOWN = re.compile(
    rf"(?:,\s*)?(?<!\w)(?i:{either(LEXICON.attributing)})\s+"
    rf"(?P<name>(?:The|El|La|Los|Las)(?:\s+{_CAPITAL})+|\w[\w-]*(?:\.[a-z]{{2,8}})+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source that the question names, as it is `written` there at `[start, end)`.

    `publishers`, `authors` and `hosts` are what the library knows it by; none of them, and it has
    no article of it. `asked` where the question wants to know what this source says: the words
    that say so, `[cut_start, cut_end)`, are not matched with passages.
    """

    written: str
    publishers: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    asked: bool = False
    start: int = 0
    end: int = 0
    cut_start: int = 0
    cut_end: int = 0

    @property
    def held(self) -> bool:
        """Whether the library has an article of it."""
        return bool(self.publishers or self.authors or self.hosts)

    @property
    def filters(self) -> list[Filter]:
        """What lets its articles through, by each kind of name."""
        return [
            each
            for each in (
                Filter(publishers=self.publishers),
                Filter(authors=self.authors),
                Filter(hosts=self.hosts),
            )
            if each != Filter()
        ]

    def speaks_in(self, article: Metadata) -> bool:
        """Whether an article is by this source."""
        return (
            article.publisher in self.publishers
            or bool(set(article.authors) & set(self.authors))
            or (bool(self.hosts) and article.host in self.hosts)
        )


class _Window(NamedTuple):
    """Words of the question that are an alias of a name."""

    start: int
    end: int
    alias: Alias
    joined: bool  # several words of the name are written as one


def named_sources(question: str, names: Names) -> list[Source]:
    """The sources that the question names and the library knows, in order.

    A name counts where it is introduced ("according to", "X says", "X's article") and written with
    capitals; a name that no ordinary words are counts without an introduction, too.
    """
    reader = _Reader(question)
    kept: list[list[_Window]] = []
    windows = [window for window in _windows(question, names) if reader.is_name(window)]
    for window in sorted(windows, key=lambda w: (w.start - w.end, w.start)):
        for group in kept:
            if window.start < group[0].end and group[0].start < window.end:
                if reader.same(window, group[0]):
                    group.append(window)
                break
        else:
            kept.append([window])
    found = [reader.source(group) for group in sorted(kept, key=lambda g: g[0].start)]
    # "The VICE and Foreign Policy pieces" are of both.
    for _ in found:
        found = reader.together(found)
    return [source for source in found if source.asked or reader.stands_alone(source, kept)]


def unknown_source(question: str) -> Source | None:
    """A publication that the question attributes something to, by how it is written."""
    match = _UNKNOWN.search(question)
    if not match:
        return None
    start, end = match.span("name")
    return Source(
        written=match["name"],
        asked=True,
        start=start,
        end=end,
        cut_start=match.start(),
        cut_end=_comma(question, end),
    )


def without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text without these spans, with a capital at its beginning, and single spaces."""
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]} {text[end:]}"
    text = re.sub(r" (?=[?.!,;:])", "", " ".join(text.split())).lstrip(",;:. ")
    return re.sub(r"\w", lambda first: first[0].upper(), text, count=1)


@dataclass(frozen=True)
class _Reader:
    """Reads how names stand in one question."""

    question: str

    @cached_property
    def shouted(self) -> bool:
        return self.question.isupper()

    def is_name(self, window: _Window) -> bool:
        """Whether the words are written as a name, rather than as ordinary words."""
        words = WORD.findall(self.question[window.start : window.end])
        alias = window.alias
        if alias.form is Form.LETTERS:
            return words[0].isupper() and not self.shouted
        if all(word.casefold() in LEXICON.no_name for word in words):
            return False  # "November" is an author only by mistake
        if alias.form is Form.WHOLE and (window.joined or self._whole_author(alias)):
            return True
        return self._address(window.end) > window.end or all(
            word[0].isupper() or word[0].isdigit() or (word in _LINKS and number)
            for number, word in enumerate(words)
        )

    def same(self, window: _Window, longer: _Window) -> bool:
        """Whether a window is all of a longer one, but for "The" and "News"."""
        left = self.question[longer.start : window.start] + self.question[window.end : longer.end]
        return (
            longer.start <= window.start < window.end <= longer.end
            and {word.casefold() for word in WORD.findall(left)} <= ARTICLES | ENDINGS
        )

    def source(self, group: Sequence[_Window]) -> Source:
        """The source that these windows, all of the same words, name."""
        start, end = group[0].start, self._address(group[0].end)
        if ending := re.match(rf"\s+(?:{either(ENDINGS)})\b", self.question[end:], re.IGNORECASE):
            end += ending.end() if ending[0].strip()[0].isupper() else 0
        written = self.question[start:end]
        names = {
            kind: tuple(dict.fromkeys(w.alias.name for w in group if w.alias.kind == kind))
            for kind in Names._fields
        }
        cut = self._introduced(group, start, end)
        first, last = cut or (start, end)
        return Source(
            written=written,
            **names,
            asked=cut is not None,
            start=start,
            end=end,
            cut_start=first,
            cut_end=last,
        )

    def together(self, found: Sequence[Source]) -> list[Source]:
        """The sources, of which those beside one that is asked are asked, too."""
        asked = list(found)
        for number, (one, other) in enumerate(pairwise(found)):
            gap = self.question[one.end : other.start]
            if one.asked == other.asked or not _BESIDE.fullmatch(gap):
                continue
            if other.asked:
                bare = _BARE.search(self.question, 0, one.start)
                first = bare.start() if bare else one.start
                asked[number] = replace(
                    one, asked=True, cut_start=first, cut_end=max(one.end, other.cut_start)
                )
            else:
                own = _OWN.match(self.question, other.end)
                asked[number + 1] = replace(
                    other,
                    asked=True,
                    cut_start=one.cut_end,
                    cut_end=own.end() if own else _comma(self.question, other.end),
                )
        return asked

    def stands_alone(self, source: Source, kept: Sequence[Sequence[_Window]]) -> bool:
        """Whether a name counts that nothing introduces, because it can be nothing else."""
        [group] = [each for each in kept if each[0].start == source.start]
        if all(window.alias.form is not Form.WHOLE for window in group):
            return False
        first = source.written.split()[0]
        inside = bool(re.search(r"[\w,;]\s+$", self.question[: source.start]))
        return (
            any(window.joined or self._whole_author(window.alias) for window in group)
            or source.end > group[0].end  # an address
            or (
                (len(source.written) >= SHORTEST_ACRONYM and source.written.isupper())
                and not self.shouted
            )
            or (inside and first.casefold() in ARTICLES and first[0].isupper())
        )

    def _introduced(self, group: Sequence[_Window], start: int, end: int) -> tuple[int, int] | None:
        """The span of the words that make a name the source that is asked, or None."""
        text = self.question
        own = _OWN.match(text, end)
        reports = _REPORTS.match(text, own.end() if own else end)
        asked = _ASKED.search(text, 0, start)
        if asked and (verb := _REPORTS.match(text, end)):  # "did X report"
            own, reports = None, verb
        if before := _ATTRIBUTED.search(text, 0, start):
            return before.start(), _comma(text, own.end() if own else end)
        if before := _DICE.search(text, 0, start):
            return before.start("verb"), end
        within = _IN.search(text, 0, start)
        if own:
            first = within or _BARE.search(text, 0, start)
            return first.start() if first else start, reports.end() if reports else own.end()
        if reports:
            asked = asked or _BARE.search(text, 0, start)
            return asked.start() if asked else start, reports.end()
        if within and any(self._publication(window) for window in group):
            return within.start(), _comma(text, end)
        return None

    def _publication(self, window: _Window) -> bool:
        """Whether "in" before it means its pages: a place has one word, and no capitals but one."""
        written = self.question[window.start : window.end]
        return (
            window.alias.form is Form.WHOLE
            and window.alias.kind != "authors"
            and (window.alias.words > 1 or written.isupper())
        )

    def _address(self, end: int) -> int:
        """The end of the name, with the ending of an address."""
        found = _DOMAIN.match(self.question, end)
        return found.end() if found else end

    @staticmethod
    def _whole_author(alias: Alias) -> bool:
        return alias.kind == "authors" and alias.form is Form.WHOLE and alias.words > 1


def _comma(text: str, end: int) -> int:
    """The end with a possessive and a comma, if they follow."""
    found = _CLOSING.match(text, end)
    return found.end() if found else end


def _windows(question: str, names: Names) -> Iterator[_Window]:
    """The words of the question that occur in names, run together or apart."""
    words = list(WORD.finditer(question))
    texts = [folded(word[0]) for word in words]
    for size, (aliases, wanted) in by_size(names).items():
        places = [
            (start, start + width)
            for width in sorted({1, size, size + 1})
            for start in range(len(words) - width + 1)
        ]
        spoken = ["".join(texts[start:end]) for start, end in places]
        alike = cdist(spoken, wanted, scorer=RATIO, score_cutoff=SAME_NAME)
        lengths = np.subtract.outer([len(each) for each in spoken], [len(w) for w in wanted])
        close = (alike >= SAME_NAME) & (abs(lengths) <= MOST_LETTERS)
        for place, number in np.argwhere(close):
            alias, (start, end) = aliases[number], places[place]
            if alias.form is Form.WHOLE or alike[place, number] == 1:
                joined = end - start == 1 and alias.words > 1
                yield _Window(words[start].start(), words[end - 1].end(), alias, joined)
