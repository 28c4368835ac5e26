"""The SQLite database of a library: one writer at a time, any number of views."""

import logging
import os
import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sourcebook.index.errors import BusyError, LibraryError
from sourcebook.index.storage import access_mode, schema
from sourcebook.index.storage.connection import BUSY_S, INDEX, LOG, beside, connect_library, errors
from sourcebook.index.storage.copies import copy_database
from sourcebook.index.storage.view import View
from sourcebook.index.storage.writer import Writer

if TYPE_CHECKING:  # only `sourcebook.index.storage.connection` opens databases
    import sqlite3

# How long to wait for readers to end before the log is emptied.
EMPTYING_S = 2.0

REPLACED_CURE = (
    "Stop this process and start it again: it then opens what is there now. To put a library back, "
    "use sourcebook restore while nothing has it open."
)

# The device and the number of a file.
Identity = tuple[int, int]
# When a file was changed, in nanoseconds, and its size in bytes.
Stamp = tuple[int, int]

log = logging.getLogger(__name__)


class Store:
    """The database of one library; safe to share between threads and processes."""

    def __init__(self, path: Path, *, create: bool = False, keep: bool = True) -> None:
        """Open the database at `path`; `create` makes an empty one.

        A copy of an older one is kept before it is brought to this version, unless not `keep`. One
        that this process cannot write to is only read, and refuses changes with a `StorageError`.
        Raises `LibraryError` for a file that is not a library, or that a newer version wrote.
        """
        self.path = path
        self.read_only = path.exists() and not access_mode.writable(path)
        self._files: dict[str, Identity] = {}
        self._idle: queue.LifoQueue[tuple[sqlite3.Connection, Stamp | None]] = queue.LifoQueue()
        with errors(path):
            stamp = self._stamp()
            connection = self._connect(stamp)
            self._idle.put((connection, stamp))
            try:
                if create:
                    schema.create(connection)
                schema.check(connection, path)
                schema.upgrade(connection, path, partial(copy_database, path) if keep else None)
                schema.check_seal(connection, path)
                if not self.read_only:
                    connection.execute("PRAGMA journal_mode = WAL")  # persistent
                self._files = self._identities()
            except BaseException:
                self.close()
                raise

    @contextmanager
    def view(self) -> Iterator[View]:
        """A view: a snapshot of the database that later writes do not change."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield View(connection)
            finally:
                if connection.in_transaction:  # SQLite may have ended it after an error
                    connection.execute("ROLLBACK")

    @contextmanager
    def write(self, *, wait: float = BUSY_S) -> Iterator[Writer]:
        """A transaction: committed on exit, rolled back on an error.

        Raises `StorageError`, and `BusyError` where another process writes for longer than `wait`
        seconds.
        """
        if self.read_only:
            raise access_mode.read_only(self.path.parent)
        with self._connection() as connection:
            with _patience(connection, wait):
                connection.execute("BEGIN IMMEDIATE")
            try:
                writer = Writer(connection)
                yield writer
                writer.flush()
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def empty_log(self) -> None:
        """Write the log into the database and empty it, so that it holds no deleted words."""
        with self._connection() as connection, _patience(connection, EMPTYING_S):
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            name = beside(self.path, LOG)
            log.warning("%s holds deleted words until nobody reads any more", name)

    def replaced(self) -> str | None:
        """Why the files that are open are not those at the database's path; None while they are."""
        now = self._identities()
        for name, identity in self._files.items():
            if now.get(name) != identity:
                happened = "was replaced" if name in now else "was deleted or moved"
                return f"{name} {happened} while it was open"
        return None

    def _identities(self) -> dict[str, Identity]:
        """What tells each of the database's files from any other, by its path."""
        found: dict[str, Identity] = {}
        # What is beside one that is only read belongs to whoever writes to it.
        for suffix in ("",) if self.read_only else ("", LOG, INDEX):
            path = str(beside(self.path, suffix))
            with suppress(OSError):
                facts = os.stat(path)
                found[path] = (facts.st_dev, facts.st_ino)
        return found

    def close(self) -> None:
        """Close every idle connection."""
        while not self._idle.empty():
            self._idle.get_nowait()[0].close()

    @contextmanager
    def _connection(self) -> "Iterator[sqlite3.Connection]":
        # What is open would be read on, and written to, though nobody else can see it.
        if why := self.replaced():
            raise LibraryError(f"{why}.", cure=REPLACED_CURE)
        with errors(self.path):
            stamp = self._stamp()
            connection = self._taken(stamp)
            try:
                yield connection
            finally:
                self._idle.put((connection, stamp))
            if stamp and stamp != self._stamp():
                raise BusyError(
                    f"Another process began to write to {self.path} while it was read.",
                    cure="Try again.",
                )

    def _taken(self, stamp: Stamp | None) -> "sqlite3.Connection":
        """An idle connection that reads the database as it is, or a new one."""
        with suppress(queue.Empty):
            while True:
                connection, made = self._idle.get_nowait()
                if made == stamp:
                    return connection
                connection.close()  # it would not see what was written since
        return self._connect(stamp)

    def _stamp(self) -> Stamp | None:
        """What tells whether a database was written to that is read without a log."""
        if not self.read_only or access_mode.has_log(self.path):
            return None
        facts = self.path.stat()
        return facts.st_mtime_ns, facts.st_size

    def _connect(self, stamp: Stamp | None) -> "sqlite3.Connection":
        how = "mode=ro" if self.read_only else "mode=rwc"
        # SQLite then takes no locks and looks for no log.
        return connect_library(self.path, f"{how}&immutable=1" if stamp else how)


@contextmanager
def _patience(connection: "sqlite3.Connection", seconds: float) -> Iterator[None]:
    """Wait so many seconds for others, rather than as long as usual."""
    connection.execute(f"PRAGMA busy_timeout = {round(1_000 * seconds)}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(1_000 * BUSY_S)}")
