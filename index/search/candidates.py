"""What a search finds: passages with both retrievers' scores, and their articles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.encoding.tokens import Vectors
from sourcebook.index.passages import Passage
from sourcebook.index.storage.records import ArticleRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A passage that a retriever found, by its row number, with both retrievers' scores.

    `dense` is the cosine with the question, `lexical` the BM25 score over the best that any
    passage could reach, in [0, 1]; `token_starts` (word pieces,) say where in the passage each of
    its word pieces begins; `tokens` counts them and the context's.
    """

    row: int
    dense: float
    lexical: float
    token_starts: NDArray[np.uint32]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What one question found.

    `weights` (question tokens,) is the inverse document frequency of each word piece of the
    question, `similarity` (question tokens, word pieces of all items in their order, each item's
    own before its context's) the cosines of late interaction.
    """

    weights: Vectors
    similarity: Vectors
    items: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    """A passage with its article and that article's syndicated copies."""

    article: ArticleRecord
    passage: Passage
    copies: tuple[ArticleRecord, ...] = ()
