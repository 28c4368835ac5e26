"""What a row, an item or a paragraph is not understood without: its header, lead-in or heading."""

import itertools
from collections.abc import Callable, Iterator, Sequence

from sourcebook.index.article import Article, Block, BlockKind, Lead, LeadKind

# Lists within lists: what leads into the lists around these explains little more.
MAX_CHAIN = 4


def leads_of(article: Article, last_sentence: Callable[[str, str], int]) -> tuple[Lead, ...]:
    """All leads of an article in reading order, each with the stretch that it belongs to.

    A header row or heading is a whole block, a lead-in the last sentence of one: `last_sentence`
    tells where in a text that starts, given the language.
    """
    text, language = article.text, article.metadata.language
    found = []
    for kind, block, first, last in (*_led(article.blocks), *_headings(article.blocks)):
        start = block.start
        if kind is LeadKind.LEAD_IN:
            start += last_sentence(text[start : block.end], language)
        found.append(
            Lead(
                kind=kind,
                text=text[start : block.end],
                start=start,
                end=block.end,
                first=first,
                last=last,
            )
        )
    return tuple(sorted(found, key=lambda lead: lead.start))


_Found = tuple[LeadKind, Block, int, int]


def _led(blocks: Sequence[Block]) -> Iterator[_Found]:
    """The blocks that lead into others, with the stretch of all that need them."""
    stretches: dict[int, tuple[int, int]] = {}
    for block in blocks:
        at = block.lead
        for _ in range(MAX_CHAIN):
            if at is None:
                break
            first, _last = stretches.get(at, (block.start, 0))
            stretches[at] = first, block.end
            at = blocks[at].lead
    for number, (first, last) in stretches.items():
        header = blocks[number].kind is BlockKind.HEADER
        yield LeadKind.HEADER if header else LeadKind.LEAD_IN, blocks[number], first, last


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
