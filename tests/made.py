"""Records, candidates, hits and JSON made by hand, for tests of what is done with them."""

import re
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from conftest import article_from
from hypothesis import strategies as st

from sourcebook.index.article import Article, BlockKind
from sourcebook.index.encoding.tokens import Vectors
from sourcebook.index.passages import Passage, Span, sentence_spans
from sourcebook.index.search.candidates import Candidate, Candidates, Sourced
from sourcebook.index.storage.records import ArticleRecord
from sourcebook.service.asking.citation import Citation, Scores, cite
from sourcebook.service.asking.rank import Hit, Load

# Any value that a body may hold.
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
AXES = np.eye(8, dtype=np.float32)
SCORES = Scores(fused=0.5, late=0.4, dense=0.3, lexical=0.2)


def record(article: Article, rowid: int = 1, **facts: Any) -> ArticleRecord:
    """The article's record, with these facts in its metadata."""
    return ArticleRecord(
        rowid=rowid,
        id=article.id,
        source=article.source,
        sha256=article.sha256,
        generation=1,
        added="2026-01-01T00:00:00Z",
        characters=len(article.text),
        passages=1,
        copy_of=None,
        metadata=replace(article.metadata, **facts),
    )


def passage(article: Article, start: int = 0, end: int | None = None) -> Passage:
    """A passage of the article, cut into its sentences."""
    end = len(article.text) if end is None else end
    text = article.text[start:end]
    return Passage(
        article_id=article.id,
        article_sha256=article.sha256,
        start=start,
        end=end,
        text=text,
        kind=BlockKind.PARAGRAPH,
        headings=(),
        sentences=tuple(
            Span(start + block.start() + span.start, start + block.start() + span.end)
            for block in re.finditer(r"(?:(?!\n\n).)+", text, re.DOTALL)
            for span in sentence_spans(block[0])
        ),
    )


class Made(NamedTuple):
    """A candidate and what the library would give for its row."""

    candidate: Candidate
    source: Sourced


def candidate(
    text: str,
    name: str,
    *,
    row: int = 1,
    dense: float = 0.0,
    lexical: float = 0.0,
    starts: tuple[int, ...] = (0,),
    **facts: Any,
) -> Made:
    """A passage that is a whole article of its own, with these scores and word pieces."""
    article = article_from(text, name)
    found = Candidate(
        row=row,
        dense=dense,
        lexical=lexical,
        token_starts=np.array(starts, np.uint32),
        tokens=len(starts),
    )
    source = Sourced(article=record(article, rowid=row, **facts), passage=passage(article))
    return Made(found, source)


def candidates(
    question: Vectors,
    *items: Made,
    weights: Vectors | None = None,
    tokens: Vectors | None = None,
) -> tuple[Candidates, Load]:
    """What a question of these token vectors found, and what loads it.

    `tokens` are those of all items in turn.
    """
    pieces_of_all = sum(len(item.candidate.token_starts) for item in items)
    tokens = AXES[[0] * pieces_of_all] if tokens is None else tokens
    weights = np.ones(len(question), np.float32) if weights is None else weights
    found = Candidates(
        weights=weights,
        similarity=question @ tokens.T,
        items=tuple(item.candidate for item in items),
    )
    sources = {item.candidate.row: item.source for item in items}
    return found, lambda rows: {row: sources[row] for row in rows if row in sources}


def hit(of: Made, *, score: float = 1.0, late: float = 0.5, **facts: Any) -> Hit:
    """A candidate in a ranking."""
    similarity = facts.pop("similarity", np.zeros((1, len(of.candidate.token_starts)), np.float32))
    return Hit(
        candidate=of.candidate,
        article=of.source.article,
        passage=of.source.passage,
        score=score,
        late=late,
        window=late,
        similarity=similarity,
        **facts,
    )


def citation(number: int = 1, text: str = "Coca grows in Cauca.", name: str = "a") -> Citation:
    """A citation of a whole article."""
    article = article_from(text, name)
    return cite(
        number=number,
        article=article,
        record=record(article),
        passage=passage(article),
        start=0,
        end=len(text),
        scores=SCORES,
    )
