"""What a row, an item or a paragraph is not understood without: its header, lead-in or heading."""

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from sourcebook.index.article import Article, Block, BlockKind, Lead, LeadKind

# Lists within lists: what leads into the lists around these explains little more.
MAX_CHAIN = 4
# A heading that is so many blocks above a quote is not looked for: that takes time.
MAX_BLOCKS = 2_000

# Where the last sentence of a text begins, given the language.
LastSentence = Callable[[str, str], int]
_Found = tuple[LeadKind, Block, int, int]


def all_leads(article: Article, last_sentence: LastSentence) -> list[Lead]:
    """All leads of an article in reading order, each with the stretch that it belongs to.

    A header row or heading is a whole block, a lead-in the last sentence of one.
    """
    found = (*_led(article.blocks), *_headings(article.blocks))
    made = (_lead(article, each, last_sentence) for each in found)
    return sorted(made, key=lambda lead: lead.start)


def leads_at(article: Article, start: int, end: int, last_sentence: LastSentence) -> list[Lead]:
    """The leads of all of `[start, end)` in reading order; quick, however long the article is."""
    blocks = article.blocks
    first = max(0, bisect_right(blocks, start, key=lambda block: block.start) - 1)
    last = first
    common = set(_chain(blocks, first))
    while last + 1 < len(blocks) and blocks[last + 1].start < end:
        last += 1
        common &= set(_chain(blocks, last))
    within = blocks[first : last + 1]
    above: list[int] = []
    if not {block.kind for block in within} & {BlockKind.HEADING, BlockKind.CAPTION}:
        above = _headings_above(blocks, first)
    span = (min(start, within[0].start), max(end, within[-1].end))
    found = [(_kind(blocks[at]), blocks[at], *span) for at in sorted({*above, *common})]
    return [_lead(article, each, last_sentence) for each in found]


def _lead(article: Article, found: _Found, last_sentence: LastSentence) -> Lead:
    kind, block, first, last = found
    start = block.start
    if kind is LeadKind.LEAD_IN:
        start += last_sentence(article.text[start : block.end], article.metadata.language)
    text = article.text[start : block.end]
    return Lead(kind=kind, text=text, start=start, end=block.end, first=first, last=last)


def _kind(lead: Block) -> LeadKind:
    if lead.kind is BlockKind.HEADING:
        return LeadKind.HEADING
    return LeadKind.HEADER if lead.kind is BlockKind.HEADER else LeadKind.LEAD_IN


def _chain(blocks: Sequence[Block], number: int) -> Iterator[int]:
    """The block's lead, that one's lead, and so on."""
    at = blocks[number].lead
    for _ in range(MAX_CHAIN):
        if at is None:
            return
        yield at
        at = blocks[at].lead


def _led(blocks: Sequence[Block]) -> Iterator[_Found]:
    """The blocks that lead into others, with the stretch of all that need them."""
    stretches: dict[int, tuple[int, int]] = {}
    for number, block in enumerate(blocks):
        for at in _chain(blocks, number):
            first, _ = stretches.get(at, (block.start, 0))
            stretches[at] = first, block.end
    for at, (first, last) in stretches.items():
        yield _kind(blocks[at]), blocks[at], first, last


def _headings(blocks: Sequence[Block]) -> Iterator[_Found]:
    """The headings, each with the stretch up to the next; captions are under none."""
    body = [block for block in blocks if block.kind is not BlockKind.CAPTION]
    above: list[Block] = []
    for is_heading, run in itertools.groupby(body, lambda block: block.kind is BlockKind.HEADING):
        group = list(run)
        if is_heading:
            above = group
        else:
            yield from ((LeadKind.HEADING, one, group[0].start, group[-1].end) for one in above)


def _headings_above(blocks: Sequence[Block], number: int) -> list[int]:
    """The run of headings that is nearest above a block of the body."""
    found: list[int] = []
    for at in range(number - 1, max(-1, number - MAX_BLOCKS), -1):
        if blocks[at].kind is BlockKind.HEADING:
            found.append(at)
        elif found and blocks[at].kind is not BlockKind.CAPTION:
            break
    return found
