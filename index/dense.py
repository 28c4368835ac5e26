"""The dense index: FAISS over pooled vectors, derived from the database and caught up with it."""

import json
import logging
import os
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.tokens import Vectors

# One question at a time gains nothing from a second thread, and loses when the cores are busy.
faiss.omp_set_num_threads(1)

log = logging.getLogger(__name__)

FORMAT = 1
# Past so many passages that the file does not know of, it is written anew.
STALE_PASSAGES = 5_000


class DenseIndex:
    """Exact inner-product search; knows the generation that it stands for.

    Safe to share between threads. The file is a line of JSON (format, dimensions, generation,
    checksum) and then what FAISS serialises.
    """

    def __init__(self, path: Path, dimensions: int) -> None:
        """Load `path` if it is whole; otherwise begin empty, at generation 0."""
        self._path = path
        self._dimensions = dimensions
        self._lock = threading.Lock()
        self.generation = 0
        self._unsaved = 0
        # FAISS's annotations know neither `sel` nor arrays as selectors: hence Any.
        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimensions))
        if path.exists():
            self._load()

    def __len__(self) -> int:
        """How many passages can be found."""
        return int(self._index.ntotal)

    def search(
        self, question: Vectors, count: int, allowed: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """The best `count` passages as (row number, cosine), best first.

        `question` is (dimensions,) of unit length; `allowed` restricts the search to these rows.
        """
        if not count or (allowed is not None and not allowed):
            return []
        parameters = None
        if allowed is not None:
            selector = faiss.IDSelectorBatch(np.asarray(allowed, dtype=np.int64))
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        with self._lock:
            scores, rows = self._index.search(
                question[None].astype(np.float32), count, params=parameters
            )
        return [(int(r), float(s)) for r, s in zip(rows[0], scores[0], strict=True) if r >= 0]

    def catch_up(
        self, generation: int, added: Sequence[tuple[int, bytes]], removed: Sequence[int]
    ) -> None:
        """Apply the changes since the index's generation: rows with their pooled vectors."""
        with self._lock:
            if generation <= self.generation:
                return
            gone = [*removed, *(row for row, _ in added)]
            if gone and self._index.ntotal:
                self._index.remove_ids(np.asarray(gone, dtype=np.int64))
            if added:
                rows = np.asarray([row for row, _ in added], dtype=np.int64)
                vectors = np.frombuffer(b"".join(v for _, v in added), dtype="<f4")
                self._index.add_with_ids(
                    vectors.reshape(-1, self._dimensions).astype(np.float32), rows
                )
            self.generation = generation
            self._unsaved += len(gone)

    def rows(self) -> NDArray[np.int64]:
        """The row numbers of all passages in the index."""
        with self._lock:
            return np.sort(faiss.vector_to_array(self._index.id_map))

    def clear(self) -> None:
        """Begin anew, at generation 0; the file goes too."""
        with self._lock:
            self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(self._dimensions))
            self.generation = self._unsaved = 0
            self._path.unlink(missing_ok=True)

    def save(self, *, only_if_stale: bool = False) -> None:
        """Write the file, so that the next opening has less to catch up with."""
        with self._lock:
            if not self._unsaved or (only_if_stale and self._unsaved < STALE_PASSAGES):
                return
            body = faiss.serialize_index(self._index).tobytes()
            head = {
                "format": FORMAT,
                "dimensions": self._dimensions,
                "generation": self.generation,
                "crc32": _checksum(self.generation, body),
            }
            self._unsaved = 0
        temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_bytes(json.dumps(head).encode() + b"\n" + body)
        temporary.replace(self._path)

    def _load(self) -> None:
        try:
            head, _, body = self._path.read_bytes().partition(b"\n")
            facts = json.loads(head)
            generation = int(facts["generation"])
            expected = {
                "format": FORMAT,
                "dimensions": self._dimensions,
                "crc32": _checksum(generation, body),
            }
            if any(facts.get(key) != value for key, value in expected.items()):
                raise ValueError(f"its head says {facts}, expected {expected}")
            self._index = faiss.deserialize_index(np.frombuffer(body, dtype=np.uint8))
            self.generation = generation
        except (ValueError, TypeError, KeyError, RuntimeError, OSError) as error:
            log.warning("%s is damaged (%s); rebuilding it from the database", self._path, error)


def _checksum(generation: int, body: bytes) -> int:
    """The CRC-32 of the index and of the generation that it claims."""
    return zlib.crc32(body, zlib.crc32(str(generation).encode()))
