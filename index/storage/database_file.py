"""A database file as a whole: looked at, copied, and replaced while no process has it open."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from sourcebook.index.errors import BusyError, LibraryError
from sourcebook.index.storage import access_mode
from sourcebook.index.storage.connection import INDEX, JOURNAL, LOG, beside, connect, errors
from sourcebook.index.storage.schema import APPLICATION_ID, OLDEST_VERSION, SCHEMA_VERSION

MAGIC = b"SQLite format 3\0"
HEADER_BYTES = 100
# What is added to a new file's name for the copy of the old one, until that is whole.
KEPT = "-kept"
# So many pages are copied at a time, 4 MB, between two calls that tell how far it is.
PAGES = 256
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# What can go wrong with the database that is copied, rather than with the copy.
READING = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)

# Called with the share that is done, from 0 to 1.
Done = Callable[[float], None]


def look(database: Path) -> None:
    """Raise `LibraryError` for a file that is not a library's database, too new or cut short.

    Only the head of the file is read, so other damage is not noticed. Raises `OSError`.
    """
    with database.open("rb") as stream:
        head = stream.read(HEADER_BYTES)
        whole = stream.seek(0, os.SEEK_END)

    def number(start: int, length: int = 4) -> int:
        return int.from_bytes(head[start : start + length], "big")

    # The places are those of sqlite.org/fileformat.html, section 1.3.
    version = number(60)
    page_bytes, pages = number(16, 2), number(28)
    if len(head) < HEADER_BYTES or not head.startswith(MAGIC) or number(68) != APPLICATION_ID:
        raise LibraryError(
            f"{database} is not a backup of a library.",
            cure="Name a file that `sourcebook backup` made.",
        )
    if version > SCHEMA_VERSION or version < OLDEST_VERSION:
        raise LibraryError(
            f"{database} has the database version {version}; this Sourcebook reads "
            f"{OLDEST_VERSION} to {SCHEMA_VERSION}.",
            cure="Use the Sourcebook release that wrote it, or a later one.",
        )
    if whole < pages * page_bytes:
        raise LibraryError(
            f"{database} is cut short: it has {whole:,} of {pages * page_bytes:,} bytes.",
            cure="Copy the backup again from where it comes from, or take an earlier one.",
        )


def copy(source: Path, target: Path, done: Done = lambda _: None, *, unused: bool = False) -> None:
    """Copy a database, as it is at one moment, to a new file; others may write meanwhile.

    An `unused` one, which no process has open, is not changed at all, not even by files beside it.
    Raises `LibraryError` and `StorageError`.
    """
    reads = unused or not access_mode.writable(source)
    immutable = reads and not access_mode.has_log(source)
    how = "mode=ro&immutable=1" if immutable else "mode=ro" if reads else "mode=rw"

    with errors(source), closing(connect(source, how)) as reading:
        reading.execute("BEGIN")
        # From now on it reads one state, however much is written; else it would begin again.
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        _copy(reading, source, target, done)


def complete(database: Path) -> None:
    """Put all of a database into its one file, safe on the disk; nobody else has it open."""
    with errors(database), closing(connect(database, "mode=rw")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    flush(database)


def replace(database: Path, new: Path, kept: Path, done: Done) -> None:
    """Put the file `new` in the place of a database, and keep the one that was there as `kept`.

    Whenever this is cut short, the old or the new one is there. A damaged one is kept as it is,
    with its log. Raises `BusyError` where another process has the database open.
    """
    partly = beside(new, KEPT)
    with _alone(database) as connection:
        if connection:
            _copy(connection, database, partly, done)
        else:
            for suffix in (LOG, JOURNAL):
                if beside(database, suffix).exists():
                    shutil.copyfile(beside(database, suffix), beside(kept, suffix))
                    flush(beside(kept, suffix))
            shutil.copyfile(database, partly)
        shutil.copymode(database, partly)
        flush(partly)
        partly.rename(kept)
        put(new, database)


def put(new: Path, database: Path) -> None:
    """Rename the file `new` to that of a database which no process has open."""
    # What an old one left would be taken for the new one's.
    for suffix in (LOG, INDEX, JOURNAL):
        beside(database, suffix).unlink(missing_ok=True)
    new.replace(database)
    flush(database.parent)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if path.is_dir() and os.name == "nt":  # where a folder cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(database: Path) -> Iterator[sqlite3.Connection | None]:
    """Keep all other processes from a database, which is one whole file meanwhile.

    None for a damaged database. It can be replaced but not written to: a process that waits to open
    it finds that its file was moved.
    """
    with errors(database), closing(connect(database, "mode=rw", timeout=0)) as connection:
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = DELETE")  # refused while others have it open
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")  # the lock stays
            # Without a journal, so that closing it does not delete the new database's.
            connection.execute("PRAGMA journal_mode = OFF")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise BusyError(
                    f"The library in {database.parent} is open in another process, such as a "
                    "server. Nothing was changed.",
                    cure="Stop it, then try again.",
                ) from error
            if error.sqlite_errorcode & 0xFF not in DAMAGED:
                raise
            sound = None
        else:
            sound = connection
        yield sound


def _copy(reading: sqlite3.Connection, source: Path, target: Path, done: Done) -> None:
    """Copy what a connection reads from `source` to a new file; errors name the right one."""
    with errors(target):
        writing = connect(target, "mode=rwc")
    with closing(writing):
        try:
            reading.backup(writing, pages=PAGES, progress=partial(_progress, done))
        except sqlite3.DatabaseError as error:
            code = error.sqlite_errorcode
            with errors(source if code in READING or code & 0xFF in DAMAGED else target):
                raise


def _progress(done: Done, _: int, remaining: int, total: int) -> None:
    done(1 - remaining / max(1, total))
