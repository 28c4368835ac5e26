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
    ahead,
    prepare,
    put,
    reembed,
    remove,
    set_encoder,
)
from sourcebook.index.search.derived import DENSE, LEXICAL, DerivedIndexes
from sourcebook.index.search.view import LibraryView, Searchable, check_encoder
from sourcebook.index.storage.records import ArticleRecord, Judgement
from sourcebook.index.storage.store import Store
from sourcebook.index.storage.view import View

DATABASE = "sourcebook.db"
LOCK = "writer.lock"

LOCK_TIMEOUT_S = 120
# An addition begins only when this much room is left beside what it brings.
FREE_BYTES = 32_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One article's addition, committed: `copy_of` names the article that it repeats."""

    action: Action
    record: ArticleRecord


class Library:
    """One folder of articles that can be searched; safe between threads and processes."""

    def __init__(self, folder: Path, encoder: Encoder, *, create: bool = False) -> None:
        """Open the library in `folder`; `create` begins one where there is none.

        From then on one thread computes each matrix product of this process.

        Raises `NotFoundError` where there is no library, `LibraryError` for one that is damaged,
        of a newer version, or made with another encoder.
        """
        # The products of one question are too small to share out: on busy cores threads wait for
        # each other ten times as long as one alone computes.
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
        """Save what makes the next opening quick, and let go of the files."""
        self.indexes.save()
        self.store.close()

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, articles: Iterable[Article]) -> list[Outcome]:
        """Add all of these articles; when this returns, each is committed and can be found.

        An article whose source is known already replaces that one, or is left alone when nothing
        about it has changed. Commits go in groups, so an error leaves the groups before it added.
        """
        return list(self.adding(articles))

    def adding(self, articles: Iterable[Article]) -> Iterator[Outcome]:
        """As `add`, but lazily: an outcome is yielded once its article is committed.

        For callers that show progress: nothing is added unless the outcomes are iterated.
        """
        for group in ahead(prepare(articles, self.encoder, self.codec, self._unchanged)):
            yield from self._commit(group)

    @contextmanager
    def view(self) -> Iterator[LibraryView]:
        """A view of the library, the same whatever is written meanwhile."""
        with self.store.view() as view:
            yield LibraryView(view, self._searchable)

    def remove(self, wanted: str) -> ArticleRecord:
        """Remove the article of that id; when this returns, nothing finds it any more."""
        with self._writing():
            with self.store.write() as writer:
                check_encoder(writer, self.encoder)
                record = writer.record(wanted)
                writer.next_generation()
                remove(writer, record)
            self.indexes.after_write(self.store)
        return record

    def article(self, wanted: str) -> Article:
        """The whole article of that id; `NotFoundError` if there is none."""
        with self.view() as view:
            return view.article(wanted)

    def holding(self, quote: str) -> list[str]:
        """Ids of the articles whose text holds `quote`, code point for code point."""
        with self.view() as view:
            return view.holding(quote)

    def info(self) -> dict[str, Any]:
        """What the library holds and how large it is, in articles, passages and bytes."""
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
        """How the derived indexes differ from the database; nothing when all is well."""
        with self.view() as view:
            return self.indexes.drift(view)

    def record_failure(self, source: str, error: SourcebookError) -> None:
        """Remember that `source` could not be added, so that it can be tried again."""
        with self.store.write() as writer:
            writer.record_failure(source, error)

    def forget_failures(self, sources: Iterable[str]) -> set[str]:
        """Forget that these sources could not be added; those of them that were remembered."""
        wanted = set(sources)
        with self.view() as view:
            known = {failure.source for failure in view.failures()} & wanted
        if known:
            with self.store.write() as writer:
                for source in known:
                    writer.forget_failure(source)
        return known

    def add_judgement(self, judgement: Judgement) -> None:
        """Keep what a reader said of an answer."""
        with self.store.write() as writer:
            writer.add_judgement(judgement)

    def remove_judgement(self, wanted: str) -> bool:
        """Delete the judgement of that id; False if there is none."""
        with self.store.write() as writer:
            return writer.remove_judgement(wanted)

    def _begin(self, database: Path) -> None:
        """Make an empty library; a crash meanwhile leaves none."""
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
        """The article of that source, if the library holds it with just this content."""
        with self.view() as view:
            same = view.content_sha256(source) == content
            return view.record(article_id(source)) if same else None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the write lock; threads of this process take turns without polling the file."""
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
                        action = put(writer, item)
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
    """Encode the library in `folder` anew with another encoder, all or nothing.

    Returns the number of its articles.
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
    """Hold the library's write lock, shared by all processes."""
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
    """16 hex digits that name the library and how its vectors were made."""
    return sha256(f"{view.meta('uuid')} {view.meta('encoder')} {sha256(view.meta('codec'))}")[:16]


def _size(path: Path) -> int:
    """The bytes of a file or folder; files that vanish meanwhile count nothing."""
    files = path.rglob("*") if path.is_dir() else [path, path.with_name(path.name + "-wal")]
    total = 0
    for file in files:
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            continue
    return total
