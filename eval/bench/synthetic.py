"""A synthetic corpus of any size: articles with typical lengths, words and metadata."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.article import Article, Block, BlockKind, Metadata
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError

MAX_PASSAGES = 5_000_000
# Passages of an article, 3 to 9; the policy pages of the evaluation have 6 on average.
ARTICLE_PASSAGES = (3, 9)
# Words of a passage: normally distributed around 100, a usual length in retrieval benchmarks.
MEAN_WORDS, SPREAD_WORDS, FEWEST_WORDS, MOST_WORDS = 100, 25, 40, 160
SENTENCE_WORDS = (8, 24)
QUESTION_WORDS = (6, 14)

TOPICS, TOPIC_WORDS = 500, 200
# The share of a text's words that come from its topic; the others come from all words.
TOPIC_SHARE = 0.4
# Topics consist of words that are rarer than these.
COMMON_WORDS = 500
# Zipf's law with Mandelbrot's shift: the word of rank r occurs in proportion to 1 / (r + 2.7).
SHIFT = 2.7
FEWEST_VOCABULARY = 5_000

PUBLISHERS = 40
HOUSES = ("Institute", "Ministry", "Observatory", "Review")

Ranks = NDArray[np.int64]

SPACE = "▁"  # begins each SentencePiece piece that begins a word


def vocabulary(encoder: Encoder) -> dict[str, int]:
    """The whole plain words among the encoder's word pieces, most frequent first.

    Each comes with the number of its piece. Raises InputError for an encoder with too few of them.
    """
    # Word pieces are numbered by frequency. `index` itself needs no such list.
    pieces = sorted(encoder._tokenizer.get_vocab().items(), key=lambda piece: piece[1])
    # SentencePiece marks the pieces that begin a word; BERT marks the others.
    mark = SPACE if any(piece.startswith(SPACE) for piece, _ in pieces) else ""
    words = {
        word: number
        for piece, number in pieces
        if piece.startswith(mark)
        and (word := piece.removeprefix(mark)).isascii()
        and word.isalpha()
        and word.islower()
        and (len(word) > 1 or word == "a")
    }
    if len(words) < FEWEST_VOCABULARY:
        raise InputError(
            f"The vocabulary of {encoder.name!r} has {len(words):,} plain words; expected at "
            f"least {FEWEST_VOCABULARY:,} for a synthetic corpus.",
            cure="Measure this encoder on a BEIR folder: --corpus.",
        )
    return words


def word_shares(count: int) -> NDArray[np.float64]:
    """How often each of `count` words occurs in an average article, by rank; the sum is 1."""
    shares = (1 - TOPIC_SHARE) * np.diff(_zipf(count), prepend=0.0)
    shares[COMMON_WORDS:] += TOPIC_SHARE / (count - COMMON_WORDS)
    return shares


@dataclass(frozen=True)
class SyntheticCorpus:
    """`passages` passages in articles that are made on demand; the same seed makes the same ones.

    Each article has a topic: some of its words come from the topic, the others from all `words`
    (most frequent first), both by Zipf's law. Each passage is a paragraph under its own heading, so
    that no passage of a library spans two of them. Raises InputError for a size out of range.
    """

    words: Sequence[str]
    passages: int
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.passages <= MAX_PASSAGES:
            raise InputError(
                f"The size is {self.passages:,} passages; expected 1 to {MAX_PASSAGES:,}."
            )

    @property
    def name(self) -> str:
        """What the corpus is called in tables."""
        return f"synthetic {self.passages:,}"

    @property
    def identity(self) -> str:
        """What decides the articles, apart from the encoder's vocabulary and this module."""
        return f"synthetic {self.passages} {self.seed}"

    def __len__(self) -> int:
        """How many articles there are."""
        return len(self._counts)

    def articles(self) -> Iterator[Article]:
        """All articles, made one at a time."""
        return (self.article(number) for number in range(len(self)))

    def article(self, number: int) -> Article:
        """The article with that number, from 0."""
        rng = np.random.default_rng((self.seed, 1, number))
        topic = self._topic(int(rng.integers(TOPICS)))
        parts: list[str] = []
        blocks: list[Block] = []
        start = 0
        for _ in range(self._counts[number]):
            heading = _capital(" ".join(self._texts(topic[rng.integers(0, 30, 3)])))
            for kind, text in (
                (BlockKind.HEADING, heading),
                (BlockKind.PARAGRAPH, self._paragraph(rng, topic)),
            ):
                parts.append(text)
                blocks.append(Block(kind, start, start + len(text)))
                start += len(text) + 2
        text = "\n\n".join(parts)
        year, month, day = rng.integers((2005, 1, 1), (2026, 13, 29)).tolist()
        metadata = Metadata(
            title=_capital(" ".join(self._texts(topic[rng.integers(0, TOPIC_WORDS, 6)]))),
            publisher=self.publishers[int(rng.integers(PUBLISHERS))],
            published=f"{year}-{month:02}-{day:02}",
            language="en",
        )
        return Article(
            source=f"synthetic:{self.seed}:{number}",
            text=text,
            blocks=tuple(blocks),
            metadata=metadata,
            raw=text.encode(),
        )

    def questions(self, count: int) -> list[str]:
        """`count` questions, each of 6 to 14 words of one passage, in their order."""
        rng = np.random.default_rng((self.seed, 2))
        found = []
        for _ in range(count):
            article = self.article(int(rng.integers(len(self))))
            own = [block for block in article.blocks if block.kind is BlockKind.PARAGRAPH]
            block = own[int(rng.integers(len(own)))]
            words = article.text[block.start : block.end].lower().split()
            wanted = rng.integers(QUESTION_WORDS[0], QUESTION_WORDS[1] + 1)
            places = np.sort(rng.choice(len(words), wanted, replace=False))
            text = " ".join(words[place].strip(".,") for place in places)
            found.append(f"{_capital(text)}?")
        return found

    @cached_property
    def publishers(self) -> tuple[str, ...]:
        """The publishers of the articles."""
        rng = np.random.default_rng((self.seed, 3))
        chosen = rng.choice(np.arange(COMMON_WORDS, len(self.words)), PUBLISHERS, replace=False)
        words = self._texts(chosen)
        return tuple(f"{_capital(w)} {HOUSES[i % len(HOUSES)]}" for i, w in enumerate(words))

    @cached_property
    def _counts(self) -> list[int]:
        """The number of passages of each article; the sum is `passages`."""
        fewest, most = ARTICLE_PASSAGES
        drawn = np.random.default_rng((self.seed, 4)).integers(
            fewest, most + 1, self.passages // fewest + 1
        )
        ends = np.minimum(np.cumsum(drawn), self.passages)
        return [int(count) for count in np.diff(ends, prepend=0) if count]

    @cached_property
    def _topics(self) -> dict[int, Ranks]:
        return {}

    def _topic(self, number: int) -> Ranks:
        """The ranks of a topic's words, the most frequent in it first."""
        if number not in self._topics:
            rng = np.random.default_rng((self.seed, 5, number))
            rare = len(self.words) - COMMON_WORDS
            chosen = rng.choice(rare, TOPIC_WORDS, replace=False) + COMMON_WORDS
            self._topics[number] = chosen
        return self._topics[number]

    def _paragraph(self, rng: np.random.Generator, topic: Ranks) -> str:
        wanted = round(rng.normal(MEAN_WORDS, SPREAD_WORDS))
        count = min(max(wanted, FEWEST_WORDS), MOST_WORDS)
        common = np.searchsorted(self._common, rng.random(count))
        own = topic[np.searchsorted(self._own, rng.random(count))]
        words = self._texts(np.where(rng.random(count) < TOPIC_SHARE, own, common))
        return " ".join(_sentences(rng, words))

    @cached_property
    def _common(self) -> NDArray[np.float64]:
        return _zipf(len(self.words))

    @cached_property
    def _own(self) -> NDArray[np.float64]:
        return _zipf(TOPIC_WORDS)

    def _texts(self, ranks: Ranks) -> list[str]:
        return [self.words[rank] for rank in ranks.tolist()]


def _zipf(count: int) -> NDArray[np.float64]:
    """The cumulative shares of words of rank 0 to `count` - 1; the last is 1."""
    sums = np.cumsum(1 / (np.arange(count) + 1 + SHIFT))
    shares: NDArray[np.float64] = sums / sums[-1]
    return shares


def _sentences(rng: np.random.Generator, words: Sequence[str]) -> Iterator[str]:
    """The words as sentences; the last one takes the rest if it is too short for another."""
    fewest, most = SENTENCE_WORDS
    first = 0
    while first < len(words):
        last = first + int(rng.integers(fewest, most + 1))
        if len(words) - last < fewest:
            last = len(words)
        own = list(words[first:last])
        own[len(own) // 2] += ","
        yield f"{_capital(' '.join(own))}."
        first = last


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
