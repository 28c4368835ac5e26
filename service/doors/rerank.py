"""Ranks a caller's own texts for a query, with the scores that a library's passages get."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

from sourcebook.index.article import Article, Block, BlockKind, Metadata
from sourcebook.index.encoding.encoder import Encoder, Encoding, QuestionEncoding
from sourcebook.index.encoding.tokens import TokenCodec, Vectors, rarity
from sourcebook.index.errors import TooLargeError
from sourcebook.index.passages import Passage, cut
from sourcebook.index.profile import Profile
from sourcebook.index.search.candidates import Candidate, Candidates, Sourced
from sourcebook.index.search.lexical import LexicalEntry, LexicalIndex
from sourcebook.index.storage.records import ArticleRecord, Moment
from sourcebook.service.asking.query import Query, query_of
from sourcebook.service.asking.rank import Rank
from sourcebook.service.patience import go_on

MAX_PASSAGES = 2_000  # in all documents together: about twenty seconds on two cores
TOGETHER = 128  # passages encoded before it is asked again whether the client is still there
MAX_PIECES = 4_096  # word pieces of one document, as in Cohere's API; a request may set fewer

_PARAGRAPH = re.compile(r"\S(?:.|\n(?!\s*\n))*")

# All passages belong to one made-up article, so that similar texts are not merged into one hit.
_RECORD = ArticleRecord(
    rowid=0,
    id="",
    source="",
    sha256="",
    generation=0,
    added="",
    characters=0,
    passages=0,
    copy_of=None,
    metadata=Metadata(),
)


@dataclass(frozen=True, slots=True)
class Relevance:
    """A document, by its position in the request, and its relevance, in [0, 1]."""

    index: int
    score: float


class Reranker:
    """Ranks texts with one encoder; requests take turns, so that questions are not held up.

    A score depends on the request alone, never on a library: the rarity of words is counted in the
    texts of the request.
    """

    def __init__(self, encoder: Encoder, codec: TokenCodec, profile: Profile) -> None:
        """Rank as the `profile` says."""
        self._encoder = encoder
        self._codec = codec
        self._profile = profile
        self._turn = Lock()

    def rerank(
        self, query: str, documents: Sequence[str], max_pieces: int = MAX_PIECES
    ) -> list[Relevance]:
        """All documents, the most relevant first; equal ones keep their order.

        A document scores as its best passage; one without a word scores 0. Only the first
        `max_pieces` word pieces of a document count. Raises `InputError` for a query that is too
        long or has no word, and `TooLargeError` for too much text.
        """
        asked = query_of(query)
        owners: list[int] = []
        passages: list[Passage] = []
        for number, document in enumerate(documents):
            own = self._passages(document, max_pieces)
            owners += [number] * len(own)
            passages += own
            if len(passages) > MAX_PASSAGES:
                raise TooLargeError(
                    f"The documents make more than {MAX_PASSAGES:,} passages of about 150 words; "
                    f"the limit is reached at number {number} of {len(documents)}.",
                    cure="Send fewer or shorter ones, or a smaller max_tokens_per_doc.",
                )
        best = dict.fromkeys(range(len(documents)), -math.inf)  # as of a text without a word
        for row, score in self._scores(asked, passages):
            best[owners[row]] = max(best[owners[row]], score)
        order = sorted(best, key=lambda number: (-best[number], number))
        return [Relevance(number, round(self._profile.share(best[number]), 5)) for number in order]

    def _passages(self, document: str, max_pieces: int) -> list[Passage]:
        offsets = self._encoder.piece_offsets(document)
        text = document[: offsets[max_pieces][0]] if len(offsets) > max_pieces else document
        if not text.strip():
            return []
        blocks = (
            Block(BlockKind.PARAGRAPH, found.start(), found.end())
            for found in _PARAGRAPH.finditer(text)
        )
        article = Article(source="", text=text, blocks=tuple(blocks), metadata=Metadata())
        return cut(article, self._encoder.piece_offsets, self._encoder.passage_pieces)

    def _scores(self, asked: Query, passages: Sequence[Passage]) -> Iterable[tuple[int, float]]:
        """The number of each passage with its score."""
        if not passages:
            return []
        with self._turn:
            go_on()  # the client may have left while others had their turn
            question = self._encoder.encode_question(asked.text, self._codec)
            # Each text once: equal texts in different batches may differ in their last digits.
            texts = list(dict.fromkeys(("", passage.text) for passage in passages))
            known: dict[tuple[str, str], Encoding] = {}
            for start in range(0, len(texts), TOGETHER):
                go_on()
                some = texts[start : start + TOGETHER]
                encoded = self._encoder.encode_passages(some, self._codec)
                known |= zip(some, encoded, strict=True)
            encodings = [known["", passage.text] for passage in passages]
        found = self._candidates(asked, question, encodings, passages)

        def load(rows: Iterable[int]) -> dict[int, Sourced]:
            return {row: Sourced(article=_RECORD, passage=passages[row]) for row in rows}

        hits = Rank(self._profile.weights)(asked, found, load).hits
        return [(hit.candidate.row, hit.score) for hit in hits]

    def _candidates(
        self,
        asked: Query,
        question: QuestionEncoding,
        encodings: Sequence[Encoding],
        passages: Sequence[Passage],
    ) -> Candidates:
        """All passages, as candidates of a library that holds nothing else."""
        lexical, bound = _bm25(asked, passages)
        return Candidates(
            weights=_weights(question, encodings),
            similarity=self._codec.similarity(
                question.tokens, b"".join(encoding.tokens.tobytes() for encoding in encodings)
            ),
            items=tuple(
                Candidate(
                    row=row,
                    dense=float(encoding.pooled @ question.pooled),
                    lexical=lexical.get(row, 0.0) / bound,
                    token_starts=encoding.starts,
                    tokens=len(encoding.tokens),
                )
                for row, encoding in enumerate(encodings)
            ),
        )


def _bm25(asked: Query, passages: Sequence[Passage]) -> tuple[dict[int, float], float]:
    """The BM25 score of each passage that has a word of the query, and an upper bound of scores."""
    index = LexicalIndex(None)
    entries = (
        LexicalEntry(row=row, article=0, context="", text=passage.text)
        for row, passage in enumerate(passages)
    )
    index.catch_up(Moment(1, 0), entries, ())
    scores = index.scores(asked.text, range(len(passages)), phrases=asked.phrases)
    return scores, index.bound(asked.text) or 1.0


def _weights(question: QuestionEncoding, encodings: Sequence[Encoding]) -> Vectors:
    """How rare each word piece of the question is among these passages."""
    counts = Counter(piece for encoding in encodings for piece in set(encoding.pieces.tolist()))
    return rarity([counts[piece] for piece in question.pieces.tolist()], len(encodings))
