"""The dense index: FAISS over pooled vectors, derived from the database."""

import json
import logging
import os
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sourcebook.index.encoding.tokens import Vectors
from sourcebook.index.processors import usable_processors
from sourcebook.index.storage.access_mode import share
from sourcebook.index.storage.records import Moment

Rows = NDArray[np.int64]

log = logging.getLogger(__name__)

FORMAT = 3
# The file is saved once this many passages or this share of all has changed since: saving it at
# every commit would write 150 MB at 100,000 passages (docs/decisions/0001-sqlite-is-the-truth.md).
STALE_PASSAGES, STALE_PART = 5_000, 0.05

# Up to this many passages a search compares every vector, in float32. Beyond, the vectors are in
# lists around centroids, at 8 bits a value, and a search probes the nearest lists. Measured in
# docs/decisions/0008-large-libraries.md. FAISS asks for 39 to 256 training vectors per list.
EXACT_UP_TO = 50_000
LISTS = 1_024
PROBES = 768
TRAINED_ON = 64 * LISTS
NOTHING = Moment(0, 0)
BLOCK = 50_000  # vectors that are copied at a time: 77 MB


class DenseIndex:
    """Search by inner product in one generation of the library.

    Exact for small libraries; beyond `EXACT_UP_TO` passages an inverted file, whose centroids are
    trained again whenever the library has doubled, so that they fit its content. Safe to share
    between threads. The file is a line of JSON (format, dimensions, moment, checksum) followed
    by FAISS's serialisation.
    """

    def __init__(self, path: Path | None, dimensions: int) -> None:
        """Load `path` if it exists and is intact; otherwise start empty, at generation 0.

        Without a path the index is kept in memory.
        """
        self._path = path
        self.dimensions = dimensions
        self._lock = threading.Lock()
        self.moment = NOTHING
        self._unsaved = 0
        self._trained_at = 0
        self._index = _exact(dimensions)
        if path and path.exists():
            self._load(path)

    def __len__(self) -> int:
        """The number of passages in the index."""
        return int(self._index.ntotal)

    @property
    def generation(self) -> int:
        """The generation of the library that the index represents."""
        return self.moment.generation

    def search(
        self, question: Vectors, count: int, allowed: Rows | None = None
    ) -> list[tuple[int, float]]:
        """The best `count` passages as (row number, cosine), best first.

        `question` is (dimensions,) of unit length; `allowed` restricts the search to these rows.
        In a large library the cosines are those of the vectors at 8 bits.
        """
        if not count or (allowed is not None and not len(allowed)):
            return []
        # A question is no faster with a second thread, and slower on busy cores. OpenMP keeps this
        # number per calling thread.
        faiss.omp_set_num_threads(1)
        with self._lock:
            scores, rows = self._index.search(
                question[None].astype(np.float32), count, params=self._parameters(allowed)
            )
        return [(int(r), float(s)) for r, s in zip(rows[0], scores[0], strict=True) if r >= 0]

    def catch_up(
        self, moment: Moment, added: Iterable[tuple[Rows, Vectors]], removed: Sequence[int]
    ) -> None:
        """Apply the changes since the index's generation.

        `added` are blocks of row numbers (passages,) with their vectors (passages, dimensions).
        """
        with self._lock:
            if moment.generation <= self.generation:
                return
            self._forget(np.asarray(removed, dtype=np.int64))
            for rows, vectors in added:
                self._forget(rows)
                self._index.add_with_ids(vectors, rows)
                self._unsaved += len(rows)
            self.moment = moment
        if len(self) > max(EXACT_UP_TO, 2 * self._trained_at):
            self._train()

    def rows(self) -> Rows:
        """The row numbers of all passages in the index."""
        with self._lock:
            found = [rows for rows, _ in _blocks(self._index)]
        return np.sort(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)

    def clear(self) -> None:
        """Start again empty, at generation 0, and delete the file."""
        with self._lock:
            self._index = _exact(self.dimensions)
            self.moment = NOTHING
            self._unsaved = self._trained_at = 0
            if self._path:
                self._path.unlink(missing_ok=True)

    def save(self, *, only_if_stale: bool = False) -> None:
        """Save the index, so that the next opening has less to catch up with."""
        if not self._path or self.saved_generation() > self.generation:
            return  # there is no file, or another process has saved more
        with self._lock:
            stale = max(STALE_PASSAGES, STALE_PART * len(self))
            if not self._unsaved or (only_if_stale and self._unsaved < stale):
                return
            body = faiss.serialize_index(self._index)
            head = {
                "format": FORMAT,
                "dimensions": self.dimensions,
                "generation": self.moment.generation,
                "state": self.moment.state,
                "trained_at": self._trained_at,
            }
            self._unsaved = 0
        head["crc32"] = _checksum(head, body)
        temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("wb") as file:
            file.write(json.dumps(head).encode() + b"\n")
            file.write(body.data)
        share(temporary, self._path.parent)
        temporary.replace(self._path)

    def saved_generation(self) -> int:
        """The generation in the first line of the file; 0 if there is no file."""
        if not self._path:
            return 0
        try:
            with self._path.open("rb") as file:
                return int(json.loads(file.readline())["generation"])
        except (OSError, ValueError, TypeError, KeyError):
            return 0

    def reload(self) -> None:
        """Load the file if it is of a later generation than this index."""
        if self._path and self.saved_generation() > self.generation:
            self._load(self._path)

    def _forget(self, rows: Rows) -> None:
        if len(rows) and self._index.ntotal:
            self._unsaved += int(self._index.remove_ids(rows))

    def _parameters(self, allowed: Rows | None) -> Any:
        """FAISS's search parameters; the fewer passages are allowed, the more lists are probed."""
        options: dict[str, Any] = {}
        share = 1.0
        if allowed is not None:
            bits = np.zeros(int(allowed.max()) + 1, dtype=bool)
            bits[allowed] = True
            bitmap: Any = np.packbits(bits, bitorder="little")
            options["sel"] = faiss.IDSelectorBitmap(bitmap)  # type: ignore[call-arg]
            share = len(allowed) / max(1, len(self))
        if not self._trained_at:
            return faiss.SearchParameters(**options) if options else None
        probes = min(LISTS, round(PROBES / share))
        return faiss.SearchParametersIVF(nprobe=probes, **options)  # type: ignore[call-arg]

    def _train(self) -> None:
        """Group all vectors around new centroids, while searches use the old ones.

        If another thread changes the index meanwhile, the new grouping is discarded.
        """
        with self._lock:
            index, moment = faiss.clone_index(self._index), self.moment
        total = int(index.ntotal)
        log.info("grouping the vectors of %d passages", total)
        step = -(-total // TRAINED_ON)
        with threadpool_limits(limits=usable_processors()):
            samples = [
                vectors[number % step :: step] for number, (_, vectors) in enumerate(_blocks(index))
            ]
            made = _inverted(self.dimensions, np.concatenate(samples))
            for rows, vectors in _blocks(index):
                made.add_with_ids(vectors, rows)
        with self._lock:
            if self.moment == moment:
                self._index, self._trained_at = made, total
                self._unsaved = total

    def _load(self, path: Path) -> None:
        """Load the file; a damaged one is deleted."""
        try:
            with path.open("rb") as file:
                facts = json.loads(file.readline())
                body = np.fromfile(file, dtype=np.uint8)
            if facts["format"] != FORMAT:
                raise ValueError("it is of another version")
            crc = facts.pop("crc32")
            if facts["dimensions"] != self.dimensions or crc != _checksum(facts, body):
                raise ValueError("it is damaged")
            index = faiss.deserialize_index(body)
            moment = Moment(int(facts["generation"]), int(facts["state"]))
            trained_at = int(facts["trained_at"])
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            log.warning("%s is rebuilt from the database: %s", path, error)
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s cannot be read (%s); rebuilding it from the database", path, error)
        else:
            with self._lock:
                self._index, self.moment, self._trained_at = index, moment, trained_at
                self._unsaved = 0


def _exact(dimensions: int) -> Any:
    # Any, because FAISS's annotations know neither `sel` nor arrays as selectors.
    return faiss.IndexIDMap2(faiss.IndexFlatIP(dimensions))


def _inverted(dimensions: int, samples: Vectors) -> Any:
    """An empty inverted file around the centroids of `samples` (vectors, dimensions)."""
    centroids = faiss.IndexFlatIP(dimensions)
    index = faiss.IndexIVFScalarQuantizer(
        centroids,
        dimensions,
        LISTS,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
        False,  # vectors are quantised themselves, not their differences from the centroids
    )
    # Later vectors may lie a little outside the range of the samples.
    index.sq.rangestat_arg = 0.1
    index.train(samples)
    return index


def _blocks(index: Any) -> Iterator[tuple[Rows, Vectors]]:
    """The whole index in blocks: row numbers and vectors (passages, dimensions)."""
    if isinstance(index, faiss.IndexIDMap2):
        rows = faiss.vector_to_array(index.id_map)
        for first in range(0, len(rows), BLOCK):
            block = rows[first : first + BLOCK]
            yield block, index.index.reconstruct_n(first, len(block))
        return
    lists = index.invlists
    for number in range(index.nlist):
        if size := lists.list_size(number):
            rows = faiss.rev_swig_ptr(lists.get_ids(number), size).copy()
            codes = faiss.rev_swig_ptr(lists.get_codes(number), size * index.code_size)
            yield rows, index.sq.decode(codes.reshape(size, -1))


def _checksum(head: dict[str, Any], body: NDArray[np.uint8]) -> int:
    """The CRC-32 of the index and of the facts in its first line."""
    return zlib.crc32(body.data, zlib.crc32(json.dumps(head, sort_keys=True).encode()))
