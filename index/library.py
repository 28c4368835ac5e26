"""A library: articles, their passages and both indexes, in one folder."""

import shutil
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from threadpoolctl import threadpool_limits

from sourcebook.index.article import Article, article_id, sha256
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.tokens import TokenCodec
from sourcebook.index.errors import (
    BusyError,
    NotFoundError,
    SourcebookError,
    StorageError,
)
from sourcebook.index.ingest import (
    Action,
    Group,
    Prepared,
    prefetch,
    prepare,
    reembed,
    remove,
    set_encoder,
    upsert,
)
from sourcebook.index.search.derived import DENSE, LEXICAL, DerivedIndexes
from sourcebook.index.search.view import LibraryView, Searchable, check_encoder
from sourcebook.index.storage.records import ArticleRecord, Judgement
from sourcebook.index.storage.store import Store
from sourcebook.index.storage.view import View

DATABASE = "sourcebook.db"
LOCK = "writer.lock"

# A commit takes seconds, so whoever waits this long meets a rebuild or a re-encoding.
LOCK_TIMEOUT_S = 120
# Free disk space that a commit needs besides what it adds; an estimate of what both indexes take.
FREE_BYTES = 32_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The committed addition of one article."""

    action: Action
    record: ArticleRecord


class Library:
    """A folder of articles that can be searched; safe to share between threads and processes."""

    def __init__(self, folder: Path, encoder: Encoder, *, create: bool = False) -> None:
        """Open the library in `folder`; `create` makes one if there is none.

        Sets BLAS to one thread in this process.

        Raises `NotFoundError` if there is no library, `LibraryError` for one that is damaged, of a
        newer version, or made with another encoder.
        """
        # The matrix products of a question are too small for several threads: on busy cores these
        # wait for each other ten times as long as one thread computes.
        threadpool_limits(limits=1, user_api="blas")
        self.folder = folder
        self.encoder = encoder
        database = folder / DATABASE
        self._turn = threading.Lock()
        if not database.exists():
            if not create:
                raise _missing(folder)
            self._begin(database)
        self.store = Store(database)
        try:
            with self.store.view() as view:
                check_encoder(view, encoder)
                self.codec = TokenCodec.from_bytes(view.meta("codec"), encoder.dimensions)
                self.fingerprint = _fingerprint(view)
            self.indexes = DerivedIndexes(folder, encoder.dimensions, folder / LOCK, self._writing)
            self.indexes.discard_if_ahead(self.store)
            self._searchable = Searchable(
                encoder=encoder,
                codec=self.codec,
                indexes=self.indexes,
                fingerprint=self.fingerprint,
            )
            with self.view() as view:
                view.catch_up()
        except BaseException:
            self.store.close()
            raise

    def close(self) -> None:
        """Save the dense index, so that the next opening is quick, and close all files."""
        self.indexes.save()
        self.store.close()

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, articles: Iterable[Article]) -> list[Outcome]:
        """Add articles; when this returns, they are committed and can be found.

        An article replaces the one with the same source; if that is identical, nothing is written.
        Articles are committed in groups: after an error those of earlier groups stay added.
        """
        return list(self.adding(articles))

    def adding(self, articles: Iterable[Article]) -> Iterator[Outcome]:
        """Add articles lazily: yield each outcome once its article is committed.

        For callers that show progress; nothing is added unless the outcomes are iterated.
        """
        for group in prefetch(prepare(articles, self.encoder, self.codec, self._unchanged)):
            yield from self._commit(group)

    @contextmanager
    def view(self) -> Iterator[LibraryView]:
        """A view: a snapshot of the library that later writes do not change."""
        with self.store.view() as view:
            yield LibraryView(view, self._searchable)

    def remove(self, wanted: str) -> ArticleRecord:
        """Remove the article with this id; when this returns, no search finds it any more."""
        with self._writing():
            with self.store.write() as writer:
                check_encoder(writer, self.encoder)
                record = writer.record(wanted)
                writer.next_generation()
                remove(writer, record)
            self.indexes.after_write(self.store)
        return record

    def article(self, wanted: str) -> Article:
        """The whole article with this id. Raises `NotFoundError` if there is none."""
        with self.view() as view:
            return view.article(wanted)

    def holding(self, quote: str) -> list[str]:
        """Ids of the articles whose text contains exactly `quote`."""
        with self.view() as view:
            return view.holding(quote)

    def info(self) -> dict[str, Any]:
        """The library's content and its size, in articles, passages and bytes."""
        with self.view() as view:
            view.catch_up()
            return {
                "folder": str(self.folder),
                "generation": view.generation,
                "fingerprint": self.fingerprint,
                "encoder": view.meta("encoder_name"),
                **view.counts(),
                "publishers": view.distinct("publisher"),
                "languages": view.distinct("language"),
                "bytes": {
                    "database": _size(self.folder / DATABASE),
                    "dense": _size(self.folder / DENSE),
                    "lexical": _size(self.folder / LEXICAL),
                },
            }

    def drift(self) -> list[str]:
        """The differences between the indexes and the database; empty if there are none."""
        with self.view() as view:
            return self.indexes.drift(view)

    def record_failure(self, source: str, error: SourcebookError) -> None:
        """Record that `source` could not be added, so that it can be retried."""
        with self.store.write() as writer:
            writer.record_failure(source, error)

    def forget_failures(self, sources: Iterable[str]) -> set[str]:
        """Delete the recorded failures of these sources; returns the sources that had one."""
        wanted = set(sources)
        with self.view() as view:
            known = {failure.source for failure in view.failures()} & wanted
        if known:
            with self.store.write() as writer:
                for source in known:
                    writer.forget_failure(source)
        return known

    def add_judgement(self, judgement: Judgement) -> None:
        """Store a judgement."""
        with self.store.write() as writer:
            writer.add_judgement(judgement)

    def remove_judgement(self, wanted: str) -> bool:
        """Delete the judgement with this id; False if there is none."""
        with self.store.write() as writer:
            return writer.remove_judgement(wanted)

    def _begin(self, database: Path) -> None:
        """Create an empty library; a crash meanwhile leaves none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._writing():
            if database.exists():
                return
            temporary = database.with_suffix(".new")
            temporary.unlink(missing_ok=True)
            store = Store(temporary, create=True)
            with store.write() as writer:
                writer.set_meta("uuid", uuid.uuid4().hex)
                set_encoder(writer, self.encoder)
            store.close()
            temporary.rename(database)

    def _unchanged(self, source: str, content: str) -> ArticleRecord | None:
        """The article from this source if its content is the same, else None."""
        with self.view() as view:
            same = view.content_sha256(source) == content
            return view.record(article_id(source)) if same else None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the write lock; threads of this process queue without polling the lock file."""
        with self._turn, _write_lock(self.folder):
            yield

    def _commit(self, group: Group) -> list[Outcome]:
        outcomes: list[Outcome] = []
        with self._writing():
            self._check_room(group)
            with self.store.write() as writer:
                check_encoder(writer, self.encoder)
                if any(isinstance(item, Prepared) for item in group):
                    writer.next_generation()
                for item in group:
                    if isinstance(item, Prepared):
                        action = upsert(writer, item)
                        record = writer.record(item.article.id)
                    else:
                        action, record = Action.UNCHANGED, item
                    writer.forget_failure(record.source)
                    outcomes.append(Outcome(action=action, record=record))
            self.indexes.after_write(self.store)
        return outcomes

    def _check_room(self, group: Group) -> None:
        needed = FREE_BYTES + sum(item.nbytes for item in group if isinstance(item, Prepared))
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise StorageError(
                f"The disk of {self.folder} has {free:,} bytes left; this addition needs about "
                f"{needed:,}. Nothing was changed.",
                cure="Free some space, then add the same files again.",
            )


def reembed_library(folder: Path, encoder: Encoder) -> int:
    """Encode the library in `folder` again with another encoder, in one transaction.

    Returns the number of articles.
    """
    if not (folder / DATABASE).exists():
        raise _missing(folder)
    store = Store(folder / DATABASE)
    try:
        with _write_lock(folder), store.write() as writer:
            count = reembed(writer, encoder)
        (folder / DENSE).unlink(missing_ok=True)
    finally:
        store.close()
    return count


def _missing(folder: Path) -> NotFoundError:
    return NotFoundError(
        f"There is no library in {folder}.",
        cure=f"Make one: sourcebook --library {folder} add PATH",
    )


@contextmanager
def _write_lock(folder: Path) -> Iterator[None]:
    """Hold the library's write lock, which excludes other processes."""
    try:
        with FileLock(folder / LOCK, timeout=LOCK_TIMEOUT_S):
            yield
    except Timeout as error:
        raise BusyError(
            f"Another process has been writing to {folder} for {LOCK_TIMEOUT_S} s.",
            cure="Wait until it has finished, then try again.",
        ) from error
    except PermissionError as error:
        raise StorageError(
            f"The library in {folder} cannot be written to: {error}.",
            cure="Check the folder's permissions, then try again.",
        ) from error


def _fingerprint(view: View) -> str:
    """16 hex digits that identify the library and the encoder of its vectors."""
    return sha256(f"{view.meta('uuid')} {view.meta('encoder')} {sha256(view.meta('codec'))}")[:16]


def _size(path: Path) -> int:
    """The size of a file or folder in bytes; files deleted meanwhile count as 0."""
    files = path.rglob("*") if path.is_dir() else [path, path.with_name(path.name + "-wal")]
    total = 0
    for file in files:
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            continue
    return total
