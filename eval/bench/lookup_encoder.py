"""A stand-in for the encoder's network, so that libraries of a million passages can be built."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sourcebook.eval.bench.synthetic import vocabulary, word_shares
from sourcebook.index.article import sha256
from sourcebook.index.encoding.encoder import Encoder, Model
from sourcebook.index.encoding.model_files import DEFAULT_MODEL
from sourcebook.index.encoding.tokens import Vectors, normalise

BATCH = 512  # words per pass through the network while the table is made


class LookupEncoder(Encoder):
    """The encoder with a table in place of its network: one unit vector per word.

    The pooled vector of a passage is the mean of its rows, scaled to unit length. A question also
    goes through the real network, whose result is dropped, so that it takes the real time. Name
    and fingerprint differ from the encoder's, so a library of one does not open with the other.
    """

    def __init__(self, cache: Path, model: str = DEFAULT_MODEL) -> None:
        """Load `model` and its table, which the first use writes into the folder `cache`.

        Raises InputError if there is no such model.
        """
        super().__init__(model)
        self.name = f"{model} (lookup)"
        path = cache / f"lookup-{self.fingerprint[:16]}.npy"
        self.fingerprint = sha256(f"lookup {self.fingerprint}")
        if not path.exists():
            self._write_table(path)
        # Mapped, so that only the rows in use count as memory of the process that is measured.
        table = np.load(path, mmap_mode="r")
        self._model: Model = LookupModel(self._model, table)

    def _write_table(self, path: Path) -> None:
        """Write the token vector of each word of the vocabulary, encoded alone.

        The mean vector, weighted by how often a word occurs in a synthetic corpus, is subtracted.
        With it all passages would be alike (mean cosine .90). Without it two passages have .00 and
        the nearest of 8,000 has .38; the real network gives the same texts .27 and .53. The rows of
        punctuation and of parts of words, which do not occur in those texts, are zero.
        """
        words = np.array(list(vocabulary(self).values()))
        before, *after = self._tokenizer.encode("").ids

        def alone(start: int) -> Vectors:
            middle = words[start : start + BATCH]
            around = [np.full_like(middle, piece) for piece in (before, *after)]
            ids = np.stack([around[0], middle, *around[1:]], axis=1)
            return self._model.forward(ids, np.ones_like(ids))[0][:, 1]

        with ThreadPoolExecutor(self._model.streams) as pool:
            rows = normalise(np.concatenate(list(pool.map(alone, range(0, len(words), BATCH)))))
        common = word_shares(len(words)).astype(np.float32) @ rows
        pieces = max(self._tokenizer.get_vocab().values()) + 1
        table = np.zeros((pieces, rows.shape[1]), np.float32)
        table[words] = normalise(rows - common)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.npy")
        np.save(temporary, table)
        temporary.replace(path)


class LookupModel:
    """A `Model` that takes its vectors from a table; see `LookupEncoder`."""

    def __init__(self, network: Model, table: Vectors) -> None:
        """Look up in `table` (word pieces, dimensions); questions also go through `network`."""
        self.streams = network.streams
        self._network = network
        self._table = table

    def forward(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Vectors, Vectors]:
        """(texts, pieces) ids and mask to token vectors and unit pooled vectors."""
        if len(ids) == 1:  # a question; passages come in batches
            self._network.forward(ids, mask)
        tokens: Vectors = np.asarray(self._table[ids])
        pooled = np.einsum("tp,tpd->td", mask.astype(np.float32), tokens)
        return tokens, normalise(pooled)
