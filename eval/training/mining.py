"""Passages that share the most words with a question and do not answer it."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sourcebook.eval.training.prepared import Places, Prepared, Texts

MINED = 24
# BM25's usual constants (Robertson and Zaragoza, 2009).
K1, B = 1.2, 0.75
QUESTIONS_AT_ONCE = 500


def mine_by_words(data: Prepared) -> Places:
    """The `MINED` passages of its set that BM25 over word pieces puts first for each pair, or -1.

    Those that answer the pair's question are left out. So a reader learns that shared words are no
    answer.
    """
    words = 1 + max(int(texts.flat.max(initial=0)) for texts in (data.passages, data.questions))
    found = np.full((len(data.questions), MINED), -1, np.int32)
    same = data.same_question()
    for number in range(len(data.set_names)):
        there = np.flatnonzero(data.passage_sets == number)
        weights = _weights(_counts(data.passages, there, words)).T.tocsc()
        pairs = np.flatnonzero(data.sets == number)
        for at in range(0, len(pairs), QUESTIONS_AT_ONCE):
            part = pairs[at : at + QUESTIONS_AT_ONCE]
            scores = (_counts(data.questions, part, words).sign() @ weights).toarray()
            for pair, row in zip(part.tolist(), scores, strict=True):
                right = {int(data.answering[pair]), *same.get(pair, ())}
                best = np.argsort(-row, kind="stable")[: MINED + len(right)]
                sharing = there[best[row[best] > 0]].tolist()
                wrong = [passage for passage in sharing if passage not in right][:MINED]
                found[pair, : len(wrong)] = wrong
    return found


def _counts(texts: Texts, numbers: NDArray[np.int64], words: int) -> sparse.csr_array:
    """(texts, words): how often each word piece occurs."""
    rows = [texts[number] for number in numbers.tolist()]
    ends = np.cumsum([0, *map(len, rows)])
    pieces = np.concatenate([*rows, np.zeros(0, np.int32)])
    counts = sparse.csr_array(
        (np.ones(len(pieces), np.float32), pieces, ends), shape=(len(rows), words)
    )
    counts.sum_duplicates()
    return counts


def _weights(counts: sparse.csr_array) -> sparse.csr_array:
    """The BM25 weight of each word piece in each passage."""
    total, lengths = counts.shape[0], np.asarray(counts.sum(axis=1)).ravel()
    holding = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = np.log1p((total - holding + 0.5) / (holding + 0.5)).astype(np.float32)
    norms = K1 * (1 - B + B * lengths / max(1.0, lengths.mean())) if total else lengths
    often = counts.data
    often = often * (K1 + 1) / (often + np.repeat(norms, np.diff(counts.indptr)))
    return sparse.csr_array(
        (often * rarity[counts.indices], counts.indices, counts.indptr), shape=counts.shape
    )
