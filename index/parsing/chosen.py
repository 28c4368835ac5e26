"""Chooses the blocks of a web page that are its article, guided by what an extractor found."""

from bisect import bisect
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from lxml.html import HtmlElement

from sourcebook.index.article import BlockKind
from sourcebook.index.parsing.elements import HEADINGS, beside
from sourcebook.index.parsing.layout import ENDED
from sourcebook.index.parsing.web_blocks import WebBlock
from sourcebook.index.words import WORD

# All values were chosen on the 181 pages of the benchmark of docs/parsing.md.
RUN = 4  # words in a row that are compared
HALF = 0.5  # of a block's runs: as many make it the extractor's
MOST = 0.8  # of the article's text: the smallest element with as much is where it stands
LINKS = 0.8  # of a block's characters: with as many it only leads elsewhere
ENOUGH = 200  # characters of an article in one place make another place like it one of its own
MAX_STEPS = 6  # elements up to which places are compared
# What text stands in; the element around these is a container.
TEXTUAL = frozenset(
    (
        "blockquote",
        "dd",
        "dl",
        "dt",
        "figure",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "li",
        "ol",
        "p",
        "pre",
        "table",
        "tbody",
        "tr",
        "ul",
    )
)


def chosen(blocks: Sequence[WebBlock], guide: Sequence[str]) -> set[int]:
    """The indexes of the blocks that are the article, of which `guide` holds the text.

    `guide` is what an extractor found: the texts of its blocks, in any order. It may lack parts of
    the article and hold some of other things; no index at all is given if it stands in no block.
    """
    found = _found(blocks, guide)
    shown = {i for i in found if not (blocks[i].hidden or blocks[i].beside)}
    wanted = {run for part in guide for run in _runs(part)}
    seen = {run for i in shown for run in _runs(blocks[i].raw)}
    if len(wanted & seen) >= HALF * len(wanted):
        found = shown
    found -= _of_others(blocks, found)
    found -= _lone_pointers(blocks, found)
    found = _first_article(blocks, found)
    found = _filled(blocks, found)
    found -= _stray_headings(blocks, found)
    return found | _captions(blocks, found)


def _captions(blocks: Sequence[WebBlock], found: set[int]) -> set[int]:
    """The captions of the pictures that stand amid the article."""
    last = max(found, default=0)
    return {
        i
        for i in _inside(blocks, found)
        if i < last and blocks[i].kind is BlockKind.CAPTION and not blocks[i].hidden
    }


def _of_others(blocks: Sequence[WebBlock], found: set[int]) -> set[int]:
    """The blocks in an `article` within another one whose title is a link: it leads to its page."""
    titled: dict[HtmlElement, bool] = {}
    others: set[int] = set()
    for i in found:
        around = list(islice(blocks[i].element.iterancestors("article"), 2))
        if len(around) == 2:
            own = around[0]
            if own not in titled:
                titled[own] = any(map(_linked_title, own.iter("a")))
            others.update({i} if titled[own] else ())
    return others


def _linked_title(link: HtmlElement) -> bool:
    return link.getparent().tag in HEADINGS and not (link.get("href") or "#").startswith("#")


def _lone_pointers(blocks: Sequence[WebBlock], found: set[int]) -> set[int]:
    """The blocks that only lead to another page; several in a row are a list of the article's."""
    order = sorted(found)
    alone = [True, *(blocks[i].running for i in order), True]
    return {
        i for n, i in enumerate(order, 1) if _pointer(blocks[i]) and alone[n - 1] and alone[n + 1]
    }


def _pointer(block: WebBlock) -> bool:
    """Whether a block only leads to other pages; an item of a list may be a reference."""
    if block.kind is not BlockKind.PARAGRAPH or block.element.tag in ("li", "tr"):
        return False
    return block.linked >= LINKS * len(block.raw) and not ENDED.search(block.raw)


def _first_article(blocks: Sequence[WebBlock], found: set[int]) -> set[int]:
    """The blocks found up to the title of another article, which is made like the first."""
    first = None
    start = min((i for i in found if blocks[i].running), default=0)
    for i, block in enumerate(blocks):
        if block.hidden or block.element.tag != "h1" or block.linked:
            continue
        if first is not None and i > start and _like(block, first):
            before = {j for j in found if j < i}
            return before if _size(blocks, before) else found
        first = first if first is not None else block
    return found


def _like(one: WebBlock, other: WebBlock) -> bool:
    given = one.element.get("class")
    return bool(given) and given == other.element.get("class") and _key(one.raw) != _key(other.raw)


def _stray_headings(blocks: Sequence[WebBlock], found: set[int]) -> set[int]:
    """The headings without text of their own: at the end, or three and more in a row."""
    stray: set[int] = set()
    run: list[int] = []
    for i in sorted(found):
        if blocks[i].kind is BlockKind.HEADING:
            run.append(i)
            continue
        if len(run) > 2:
            stray.update(run)
        run = []
    return stray.union(run)


def _filled(blocks: Sequence[WebBlock], found: set[int]) -> set[int]:
    """The blocks found, and those that the extractor missed among them.

    A missed one stands between found ones in an element that holds some of them, or in another
    element of the same kind: many pages keep one article in several containers of one class.
    """
    homes: dict[HtmlElement, list[int]] = {}
    for i in sorted(found):
        if blocks[i].running:
            homes.setdefault(_home(blocks[i]), []).append(i)
    where, places = _Places(), Counter[tuple[object, ...]]()
    for home, members in homes.items():
        for place in where.of(home):
            places[place] += _size(blocks, members)
    texts = (i for i in found if blocks[i].kind is BlockKind.PARAGRAPH)
    first = min(texts, default=len(blocks))
    missed = set()
    for i, block in enumerate(blocks):
        if i in found or block.hidden or block.beside or not block.fluent:
            continue
        home = _home(block)
        if inhabited := homes.get(home):
            if first < i < inhabited[-1]:
                missed.add(i)
        elif block.running and any(places[place] >= ENOUGH for place in where.of(home)):
            missed.add(i)
    return found | missed


def _home(block: WebBlock) -> HtmlElement:
    """The element that a block of running text stands in, past those of the text itself."""
    element = block.element
    while element.tag in TEXTUAL and element.getparent() is not None:
        element = element.getparent()
    return element


class _Places:
    """Where an element stands: tags and classes up to an element around it, for each of these."""

    def __init__(self) -> None:
        self.other: dict[HtmlElement, bool] = {}

    def of(self, home: HtmlElement) -> Iterator[tuple[object, ...]]:
        """The places of an element that has a class, narrow ones first."""
        place: tuple[object, ...] = ()
        for up in islice((home, *home.iterancestors()), MAX_STEPS):
            if place:
                yield (*place, up)
            if self.is_other(up) or not (up.get("class") or place):
                return
            place = (*place, up.tag, up.get("class"))

    def is_other(self, element: HtmlElement) -> bool:
        """Whether it is, or has a title of, another article, or stands beside any."""
        if element not in self.other:
            titled = element.find(".//h1") is not None
            self.other[element] = titled or element.tag == "article" or beside(element)
        return self.other[element]


def _size(blocks: Sequence[WebBlock], which: Collection[int]) -> int:
    return sum(len(blocks[i].raw) for i in which)


def _found(blocks: Sequence[WebBlock], guide: Sequence[str]) -> set[int]:
    """The indexes of blocks whose text stands in the guide, each text as often as there.

    Of a text that a page repeats, the copies amid the rest of the article are taken.
    """
    lines = Counter(map(_key, guide))
    runs = {run for part in guide for run in _runs(part)}
    copies: dict[str, list[int]] = {}
    for index, block in enumerate(blocks):
        own = [] if block.kind is BlockKind.HEADING else list(_runs(block.raw))
        key = _key(block.raw)
        if lines[key] or (own and sum(run in runs for run in own) >= HALF * len(own)):
            copies.setdefault(key, []).append(index)
    once = sorted(places[0] for places in copies.values() if len(places) == 1)
    inside = _inside(blocks, once or {places[0] for places in copies.values()})

    def distance(i: int) -> tuple[bool, bool, int]:
        at = bisect(once, i)
        near = min((abs(i - j) for j in once[max(0, at - 1) : at + 1]), default=0)
        return i not in inside, blocks[i].hidden, near

    return {
        i
        for key, places in copies.items()
        for i in sorted(places, key=distance)[: max(1, lines[key])]
    }


def _inside(blocks: Sequence[WebBlock], found: Collection[int]) -> set[int]:
    """The indexes of the blocks in the smallest element that holds most of the text found."""
    inner: Counter[HtmlElement] = Counter()
    for i in found:
        size = len(blocks[i].raw)
        inner.update(dict.fromkeys(_around(blocks[i]), size))
    total = sum(len(blocks[i].raw) for i in found)
    most = [around for around, size in inner.items() if size >= MOST * total]
    region = min(most, key=lambda e: -sum(1 for _ in e.iterancestors())) if most else None
    return {i for i, b in enumerate(blocks) if region is not None and region in _around(b)}


def _around(block: WebBlock) -> list[HtmlElement]:
    return [block.element, *block.element.iterancestors()]


def _key(text: str) -> str:
    return " ".join(WORD.findall(text.casefold()))


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = WORD.findall(text.casefold())
    return (tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1))
