"""Batches of word pieces for training: examples in groups for the reader, rows for the encoder."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sourcebook.eval.training.prepared import Ids, Places, Prepared
from sourcebook.index.encoding.reader import PAIR_PIECES

# The marks of multilingual-e5-small: first of a text, filler, last of a text.
BEGIN, FILLER, END = 0, 1, 2
MULTIPLE = 16

# How much more or less often than by the size of its set (to the power of .7) a pair is drawn:
# sets of one kind of text less, those whose negatives people chose more.
SHARES = {
    "policyqa": 0.4,
    "squadshifts_amazon": 0.6,
    "squadshifts_reddit": 0.7,
    "medquad": 0.7,
    "squad2_dev": 2.5,
    "nq_lost": 1.5,
    "nq_qed": 1.5,
    "nq_mlq": 1.2,
    "selqa": 1.3,
    "trecqa": 1.2,
    "molweni": 0.4,
    "quoref_contrast": 1.3,
    "clapnq_dev": 1.5,
    "covidqa_old": 0.8,
    "tweetqa": 0.8,
    "written": 3.0,
}
# Each question of SQuAD 2 was read dozens of times in the first training: half as often since.
UNANSWERED_SHARES = {
    "squad2_dev": 1.5,
    "clapnq_dev": 2.0,
    "trecqa": 0.5,
    "molweni": 0.5,
    "written": 1.5,
}
# Other passages of a document of these often answer, too: they count half as wrong.
LOOSE_SETS = ("policyqa", "feedbackqa_quebec", "covid_faq")

KINDS = (
    "right",
    "mined",
    "same document",
    "easy",
    "answer taken out",
    "question changed",
    "both changed",
    "passage changed",
    "people",
)


@dataclass(frozen=True, slots=True)
class Example:
    """A question with a passage that answers it or does not, in a group of such.

    `first` and `last` are the pieces of the answer in the passage, or -1; `kind` is a place in
    `KINDS`.
    """

    question: Ids
    title: Ids
    passage: Ids
    answers: bool
    weight: float
    group: int
    kind: int
    first: int = -1
    last: int = -1


@dataclass(frozen=True, slots=True)
class ReaderBatch:
    """Examples as arrays.

    `ids` and `mask` (examples, pieces); `seconds` is where title and passage begin; `spans`
    (examples, 2) are the places of the answer's first and last piece, 0 where there is none, and
    `span_weights` how much they count.
    """

    ids: Ids
    mask: Ids
    seconds: Places
    spans: Places
    span_weights: NDArray[np.float32]
    answers: NDArray[np.float32]
    weights: NDArray[np.float32]
    groups: Places
    kinds: Places


class Sampler:
    """Draws rows by the share of their sets."""

    def __init__(
        self,
        sets: Places,
        names: Sequence[str],
        shares: Mapping[str, float],
        use: NDArray[np.bool_],
    ) -> None:
        """Take the set of each row, and which rows to use."""
        self._rows = [np.flatnonzero((sets == number) & use) for number in range(len(names))]
        sizes = [
            len(rows) ** 0.7 * shares.get(name, 1.0)
            for rows, name in zip(self._rows, names, strict=True)
        ]
        self._shares = np.array(sizes) / sum(sizes)

    def draw(self, count: int, rng: np.random.Generator) -> list[int]:
        """So many rows; some may be the same."""
        chosen = rng.choice(len(self._rows), count, p=self._shares)
        return [int(rng.choice(self._rows[number])) for number in chosen]

    def draw_sets(self, count: int, size: int, rng: np.random.Generator) -> list[int]:
        """At most `size` different rows of each of so many sets."""
        found: list[int] = []
        for number in rng.choice(len(self._rows), count, p=self._shares):
            rows = self._rows[number]
            found += rng.choice(rows, min(size, len(rows)), replace=False).tolist()
        return list(dict.fromkeys(found))


class Groups:
    """Makes the reader's examples: a question with a passage that answers, and ones that do not.

    `mined` (pairs, n) are passages that come near to an answer of each question, or -1.
    """

    def __init__(self, data: Prepared, mined: Places) -> None:
        """Index the data by document and by changed question."""
        self._data, self._mined = data, mined
        self._same = data.same_question()
        self._changed: dict[int, list[int]] = defaultdict(list)
        for number, origin in enumerate(data.changed_from.tolist()):
            self._changed[origin].append(number)
        self._mates: dict[int, list[int]] = defaultdict(list)
        for number, document in enumerate(data.documents.tolist()):
            self._mates[document].append(number)
        names = data.set_names.tolist()
        self._loose = {number for number, name in enumerate(names) if name in LOOSE_SETS}
        self._pairs = Sampler(data.sets, names, SHARES, ~data.held)
        unanswered = data.passage_sets[data.misleading]
        self._unanswered = (
            Sampler(unanswered, names, UNANSWERED_SHARES, ~data.unanswered_held)
            if (~data.unanswered_held).any()
            else None
        )

    def draw(self, groups: int, rng: np.random.Generator) -> list[Example]:
        """The examples of so many groups, and a third as many unanswerable questions."""
        unanswered = self._unanswered.draw(groups // 3, rng) if self._unanswered else []
        return self.examples(self._pairs.draw(groups, rng), unanswered, rng)

    def examples(
        self, pairs: Sequence[int], unanswered: Sequence[int], rng: np.random.Generator
    ) -> list[Example]:
        """The examples of these pairs and unanswerable questions."""
        found = []
        for group, pair in enumerate(pairs):
            found += self._group(pair, group, rng)
        for offset, number in enumerate(unanswered):
            passage = int(self._data.misleading[number])
            question = self._data.unanswered[number]
            group = len(pairs) + offset
            found.append(Example(question, *self._texts(passage), False, 1.0, group, 8))
        return found

    def _group(self, pair: int, group: int, rng: np.random.Generator) -> list[Example]:
        data = self._data
        question, right = data.questions[pair], int(data.answering[pair])
        first, last = data.spans[pair].tolist()
        found = [Example(question, *self._texts(right), True, 1.0, group, 0, first, last)]
        found += [
            Example(question, *self._texts(passage), False, weight, group, kind)
            for passage, (weight, kind) in self._wrong(pair, right, rng).items()
            if passage != right
        ]
        without = int(data.without[pair])
        if without >= 0 and rng.random() < 0.6:
            found.append(Example(question, *self._changed_texts(without), False, 0.8, group, 4))
        if self._changed[pair] and rng.random() < 0.75:
            found += self._near_misses(pair, right, group, rng)
        return found

    def _near_misses(
        self, pair: int, right: int, group: int, rng: np.random.Generator
    ) -> list[Example]:
        """A changed question and, if there is one, the passage that is changed alike."""
        data = self._data
        number = int(rng.choice(self._changed[pair]))
        question, target = data.changed_questions[number], int(data.changed_to[number])
        # A changed question is a group of its own.
        found = [Example(question, *self._texts(right), False, 0.5, -1 - group, 5)]
        if target >= 0:
            texts = self._changed_texts(target)
            span = data.changed_spans[target].tolist()
            found.append(Example(question, *texts, True, 0.5, -1 - group, 6, *span))
            found.append(Example(data.questions[pair], *texts, False, 0.6, group, 7))
        return found

    def _wrong(
        self, pair: int, right: int, rng: np.random.Generator
    ) -> dict[int, tuple[float, int]]:
        """Passages that do not answer, with their weight and kind."""
        data = self._data
        mined = [int(each) for each in self._mined[pair] if each >= 0][:14]
        chosen = rng.permutation(mined)[:2].tolist() if mined else []
        wrong: dict[int, tuple[float, int]] = {int(each): (0.6, 1) for each in chosen}
        mate = int(rng.choice(self._mates[int(data.documents[right])]))
        if mate != right and mate not in self._same.get(pair, ()):
            loose = int(data.sets[pair]) in self._loose
            wrong.setdefault(mate, (0.3 if loose else 0.6, 2))
        if rng.random() < 0.25:
            wrong.setdefault(int(rng.integers(len(data.passages))), (0.5, 3))
        return wrong

    def _texts(self, passage: int) -> tuple[Ids, Ids]:
        return self._data.titles[passage], self._data.passages[passage]

    def _changed_texts(self, passage: int) -> tuple[Ids, Ids]:
        return self._data.changed_titles[passage], self._data.changed_passages[passage]


def shortened(example: Example, rng: np.random.Generator) -> Example:
    """The example without its title (one of five), and with a part of its passage (a third)."""
    title = example.title[:0] if rng.random() < 0.2 else example.title
    length = len(example.passage)
    has_span = example.first >= 0 and example.last < length
    start, size = 0, length
    if length > 40 and rng.random() < 0.33 and (has_span or not example.answers):
        least = max(24, example.last - example.first + 1)
        size = int(rng.integers(min(least, length), length + 1))
        low, high = 0, length - size
        if has_span:
            low, high = max(0, example.last - size + 1), min(example.first, high)
        start = int(rng.integers(low, high + 1))
    moved = (example.first - start, example.last - start) if has_span else (-1, -1)
    return Example(
        example.question,
        title,
        example.passage[start : start + size],
        example.answers,
        example.weight,
        example.group,
        example.kind,
        *moved,
    )


def reader_batch(examples: Sequence[Example]) -> ReaderBatch:
    """The examples as the reader reads them (`index.encoding.reader.PairTokenizer`)."""
    rows, seconds, firsts = [], [], []
    for example in examples:
        before = [BEGIN, *example.question, END, END]
        row = [*before, *example.title, *example.passage][: PAIR_PIECES - 1]
        rows.append([*row, END])
        seconds.append(len(before))
        firsts.append(len(before) + len(example.title))
    lengths = np.array([len(row) for row in rows])
    first = np.array(firsts)
    spans = np.array([[each.first, each.last] for each in examples]) + first[:, None]
    held = np.array([each.first >= 0 for each in examples]) & (spans[:, 1] < lengths - 1)
    answers = np.array([each.answers for each in examples])
    weights = np.array([each.weight for each in examples], np.float32)
    # Where there is no answer, the first mark is its start and end; that counts little.
    span_weights = np.where(held, np.sqrt(weights), 0) + 0.2 * ~answers
    ids, mask = filled(rows)
    return ReaderBatch(
        ids=ids,
        mask=mask,
        seconds=np.array(seconds, np.int32),
        spans=np.where(held[:, None], spans, 0).astype(np.int32),
        span_weights=span_weights.astype(np.float32),
        answers=answers.astype(np.float32),
        weights=weights,
        groups=np.array([each.group for each in examples], np.int32),
        kinds=np.array([each.kind for each in examples], np.int32),
    )


def step_batches(groups: Groups, size: int, step: int) -> list[ReaderBatch]:
    """The parts of one step's batch of `size` groups; equal steps get equal batches."""
    rng = np.random.default_rng(step)
    examples = [shortened(each, rng) for each in groups.draw(size, rng)]
    # What is about as long goes together, so that little is filled up.
    examples.sort(key=length)
    quarter = math.ceil(len(examples) / 4)
    return [reader_batch(examples[at : at + quarter]) for at in range(0, len(examples), quarter)]


def length(example: Example) -> int:
    """How many word pieces an example has."""
    return len(example.question) + len(example.title) + len(example.passage)


def encoder_rows(texts: Sequence[Sequence[Ids]], prefix: Sequence[int], most: int) -> list[Ids]:
    """Each text, of several parts, behind the prefix and between the marks."""
    return [
        np.concatenate([[BEGIN], np.concatenate([prefix, *parts])[: most - 2], [END]]).astype(
            np.int32
        )
        for parts in texts
    ]


def filled(rows: Sequence[Sequence[int] | Ids]) -> tuple[Ids, Ids]:
    """The rows filled up to one length, and the mask that tells what is theirs."""
    longest = -(-max(map(len, rows)) // MULTIPLE) * MULTIPLE
    ids = np.full((len(rows), longest), FILLER, np.int32)
    mask = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return ids, mask
