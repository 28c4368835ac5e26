"""The results of a search: passages with the scores of both retrievers, and their articles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.encoding.tokens import Vectors
from sourcebook.index.passages import Passage
from sourcebook.index.storage.records import ArticleRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A passage that a retriever found, by row number, with the scores of both retrievers.

    `dense` is the cosine with the question, `lexical` the BM25 score divided by its upper bound,
    in [0, 1]; `token_starts` (word pieces,) are the offsets of the passage's word pieces; `tokens`
    is the number of these and of the context's word pieces.
    """

    row: int
    dense: float
    lexical: float
    token_starts: NDArray[np.uint32]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The candidates of one question.

    `weights` (question tokens,) are the inverse document frequencies of the question's word
    pieces. `similarity` (question tokens, word pieces of all items) are the cosines of late
    interaction; the word pieces are in the order of `items`, of each first its own, then those of
    its context.
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
