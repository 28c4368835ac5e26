"""A library: articles, their passages and both indexes, in one folder."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from sourcebook.index.article import Article
from sourcebook.index.corrections import Corrections, changed, encoded_alike
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.tokens import TokenCodec
from sourcebook.index.errors import (
    BusyError,
    InputError,
    SourcebookError,
)
from sourcebook.index.folder import DATABASE, begin, missing, sizes
from sourcebook.index.ingest import (
    Action,
    Group,
    Prepared,
    Watch,
    correct,
    corrected_anew,
    encode_articles,
    encoded_anew,
    prefetch,
    prepare,
    remove,
    unchanged,
    upsert,
    with_corrections,
)
from sourcebook.index.opened import AtHand, Opened, key_of
from sourcebook.index.originals import is_settled, settle, settle_all
from sourcebook.index.search.derived import DerivedIndexes
from sourcebook.index.search.view import LibraryView, Searchable, check_encoder
from sourcebook.index.storage import trash
from sourcebook.index.storage.access_mode import read_only
from sourcebook.index.storage.lock import LOCK, locked, write_lock
from sourcebook.index.storage.records import ArticleRecord, Judgement
from sourcebook.index.storage.room import check_room
from sourcebook.index.storage.store import Store
from sourcebook.index.storage.view import View
from sourcebook.index.storage.writer import Writer

log = logging.getLogger(__name__)
UNWATCHED = Watch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The committed addition of one article."""

    action: Action
    record: ArticleRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """An article before its metadata were corrected, and after."""

    before: ArticleRecord
    record: ArticleRecord


class Library:
    """A folder of articles that can be searched; safe to share between threads and processes."""

    def __init__(
        self,
        folder: Path,
        encoder: Encoder,
        *,
        create: bool = False,
        at_hand: AtHand = lambda fingerprint, name: None,
    ) -> None:
        """Open the library in `folder`; `create` makes one if there is none.

        `at_hand` finds the library's own encoder where it is not `encoder`, and follows it to the
        next one when another process upgrades it. Sets BLAS to one thread in this process.

        One that this process cannot write to is only read; its changes raise `StorageError`.

        Raises `NotFoundError` if there is no library, `LibraryError` for one that is damaged, of a
        newer version, or made with another encoder that is not at hand.
        """
        # The matrix products of a question are too small for several threads: on busy cores these
        # wait for each other ten times as long as one thread computes.
        threadpool_limits(limits=1, user_api="blas")
        self.folder = folder
        database = folder / DATABASE
        self._turn = threading.Lock()
        if not database.exists():
            if not create:
                raise missing(folder)
            begin(folder, encoder)
        self.store = Store(database)
        try:
            self._opened = Opened(self.store, encoder, at_hand, self._writing)
            with self.view() as view:
                view.catch_up()
                expired, settled = trash.expired(view), is_settled(view)
            if expired and not self.read_only:
                self._expire()
            if not settled and not self.read_only:
                self._settle()
        except BaseException:
            self.store.close()
            raise

    @property
    def read_only(self) -> bool:
        """Whether this process can only read it: questions work, changes do not."""
        return self.store.read_only

    @property
    def encoder(self) -> Encoder:
        """The encoder that its passages were encoded with."""
        return self._opened.now.encoder

    @property
    def codec(self) -> TokenCodec:
        """The codec of its token vectors."""
        return self._opened.now.codec

    @property
    def indexes(self) -> DerivedIndexes:
        """Its dense and its lexical index."""
        return self._opened.now.indexes

    @property
    def fingerprint(self) -> str:
        """16 hex digits that identify the library and the encoder of its vectors."""
        return self._opened.now.fingerprint

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

    def adding(self, articles: Iterable[Article], watch: Watch = UNWATCHED) -> Iterator[Outcome]:
        """Add articles lazily: yield each outcome once its article is committed.

        For callers that show progress or stop early; nothing is added unless the outcomes are
        iterated.
        """
        if self.read_only:  # before anything is encoded in vain
            raise read_only(self.folder)
        made = self._opened.now
        groups = prepare(articles, made.encoder, made.codec, self._known_as, watch)
        for group in prefetch(groups):
            yield from self._commit(group, made)

    @contextmanager
    def view(self) -> Iterator[LibraryView]:
        """A view: a snapshot of the library that later writes do not change."""
        with self.store.view() as view:
            yield LibraryView(view, self._opened.fitting(view))

    def remove(self, wanted: str, *, purge: bool = False) -> ArticleRecord:
        """Remove the article with this id; when this returns, no search finds it any more.

        It is in the trash for `trash.KEPT_DAYS`. With `purge` it is deleted, also from judgements;
        `scrub` then deletes what the files still hold of it.
        """
        with self._changing() as fitting:
            with self.store.write() as writer:
                check_encoder(writer, fitting.encoder)
                record = writer.found(wanted)
                writer.next_generation()
                if purge:
                    trash.take_out(writer, wanted)  # an older version may be there
                    trash.forget_quotes(writer, wanted)
                else:
                    trash.put(writer, wanted)
                remove(writer, record.rowid)
                if purge:
                    trash.forget_corrections(writer)
                trash.expire(writer)
            fitting.indexes.after_write(self.store)
        return record

    def correct(self, wanted: str, changes: Corrections) -> Corrected:
        """Correct metadata of the article with this id; when this returns, all searches know.

        `changes` are values by field; None takes a correction back, so that what the page says
        holds again, and an empty value says that there is none. The text stays the same. What is
        not changed by them is not written. Raises `NotFoundError`, `DamagedError`, `InputError`
        for a value that cannot be stored, and `BusyError` where the article was changed meanwhile.
        """
        if self.read_only:
            raise read_only(self.folder)
        made, encoded = self._opened.now, None
        with self.view() as view:
            before, record = view.article(wanted), view.record(wanted)
        after = changed(before, changes)
        if after == before:
            return Corrected(before=record, record=record)
        alike = encoded_alike(before, after)
        if not alike:
            [encoded] = encode_articles([after], made.encoder, made.codec)
        with self._changing() as fitting:
            if not alike and fitting is not made:  # upgraded since
                [encoded] = encode_articles([after], fitting.encoder, fitting.codec)
            with self.store.write() as writer:
                check_encoder(writer, fitting.encoder)
                if writer.article(wanted) != before:
                    raise BusyError(
                        f"The article {wanted!r} was changed meanwhile.",
                        cure="Look at it again, then correct what is still wrong.",
                    )
                writer.next_generation()
                correct(writer, after, encoded)
                trash.expire(writer)
                now = writer.record(wanted)
            fitting.indexes.after_write(self.store)
        return Corrected(before=record, record=now)

    def trashed(self) -> list[trash.Trashed]:
        """What is in the trash, what was removed last first."""
        with self.view() as view:
            return trash.listed(view)

    def restore(self, wanted: str) -> ArticleRecord:
        """Bring the article with this id back from the trash, with its id and metadata.

        Raises `NotFoundError`, `DamagedError`, and `InputError` where its source has been added
        again since.
        """
        if self.read_only:
            raise read_only(self.folder)
        with self.view() as view:
            article = _restorable(view, wanted)

        def take_out(writer: Writer) -> None:
            if _restorable(writer, wanted) != article:
                raise BusyError(
                    f"The article {wanted!r} in the trash was replaced meanwhile.",
                    cure="Look at the trash, then try again.",
                )
            trash.take_out(writer, wanted)

        made = self._opened.now
        [group] = prepare([article], made.encoder, made.codec, lambda found, _: found, UNWATCHED)
        [outcome] = self._commit(group, made, take_out)
        return outcome.record

    def purge(self, wanted: str) -> None:
        """Delete an article from the trash and from judgements. Raises `NotFoundError`."""
        with self.store.write() as writer:
            trash.purge(writer, wanted)

    def scrub(self) -> None:
        """Delete what was purged from the files: the indexes are built anew, the log is emptied."""
        self.rebuild_indexes()
        self.store.empty_log()

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
                "fingerprint": view.fingerprint,
                "encoder": view.meta("encoder_name"),
                "upgrade": view.upgrade(),
                **view.counts(),
                "publishers": view.distinct("publisher"),
                "languages": view.distinct("language"),
                "bytes": self.sizes(view),
            }

    def sizes(self, view: View) -> dict[str, int]:
        """The size of the database and of each index on disk, in bytes."""
        return sizes(self.folder, view)

    def drift(self) -> list[str]:
        """The differences between the indexes and the database; empty if there are none."""
        with self.view() as view:
            return self.indexes.drift(view)

    def replaced(self) -> str | None:
        """Why what is open is not the library in its folder any more; None while it is.

        Views and writes then raise `LibraryError`. A copy over the open file itself is not noticed.
        """
        return self.store.replaced()

    def is_open_for(self, view: View) -> bool:
        """Whether what searches the view is open; after an upgrade, the next search opens it."""
        return self._opened.has(view)

    def encode_again(self, wanted: Sequence[str]) -> None:
        """Cut and encode the articles with these ids again, which repairs their passages."""
        for one in wanted:
            with self._changing() as fitting:
                article = self.article(one)
                [passages] = encode_articles([article], fitting.encoder, fitting.codec)
                with self.store.write() as writer:
                    check_encoder(writer, fitting.encoder)
                    writer.next_generation()
                    row = writer.record(one).rowid
                    writer.drop_passages(row)
                    writer.add_passages(row, passages)
                    settle(writer, [row])
                fitting.indexes.after_write(self.store)

    def count_anew(self) -> None:
        """Count word pieces in the passages again, which repairs their counts."""
        with self.store.write() as writer:
            writer.count_pieces_anew()

    def rebuild_indexes(self) -> None:
        """Build both indexes anew from the database, while others wait to write."""
        with self._changing() as fitting:
            fitting.indexes.rebuild(self.store)

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

    def _expire(self) -> None:
        """Delete from the trash what is due, unless somebody else writes: later writes do it."""
        try:
            with self.store.write(wait=0) as writer:
                trash.expire(writer)
        except SourcebookError as error:
            log.info("the trash is not emptied now: %s", error)

    def _settle(self) -> None:
        """Find copies by this release's rules, unless somebody else writes: the next opening does.

        Until then, quotes are still compared with the text of each article that is named with them.
        """
        busy = BusyError("Another process writes to the library.")
        try:
            with locked(self.folder / LOCK, busy):
                with self.store.write(wait=0) as writer:
                    # Another process may have done it, or upgraded the library, since.
                    if is_settled(writer) or key_of(writer) != self._opened.now.key:
                        return
                    settle_all(writer)
                self.indexes.after_write(self.store)
        except SourcebookError as error:  # damage is named where it is met again
            log.info("copies are not looked for again now: %s", error)

    @contextmanager
    def _changing(self) -> Iterator[Searchable]:
        """Hold the write lock; gives what fits the library as it is meanwhile.

        Nothing is opened while the lock is held: opening may need it, here or in another thread.
        Raises `LibraryError` where the library's encoder is not at hand.
        """
        while True:
            fitting = self._fitting_now()
            with self._writing():
                with self.store.view() as view:
                    upgraded = key_of(view) != fitting.key
                if not upgraded:
                    yield fitting
                    return

    def _fitting_now(self) -> Searchable:
        """What fits the library. Raises `LibraryError` where its encoder is not at hand."""
        with self.store.view() as view:
            fitting = self._opened.fitting(view)
            check_encoder(view, fitting.encoder)
        return fitting

    def _known_as(self, article: Article, content: str) -> ArticleRecord | Article:
        with self.view() as view:
            return unchanged(view, article, content) or with_corrections(view, article)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the write lock; threads of this process queue without polling the lock file."""
        with self._turn, write_lock(self.folder):
            yield

    def _commit(
        self, group: Group, made: Searchable, first: Callable[[Writer], None] = lambda _: None
    ) -> list[Outcome]:
        """Commit a group that was encoded by the encoder of `made`.

        `first` is called in the same transaction, before the group is written.
        """
        outcomes: list[Outcome] = []
        with self._changing() as fitting:
            if fitting is not made:  # upgraded since
                group = encoded_anew(group, fitting.encoder, fitting.codec)
            with self.store.view() as view:
                group = corrected_anew(view, group, fitting.encoder, fitting.codec)
            self._check_room(group)
            with self.store.write() as writer:
                check_encoder(writer, fitting.encoder)
                first(writer)
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
                trash.expire(writer)
            fitting.indexes.after_write(self.store)
        return outcomes

    def _check_room(self, group: Group) -> None:
        needed = sum(item.nbytes for item in group if isinstance(item, Prepared))
        cure = "Free some space, then add the same files again."
        check_room(self.folder, needed, "this addition", cure)


def _restorable(view: View, wanted: str) -> Article:
    """The article in the trash with this id; an error where its source was added again."""
    article = trash.article(view, wanted)
    if view.article_rowid(article.source):
        raise InputError(
            f"The library has an article {wanted!r} from {article.source!r} again; expected none.",
            cure="Remove that one first, or leave the other in the trash.",
        )
    return article
