"""Chooses the blocks of a web page that are its article, guided by what an extractor found."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from lxml.html import HtmlElement

from sourcebook.index.article import BlockKind
from sourcebook.index.parsing.web_blocks import HEADINGS, WebBlock, beside
from sourcebook.index.words import WORD

RUN = 4
HALF = 0.5
MOST = 0.8
LINKS = 0.8
SENTENCE_END = re.compile(r"[.!?…。][\"'”’»)\]]*$")
ENOUGH = 200
TEXTUAL = frozenset("blockquote dd dl dt figure h2 h3 h4 h5 h6 li ol p pre table tbody tr ul".split())


def chosen(blocks: Sequence[WebBlock], guide: Sequence[str]) -> set[int]:
    """The indexes of the blocks that are the article, of which `guide` holds the text."""
    found = _found(blocks, guide)
    shown = {i for i in found if not blocks[i].hidden}
    wanted = {run for part in guide for run in _runs(part)}
    seen = {run for i in shown for run in _runs(blocks[i].raw)}
    if len(wanted & seen) >= HALF * len(wanted):
        found = shown
    found = {i for i in found if not _of_another(blocks[i])}
    found -= _lone_pointers(blocks, found)
    found = _first_article(blocks, found)
    found = _filled(blocks, found)
    found -= _stray_headings(blocks, found)
    return found | _captions(blocks, found)


def _captions(blocks: Sequence[WebBlock], found: set[int]) -> set[int]:
    """The captions of the pictures that stand amid the article."""
    return {
        i
        for i in _inside(blocks, found)
        if i < max(found) and blocks[i].kind is BlockKind.CAPTION and not blocks[i].hidden
    }


def _of_another(block: WebBlock) -> bool:
    """Whether a block stands in an `article` within another one, whose title is a link to it."""
    own = next(block.element.iterancestors("article"), None)
    if own is None or next(own.iterancestors("article"), None) is None:
        return False
    return any(
        link.getparent().tag in HEADINGS and not (link.get("href") or "#").startswith("#")
        for link in own.iter("a")
    )


def _lone_pointers(blocks: Sequence[WebBlock], found: set[int]) -> set[int]:
    """The blocks that only lead to another page; several in a row are a list of the article's."""
    order = sorted(found)
    alone = [True, *(blocks[i].running for i in order), True]
    return {
        i
        for n, i in enumerate(order, 1)
        if _pointer(blocks[i]) and alone[n - 1] and alone[n + 1]
    }


def _pointer(block: WebBlock) -> bool:
    """Whether a block only leads to other pages; an item of a list may be a reference."""
    if block.kind is not BlockKind.PARAGRAPH or block.element.tag in ("li", "tr"):
        return False
    return block.linked >= LINKS * len(block.raw) and not SENTENCE_END.search(block.raw)


def _first_article(blocks: Sequence[WebBlock], found: set[int]) -> set[int]:
    """Those of the blocks found before the title of another article, made like that of the first."""
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
    stray, run = set(), []
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
    places: Counter[tuple[object, ...]] = Counter()
    for home, members in homes.items():
        for place in _places(home):
            places[place] += _size(blocks, members)
    first = min((i for members in homes.values() for i in members), default=len(blocks))
    missed = set()
    for i, block in enumerate(blocks):
        if i in found or block.hidden or not block.fluent:
            continue
        home = _home(block)
        if members := homes.get(home):
            if first < i < members[-1]:
                missed.add(i)
        elif block.running and any(places[place] >= ENOUGH for place in _places(home)):
            missed.add(i)
    return found | missed


def _home(block: WebBlock) -> HtmlElement:
    """The element that a block of running text stands in, past those of the text itself."""
    element = block.element
    while element.tag in TEXTUAL and element.getparent() is not None:
        element = element.getparent()
    return element


def _places(home: HtmlElement) -> Iterator[tuple[object, ...]]:
    """Where an element stands: tags and classes up to an element around it, for each of these.

    What is, or has a title of, another article is no place of this one.
    """
    place: tuple[object, ...] = ()
    for up in (home, *home.iterancestors()):
        if up is not home:
            yield (*place, up)
        if up.tag == "article" or beside(up) or up.find(".//h1") is not None:
            return
        if not (up.get("class") or place):
            return
        place = (*place, up.tag, up.get("class"))


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
    single = {c[0] for c in copies.values() if len(c) == 1}
    inside = _inside(blocks, single or {c[0] for c in copies.values()})
    found = set(single)
    for key, places in copies.items():
        if len(places) > 1:
            def far(i): return (i not in inside, blocks[i].hidden, min((abs(i - j) for j in single), default=0))
            found.update(sorted(places, key=far)[: max(1, lines[key])])
    return found


def _inside(blocks: Sequence[WebBlock], found: Collection[int]) -> set[int]:
    """The indexes of the blocks in the smallest element that holds most of the text found."""
    inner: Counter[HtmlElement] = Counter()
    for i in found:
        size = len(blocks[i].raw)
        inner.update({around: size for around in _around(blocks[i])})
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
