"""Training data as arrays of word pieces, in one file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
Places = NDArray[np.int32]
Spans = NDArray[np.int16]


class Texts:
    """Texts of word pieces, one after another in one array."""

    def __init__(self, flat: Ids, lengths: NDArray[np.uint16]) -> None:
        """Take the pieces of all texts and the length of each."""
        self.flat, self.lengths = flat, lengths
        self._ends = np.cumsum(lengths, dtype=np.int64)

    @classmethod
    def of(cls, texts: Iterable[Sequence[int]]) -> "Texts":
        """The texts of these pieces."""
        rows = [np.asarray(text, np.int32) for text in texts]
        lengths = np.array([len(row) for row in rows], np.uint16)
        return cls(np.concatenate([*rows, np.zeros(0, np.int32)]), lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, number: int) -> Ids:
        end = int(self._ends[number])
        return self.flat[end - int(self.lengths[number]) : end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that training needs; rows are named by their numbers.

    `questions` are those of the pairs, `answering` the passage of each, `spans` the first and last
    piece of its answer there or -1. `unanswered` are questions that the passages `misleading` do
    not answer. `changed_questions` are near misses of the pairs `changed_from`, and right again
    for the changed passage `changed_to`, if that is not -1. `without` is the changed passage that
    lacks the answer of a pair, or -1. `sets` and `documents` are numbers of those of each pair and
    passage; what is `held` is kept from training.
    """

    passages: Texts
    titles: Texts
    documents: Places
    passage_sets: Places
    questions: Texts
    answering: Places
    spans: Spans
    sets: Places
    held: NDArray[np.bool_]
    without: Places
    unanswered: Texts
    misleading: Places
    unanswered_held: NDArray[np.bool_]
    changed_questions: Texts
    changed_from: Places
    changed_to: Places
    changed_passages: Texts
    changed_titles: Texts
    changed_spans: Spans
    set_names: NDArray[np.str_]

    def save(self, path: Path) -> None:
        """Write all arrays to an .npz file."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for field in fields(self):
            values = getattr(self, field.name)
            if isinstance(values, Texts):
                arrays[field.name] = values.flat
                arrays[f"{field.name}.lengths"] = values.lengths
            else:
                arrays[field.name] = values
        np.savez_compressed(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Prepared":
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            found: dict[str, Any] = {
                field.name: Texts(arrays[field.name], arrays[f"{field.name}.lengths"])
                if f"{field.name}.lengths" in arrays.files
                else arrays[field.name]
                for field in fields(cls)
            }
        return cls(**found)

    def same_question(self) -> dict[int, set[int]]:
        """The passages that answer the same question in other pairs, by pair."""
        by_words: dict[bytes, list[int]] = {}
        for number in range(len(self.questions)):
            by_words.setdefault(self.questions[number].tobytes(), []).append(number)
        return {
            number: {int(self.answering[each]) for each in pairs}
            for pairs in by_words.values()
            if len(pairs) > 1
            for number in pairs
        }
