"""Cuts an article into passages at sentence boundaries, with exact offsets."""

import itertools
import math
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sourcebook.index.article import Article, Block, BlockKind, Lead, LeadKind, sha256
from sourcebook.index.leads import all_leads, leads_at
from sourcebook.index.segmenting import sentence_starts

# The number of the rules that cut passages. A library records it. Raise it with every change after
# which some text is cut otherwise, here, in `segmenting.py` or by yasbd, so that libraries follow.
CUTTING = 2

# About 150 words hold one argument and, with their context, fit the 256 word pieces of the default
# encoder; docs/decisions/0003-passages.md has the comparison.
TARGET_WORDS = 150
MAX_WORDS = 180

# A cut inside a paragraph costs as much as a passage that misses its target by 39 %.
SPLIT_PARAGRAPH_COST = 0.15

# So many characters of a sentence without end are looked at to find where its first part ends.
WINDOW = 4_000

WORD = re.compile(r"\S+")

Offsets = list[tuple[int, int]]
PieceOffsets = Callable[[str], Offsets]


class Placed(Protocol):
    """What has a place in a text: a span, or something found there."""

    @property
    def start(self) -> int:
        """Where it begins, in code points."""

    @property
    def end(self) -> int:
        """Where it ends: the place after its last character."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch `[start, end)` of a text, in code points."""

    start: int
    end: int

    def overlaps(self, other: Placed) -> bool:
        """Whether both share a character."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A contiguous span of one article's text, cut at sentence boundaries.

    `start`, `end` and the `sentences` are offsets into the article's text; `headings` are those
    right above the passage, outermost first; `leads` are the headers, lead-ins and headings that
    parts of it are not understood without. `id` is a hash of article, text version and span, so
    it never names other words than those that it named before.
    """

    article_id: str
    article_sha256: str
    start: int
    end: int
    text: str
    kind: BlockKind
    headings: tuple[str, ...]
    sentences: tuple[Span, ...]
    leads: tuple[Lead, ...] = ()

    def __post_init__(self) -> None:
        if len(self.text) != self.end - self.start:
            raise ValueError(f"{len(self.text)} characters cannot span [{self.start}, {self.end})")
        if not self.sentences or self.sentences[0].start != self.start:
            raise ValueError("a passage starts with its first sentence")
        if self.sentences[-1].end != self.end:
            raise ValueError("a passage ends with its last sentence")

    @property
    def id(self) -> str:
        """20 hex digits that name this span of this version of this article."""
        return sha256(f"{self.article_id}:{self.article_sha256}:{self.start}:{self.end}")[:20]

    @property
    def above(self) -> tuple[str, ...]:
        """What stands above it and says what it is about.

        Its headings, and the header rows and lead-ins that it begins after: a table is longer than
        a passage.
        """
        return (*self.headings, *self.before)

    @property
    def before(self) -> tuple[str, ...]:
        """The header rows and lead-ins that it begins after."""
        return tuple(each.text for each in self.leading if each.end <= self.start)

    @property
    def leading(self) -> tuple[Lead, ...]:
        """Its header rows and lead-ins, within it or before it."""
        return tuple(each for each in self.leads if each.kind is not LeadKind.HEADING)

    def is_header(self, sentence: Span) -> bool:
        """Whether one of its sentences is the header of a table, which says nothing by itself."""
        return any(
            each.kind is LeadKind.HEADER
            and each.start <= sentence.start
            and sentence.end <= each.end
            for each in self.leads
        )

    def text_of(self, sentence: Span) -> str:
        """The words of one of its sentences."""
        return self.text[sentence.start - self.start : sentence.end - self.start]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence with what the packing needs to know about it."""

    start: int
    end: int
    words: int
    pieces: int
    ends_block: bool


def sentence_spans(text: str, language: str = "en") -> list[Span]:
    """The sentences of `text`, white space around them left out.

    Together they cover every character that is not white space. `language` is a two-letter code;
    one that the segmenter has no rules for is cut by its fallback rules.
    """
    # Only the starts are used, so that whatever the segmenter does, the spans cover the text.
    cuts = sorted({0, len(text), *sentence_starts(text, language)})
    spans = [_trim(text, start, end) for start, end in itertools.pairwise(cuts)]
    return [span for span in spans if span.start < span.end]


def cut(article: Article, piece_offsets: PieceOffsets, max_pieces: int) -> list[Passage]:
    """The passages of `article`, in reading order; together they cover all but its headings.

    `piece_offsets` gives the span of each word piece of a text as the encoder cuts it. No passage
    has more than `max_pieces` of them, none crosses a heading, none mixes body and captions.
    """
    passages = []
    sha = article.sha256
    waiting = deque(sorted(leads(article), key=lambda lead: lead.first))
    leading: list[Lead] = []
    for headings, kind, blocks in _sections(article):
        sentences = [
            sentence
            for block in blocks
            for sentence in _sentences(article, block, piece_offsets, max_pieces)
        ]
        for group in _pack(sentences, max_pieces):
            start, end = group[0].start, group[-1].end
            while waiting and waiting[0].first < end:
                leading.append(waiting.popleft())
            leading = [each for each in leading if start < each.last]
            passages.append(
                Passage(
                    article_id=article.id,
                    article_sha256=sha,
                    start=start,
                    end=end,
                    text=article.text[start:end],
                    kind=kind,
                    headings=headings,
                    sentences=tuple(Span(s.start, s.end) for s in group),
                    leads=tuple(sorted(leading, key=lambda lead: lead.start)),
                )
            )
    return passages


def leads(article: Article) -> list[Lead]:
    """All headers, lead-ins and headings of an article, each with what it belongs to."""
    return all_leads(article, _last_sentence)


def leads_of(article: Article, start: int, end: int) -> list[Lead]:
    """Those of them that all of `[start, end)` belongs to."""
    return leads_at(article, start, end, _last_sentence)


def _last_sentence(text: str, language: str) -> int:
    return sentence_spans(text, language)[-1].start


def _sections(article: Article) -> Iterator[tuple[tuple[str, ...], BlockKind, list[Block]]]:
    """Runs of blocks that one passage may span, each with the heading above it."""
    heading: tuple[str, ...] = ()
    for kind, run in itertools.groupby(article.blocks, key=_of_passage):
        blocks = list(run)
        if kind is BlockKind.HEADING:
            heading = tuple(article.text[block.start : block.end] for block in blocks)
        elif kind is BlockKind.CAPTION:
            for block in blocks:
                yield (), kind, [block]
        else:
            yield heading, kind, blocks


def _of_passage(block: Block) -> BlockKind:
    """The kind of a passage that may hold the block: one of the body, a caption, or none."""
    alone = block.kind in (BlockKind.HEADING, BlockKind.CAPTION)
    return block.kind if alone else BlockKind.PARAGRAPH


def _sentences(
    article: Article, block: Block, piece_offsets: PieceOffsets, max_pieces: int
) -> Iterator[_Sentence]:
    text = article.text[block.start : block.end]
    spans = sentence_spans(text, article.metadata.language)
    for number, span in enumerate(spans, 1):
        parts = list(_fit(text, span, piece_offsets, max_pieces))
        for part, (start, end, pieces) in enumerate(parts, 1):
            yield _Sentence(
                start=block.start + start,
                end=block.start + end,
                words=len(WORD.findall(text, start, end)),
                pieces=pieces,
                ends_block=number == len(spans) and part == len(parts),
            )


def without_spaces(text: str, start: int, end: int) -> tuple[int, int]:
    """`[start, end)` without the white space at its ends; empty where there is nothing else."""
    words = text[start:end]
    start += len(words) - len(words.lstrip())
    return start, start + len(words.strip())


def _fit(
    text: str, span: Span, piece_offsets: PieceOffsets, max_pieces: int
) -> Iterator[tuple[int, int, int]]:
    """`span` as (start, end, pieces), in as few parts as the encoder's limit allows."""
    start = span.start
    window = WINDOW
    while start < span.end:
        end = min(span.end, start + window)
        pieces = piece_offsets(text[start:end])
        if len(pieces) > max_pieces:
            end = _cut_point(text, start, start + pieces[max_pieces][0])
        elif end < span.end:
            window *= 2
            continue
        yield start, end, min(len(pieces), max_pieces)
        start = _trim(text, end, span.end).start


def _cut_point(text: str, start: int, limit: int) -> int:
    """The end of the last word before `limit`, or `limit` itself in a word that is too long."""
    words = list(WORD.finditer(text, start, limit + 1))
    if len(words) > 1 and words[-1].end() > limit:
        return words[-2].end()
    return max(start + 1, _trim(text, start, limit).end)


def _trim(text: str, start: int, end: int) -> Span:
    """`[start, end)` without the white space at its ends."""
    return Span(*without_spaces(text, start, end))


def _pack(sentences: Sequence[_Sentence], max_pieces: int) -> list[Sequence[_Sentence]]:
    """The split of `sentences` into passages that costs least (dynamic programming)."""
    best = [0.0]
    cuts = [0]
    for end in range(1, len(sentences) + 1):
        cost, start = min(
            (best[start] + cost, start) for start, cost in _choices(sentences, end, max_pieces)
        )
        best.append(cost)
        cuts.append(start)
    groups = []
    end = len(sentences)
    while end:
        groups.append(sentences[cuts[end] : end])
        end = cuts[end]
    return groups[::-1]


def _choices(
    sentences: Sequence[_Sentence], end: int, max_pieces: int
) -> Iterator[tuple[int, float]]:
    """Every start of a passage that may end before sentence `end`, with that passage's cost."""
    words = pieces = 0
    split = 0.0 if sentences[end - 1].ends_block else SPLIT_PARAGRAPH_COST
    for start in range(end - 1, -1, -1):
        words += sentences[start].words
        pieces += sentences[start].pieces
        if start < end - 1 and (words > MAX_WORDS or pieces > max_pieces):
            return
        # The logarithm makes half and double the target equally bad, so no stub is left over.
        yield start, math.log(max(words, 1) / TARGET_WORDS) ** 2 + split
