"""The word vectors that two networks share, in 4 bits, gathered from a mapped file."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]

# The file of them in a model's folder.
WORD_VECTORS = "words.npy"

# A group of 32 values: its scale in half precision, then two codes a byte, the lower half first.
SCALE_BYTES = 2

# What four codes, two bytes, stand for: (65536, 4), 1 MB.
_CODES = np.arange(1 << 16, dtype=np.int32)[:, None] >> np.arange(0, 16, 4) & 15
LEVELS = (_CODES - 8).astype(np.float32)


class WordVectors:
    """The vectors of a vocabulary's word pieces. Safe to share between threads and processes.

    The file is a NumPy array of bytes (pieces, groups, 18). It is mapped, so processes share it,
    and only the pages that are read take memory.
    """

    def __init__(self, path: Path) -> None:
        """Map the file. Raises `OSError` or `ValueError` where it is none of ours."""
        packed = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        if packed.dtype != np.uint8 or packed.ndim != 3:
            raise ValueError(f"{path} holds {packed.dtype} of {packed.ndim} dimensions")
        self._packed: NDArray[np.uint8] = packed
        self.dimensions = packed.shape[1] * (packed.shape[2] - SCALE_BYTES) * 2

    def __len__(self) -> int:
        return len(self._packed)

    def gather(self, ids: Ids) -> Floats:
        """(texts, pieces) to (texts, pieces, dimensions)."""
        distinct, places = np.unique(ids, return_inverse=True)
        rows = self._packed.take(distinct, axis=0)
        scales = rows[:, :, :SCALE_BYTES].copy().view("<f2").astype(np.float32)
        codes = rows[:, :, SCALE_BYTES:].copy().view("<u2")
        # `take` is many times as quick here as an index in brackets.
        values = LEVELS.take(codes, axis=0).reshape(*codes.shape[:2], -1)
        values *= scales
        gathered: Floats = values.reshape(len(distinct), -1).take(places.ravel(), axis=0)
        return gathered.reshape(*ids.shape, self.dimensions)
