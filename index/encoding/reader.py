"""The reader: whether a passage answers a question, and with which of its words."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from sourcebook.index.encoding.model_files import (
    DESCRIPTION,
    cache_folder,
    read_description,
    shipped_folder,
    tokenizer_of,
)
from sourcebook.index.encoding.openvino_model import OpenVinoModel
from sourcebook.index.encoding.word_vectors import WORD_VECTORS, WordVectors
from sourcebook.index.passages import without_spaces

READER = "multilingual-e5-small-reader"
NETWORK = "reader.xml"
# What its description says of where the word vectors are, a folder from its own one.
WORDS = "words"

# What the reader was trained with (eval/training/reader.py): so many word pieces of the question,
# of the context, and in all with the marks around them.
QUESTION_PIECES, CONTEXT_PIECES, PAIR_PIECES = 56, 24, 288
# A span is a short answer, not a paragraph: 99 % of those in training are no longer.
SPAN_PIECES = 30

# Lengths that the network is compiled for. A pair is filled up to the next one and goes through
# the network alone, so its reading does not depend on what else is read.
LENGTHS = (176, 240, 288)

Floats = NDArray[np.float32]
Offsets = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class PassageReading:
    """What the reader says of one passage.

    `logit`: that the passage answers the question, as a logit; it is not calibrated. `start` and
    `end`: the words that answer best, in code points of the passage's text; both are 0 where it
    has no words. `span_score` is how well they begin and end the answer, and `null_score` the same
    for "no answer here": the span is worth as much as the former exceeds the latter.
    """

    logit: float
    start: int
    end: int
    span_score: float
    null_score: float


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a passage as the network reads them.

    `ids` are all word pieces, `first` is the place of the first one that is the passage's own, and
    `offsets` are where those begin and end in its text, without the spaces around them.
    """

    ids: tuple[int, ...]
    first: int
    offsets: Offsets


class PairTokenizer:
    """Joins a question and a passage to what the network reads. Safe to share between threads.

    The form is that of the training: `<s> question </s> </s> context text </s>`. A question keeps
    its first 56 word pieces, a context its first 24, and the text what is left of 288: at least
    204, more than an English passage of 150 words has. What is longer is cut at its end.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Take the tokenizer; its own padding and truncation are turned off."""
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._begin, self._end = tokenizer.encode("").ids

    def pairs(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Pair]:
        """The question with each of the passages, (context, text), in order."""
        texts = [question, *(each for passage in passages for each in passage)]
        encoded = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        asked = encoded[0].ids[:QUESTION_PIECES]
        found = []
        for number, (_, text) in enumerate(passages):
            context, own = encoded[1 + 2 * number], encoded[2 + 2 * number]
            before = [self._begin, *asked, self._end, self._end, *context.ids[:CONTEXT_PIECES]]
            room = PAIR_PIECES - len(before) - 1
            ids = (*before, *own.ids[:room], self._end)
            offsets = tuple(without_spaces(text, *span) for span in own.offsets[:room])
            found.append(Pair(ids, len(before), offsets))
        return found


class Reader:
    """The shipped reader: a network in int8. Safe to share between threads.

    `fingerprint` names its weights.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Load the shipped reader, or the one in `folder`.

        Raises `LibraryError` where its files are not what they should be, and `RuntimeError` where
        this processor cannot run it.
        """
        shipped = read_description(folder or shipped_folder(READER))
        shipped.check()
        self.fingerprint = shipped.fingerprint
        about = json.loads((shipped.folder / DESCRIPTION).read_text("utf-8"))
        words = shipped.folder / about[WORDS]
        self.tokenizer = PairTokenizer(tokenizer_of(words))
        self._model = OpenVinoModel(
            shipped.folder / NETWORK,
            cache_folder() / "compiled" / self.fingerprint[:16],
            words=WordVectors(words / WORD_VECTORS),
            lengths=LENGTHS,
        )

    def read(self, question: str, passages: Sequence[tuple[str, str]]) -> list[PassageReading]:
        """Read each passage, (context, text), with the question; in order.

        The context is "title. headings", which the network reads before the text. No reading
        depends on the other passages, or on what other threads read.
        """
        pairs = self.tokenizer.pairs(question, passages)
        if len(pairs) < 2:
            return [self._read(pair) for pair in pairs]
        with ThreadPoolExecutor(min(len(pairs), self._model.streams)) as pool:
            return list(pool.map(self._read, pairs))

    def _read(self, pair: Pair) -> PassageReading:
        ids = np.array([pair.ids], dtype=np.int64)
        edges, logits = self._model.forward(ids, np.ones_like(ids))
        null = float(edges[0, 0].sum())
        start, end, score = best_span(edges[0, pair.first : -1], pair.offsets)
        if start == end:
            score = null
        return PassageReading(float(logits[0, 0]), start, end, score, null)


def check_reader() -> None:
    """Raise `LibraryError` unless the files of the shipped reader are as they were shipped."""
    read_description(shipped_folder(READER)).check()


@cache
def shipped_reader() -> Reader:
    """The reader that comes with the package, loaded once per process; raises as `Reader`."""
    return Reader()


def best_span(edges: Floats, offsets: Offsets) -> tuple[int, int, float]:
    """The start, end and score of the best span of a passage, or three zeros.

    `edges` (own pieces, 2) is how well each piece begins and ends an answer. A span has at most
    `SPAN_PIECES`, and begins and ends with pieces that hold more than spaces.
    """
    held = np.array([end > start for start, end in offsets], dtype=bool)
    if not held.any():
        return 0, 0, 0.0
    scores = np.where(held[:, None], edges, -np.inf).astype(np.float32)
    both = scores[:, None, 0] + scores[None, :, 1]
    ahead = np.arange(len(offsets))[None, :] - np.arange(len(offsets))[:, None]
    both[(ahead < 0) | (ahead >= SPAN_PIECES)] = -np.inf
    first, last = divmod(int(both.argmax()), len(offsets))
    return offsets[first][0], offsets[last][1], float(both[first, last])
