"""Keeps the dense and the lexical index of a library in step with its database."""

import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.encoding.tokens import Vectors
from sourcebook.index.errors import BusyError, StorageError
from sourcebook.index.search.dense import DenseIndex
from sourcebook.index.search.lexical import LexicalEntry, LexicalIndex
from sourcebook.index.search.mirror import DENSE, LEXICAL, Mirror
from sourcebook.index.storage.access_mode import share
from sourcebook.index.storage.lock import locked
from sourcebook.index.storage.records import Moment
from sourcebook.index.storage.store import Store
from sourcebook.index.storage.view import View

# After an upgrade both are in a folder of this name and the generation that began with it.
DERIVED = "indexes-"

# Passages that are loaded from the database at a time: 15 MB of pooled vectors with 384 dimensions.
BLOCK = 10_000

log = logging.getLogger(__name__)


class DerivedIndexes:
    """The dense and the lexical index of one library.

    Each knows the moment of the database that it represents, and is never trusted blindly: an index
    behind the database is caught up, one that is ahead of it, too old or made from another database
    is rebuilt. Safe to share between threads.
    """

    def __init__(
        self,
        folder: Path,
        dimensions: int,
        lock: Path,
        writing: Callable[[], AbstractContextManager[None]],
        *,
        read_only: bool = False,
    ) -> None:
        """Open the indexes in `folder`; `writing` acquires the library's write lock, `lock`.

        Where nothing can be written there, `read_only`, this process has indexes of its own.
        """
        self._lock = lock
        self._writing = writing
        self._mirror = Mirror(folder) if read_only else None
        self._catching_up = threading.Lock()
        paths: tuple[Path | None, Path | None] = folder / DENSE, folder / LEXICAL
        if self._mirror:
            paths, self._writing = (self._mirror.dense, self._mirror.lexical), nullcontext
        else:
            folder.mkdir(exist_ok=True)
            share(folder, folder.parent)
        # Both verify checksums of all their files, which takes a while: in parallel.
        with ThreadPoolExecutor(2) as pool:
            dense = pool.submit(DenseIndex, paths[0], dimensions)
            lexical = pool.submit(LexicalIndex, paths[1], self._writing)
        self.dense, self.lexical = dense.result(), lexical.result()

    def discard_misfits(self, store: Store, derived: str) -> None:
        """Empty an index that was not made from this database, as after one was restored.

        Both were loaded before the database is looked at here, so none is ahead by a new write. A
        database that no longer names its indexes `derived` was upgraded since, and has others.
        """
        with store.view() as view:
            if view.derived != derived:
                return
            self._discard_dense(_misfit(self.dense.moment, view))
            misfit = _misfit(self.lexical.moment, view)
        if misfit:
            with self._writing(), store.view() as view:
                if view.derived == derived:
                    self.lexical.reload()
                    self._discard_lexical(_misfit(self.lexical.moment, view))

    def catch_up(self, view: View) -> None:
        """Bring both indexes up to the view.

        Where the lexical index cannot be written, it stays as it is.
        """
        self._catch_up_dense(view)
        if self._mirror:
            self._catch_up_mirror(self._mirror, view)
            return
        if self._lexical_behind(view):
            self.lexical.reload()
        if self._lexical_behind(view):
            try:
                busy = BusyError("Another writer is bringing the lexical index up to date.")
                with locked(self._lock, busy):
                    self._catch_up_lexical(view)
            except BusyError as error:
                log.debug("the lexical index is behind: %s", error)
            except (StorageError, OSError) as error:
                log.warning("the lexical index is behind: %s", error)

    def _catch_up_mirror(self, mirror: Mirror, view: View) -> None:
        with self._catching_up:
            if not self._lexical_behind(view):
                return
            mirror.link()  # perhaps a writer has brought the index up to date
            try:
                self.lexical = LexicalIndex(mirror.lexical) if mirror.lexical else self.lexical
                self._catch_up_lexical(view)
            except (StorageError, OSError, ValueError):  # the writer has deleted files meanwhile
                self.lexical.clear()
                self._catch_up_lexical(view)

    def build(self, view: View) -> None:
        """Build both, from nothing, and save them; the caller holds the write lock."""
        self._catch_up_dense(view)
        self._catch_up_lexical(view)
        self.dense.save()

    def rebuild(self, store: Store) -> None:
        """Build both anew; the caller holds the write lock."""
        self.dense.clear()
        self.lexical.clear()
        with store.view() as view:
            self.build(view)

    def after_write(self, store: Store) -> None:
        """Bring both indexes up to date; if one fails, the next search or write tries again.

        The caller holds the write lock.
        """
        try:
            with store.view() as view:
                self._catch_up_dense(view)
                self._catch_up_lexical(view)
            self.dense.save(only_if_stale=True)
            self._prune(store)
        except (StorageError, BusyError, OSError) as error:
            log.warning("the articles are safe, but an index is behind: %s", error)

    def save(self) -> None:
        """Save the dense index, so that the next opening is quick."""
        if self._mirror:
            return  # what this process has of its own goes with it
        try:
            self.dense.save()
        except OSError as error:
            log.warning("the dense index was not saved: %s", error)

    def drift(self, view: View) -> list[str]:
        """The differences between the indexes and the database; empty if there are none.

        What the indexes lack because it is damaged in the database is not among them.
        """
        self.catch_up(view)
        truth = set(view.added_since(0))
        moments = {"dense": self.dense.moment, "lexical": self.lexical.moment}
        found = {"dense": self.dense.rows().tolist(), "lexical": self.lexical.rows()}
        lost = {name: sorted(truth.difference(rows)) for name, rows in found.items()}
        few = {
            "dense": sum(
                len(rows) for rows, _ in _vectors(view, lost["dense"], self.dense.dimensions)
            ),
            "lexical": sum(1 for _ in _entries(view, lost["lexical"])),
        }
        many = {name: len(rows) - len(truth.intersection(rows)) for name, rows in found.items()}
        misfits = {name: _misfit(moment, view) for name, moment in moments.items()}
        return [f"the {name} index is {why}" for name, why in misfits.items() if why] + [
            f"the {name} index has {many[name]} passages too many and {few[name]} too few"
            for name in found
            if many[name] or few[name]
        ]

    def behind(self, view: View) -> list[str]:
        """How the indexes differ from the database, from what they say of themselves.

        Quick, because it reads no passages; the next search brings them up to date.
        """
        found = []
        for name, moment in {"dense": self.dense.moment, "lexical": self.lexical.moment}.items():
            if misfit := _misfit(moment, view):
                found.append(f"The {name} index is {misfit}.")
            elif moment.generation < view.generation:
                missing = view.generation - moment.generation
                found.append(f"The {name} index is {missing:,} changes behind.")
        return found

    def _prune(self, store: Store) -> None:
        """Delete the removals that both indexes have applied on disk."""
        with store.write() as writer:
            writer.prune_removed(min(self.dense.saved_generation(), self.lexical.generation))

    def _catch_up_dense(self, view: View) -> None:
        if _unusable(self.dense.moment, view):
            self.dense.reload()  # the file can be caught up, unless it is an old copy
            self._discard_dense(_unusable(self.dense.moment, view))
        since = self.dense.generation
        if since >= view.generation:
            return
        added, removed = view.added_since(since), view.removed_since(since)
        self.dense.catch_up(view.moment, _vectors(view, added, self.dense.dimensions), removed)

    def _lexical_behind(self, view: View) -> bool:
        moment = self.lexical.moment
        return moment.generation < view.generation or _unusable(moment, view) is not None

    def _discard_dense(self, misfit: str | None) -> None:
        if misfit:
            log.warning("the dense index is %s; rebuilding it", misfit)
            self.dense.clear()

    def _discard_lexical(self, misfit: str | None) -> None:
        """The caller holds the write lock."""
        if misfit:
            log.warning("the lexical index is %s; rebuilding it", misfit)
            self.lexical.clear()

    def _catch_up_lexical(self, view: View) -> None:
        """The caller holds the write lock."""
        self.lexical.reload()
        self._discard_lexical(_unusable(self.lexical.moment, view))
        since = self.lexical.generation
        if since < view.generation:
            added = view.added_since(since)
            # Passages that became searchable again may be in the index already.
            gone = [*view.removed_since(since), *added] if since else []
            self.lexical.catch_up(view.moment, _entries(view, added), gone)


def _unusable(moment: Moment, view: View) -> str | None:
    """Why an index of that moment cannot be caught up to the view; None where it can.

    One that is ahead of the view is none of its business: others write meanwhile.
    """
    if not 0 < moment.generation <= view.generation:
        return None
    if moment.generation < view.pruned:
        return "too old to be caught up"
    if moment.state != view.state(moment.generation):
        return "of another database, or of another copy of this one"
    return None


def _misfit(moment: Moment, view: View) -> str | None:
    """Why an index of that moment is not of the database that the latest view is of, or None."""
    if moment.generation > view.generation:
        return "newer than the database"
    return _unusable(moment, view)


def tidy(folder: Path, view: View) -> None:
    """Delete the indexes from before an upgrade, as far as that is possible."""
    if not view.derived or view.upgrade():
        return
    old = [path for path in folder.glob(f"{DERIVED}*") if path.name != view.derived]
    for path in (*old, folder / LEXICAL):
        shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        (folder / DENSE).unlink(missing_ok=True)


def _vectors(
    view: View, rows: Sequence[int], dimensions: int
) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
    for first in range(0, len(rows), BLOCK):
        found = [
            (row, vector)
            for row, vector in view.pooled(rows[first : first + BLOCK])
            if len(vector) == 4 * dimensions  # a damaged one cannot be found by its meaning
        ]
        vectors = np.frombuffer(b"".join(vector for _, vector in found), dtype="<f4")
        numbers = np.array([row for row, _ in found], dtype=np.int64)
        yield numbers, vectors.reshape(-1, dimensions).astype(np.float32)


def _entries(view: View, rows: Sequence[int]) -> Iterator[LexicalEntry]:
    for first in range(0, len(rows), BLOCK):
        passages = view.passages(rows[first : first + BLOCK])
        records = view.records_by_rowid({article for article, _ in passages.values()})
        for row, (article, passage) in passages.items():
            if article not in records:
                continue  # its record is damaged
            metadata = records[article].metadata
            yield LexicalEntry(
                row=row,
                article=article,
                context="\n".join([metadata.title, *passage.above]),
                text=passage.text,
                language=metadata.language,
            )
