"""Connections to a database: how one is opened, what SQLite keeps beside it, and its errors."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sourcebook.index.errors import BusyError, LibraryError, StorageError

# What SQLite keeps beside a database: its log, that log's index, and what an old one rolls back to.
LOG, INDEX, JOURNAL = "-wal", "-shm", "-journal"
# How long to wait for another writer.
BUSY_S = 30.0
# Page cache of a connection: a question reads about 1.5 MB, half of it the same for all questions.
CACHE_KIB = 16_384


def connect(database: Path, how: str, *, timeout: float = BUSY_S) -> sqlite3.Connection:
    """A connection; `how` is the query of SQLite's URI. A file of any name can be opened so.

    It waits for so many seconds where another process writes. Raises SQLite's errors.
    """
    return sqlite3.connect(
        f"file:{quote(os.fsencode(database.absolute()))}?{how}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=timeout,
    )


def connect_library(database: Path, how: str) -> sqlite3.Connection:
    """A connection that is set up to read and write a library: its rows have names."""
    connection = connect(database, how)
    connection.row_factory = sqlite3.Row
    # A damaged text is read, too, so that its hash refuses it rather than all that it is among.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        # What is deleted is overwritten, so that purged words are not left in the file.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA cell_size_check = ON")  # notices some damage, for nothing
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection


def beside(database: Path, suffix: str) -> Path:
    """The file that SQLite keeps beside a database, such as its log."""
    return database.with_name(database.name + suffix)


def size(path: Path) -> int:
    """The bytes of a database and its log, or of a folder; files deleted meanwhile count as 0."""
    files = path.rglob("*") if path.is_dir() else [path, beside(path, LOG)]
    total = 0
    for file in files:
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Convert SQLite's errors about the database at a path into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        name = getattr(error, "sqlite_errorname", None) or ""  # Python's own errors have none
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise StorageError(
                f"The disk refused an access to {path}: {error}; nothing was changed.",
                cure="Free some space or check the folder's permissions, then try again.",
            ) from error
        if name.startswith("SQLITE_BUSY"):
            raise BusyError(
                f"Another process has been writing to {path} for too long.",
                cure="Wait until it has finished, then try again.",
            ) from error
        raise LibraryError(
            f"{path} cannot be used: {error}.",
            cure="It may be damaged: restore it from a backup, or add the articles to a new "
            "library.",
        ) from error
    except sqlite3.DatabaseError as error:
        raise LibraryError(
            f"{path} is damaged or no database: {error}.",
            cure="Restore the file from a backup, or add the articles to a new library.",
        ) from error
