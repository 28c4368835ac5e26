"""The schema of the database: how a new one begins, and how an older one is brought up to date."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from sourcebook.index.errors import LibraryError, StorageError
from sourcebook.index.storage import filling, row_checksums

if TYPE_CHECKING:  # only `sourcebook.index.storage.connection` opens databases
    import sqlite3

APPLICATION_ID = 0x53424B31  # "SBK1": tells our databases from any other SQLite file
SCHEMA_VERSION = 6
# A library of this version or a later one is upgraded when it is opened.
OLDEST_VERSION = 2
# The token vectors of a passage, which are read in random order, fit in one page
# (docs/decisions/0004-token-vectors.md).
PAGE_BYTES = 16_384
# Under this key `meta` holds the checksum of the schema itself.
SEAL = "schema"
# What a version needs besides its SQL.
FILL: dict[int, Callable[["sqlite3.Connection"], None]] = {6: filling.fill}


def create(connection: "sqlite3.Connection") -> None:
    """Make an empty database of the present version."""
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.executescript(
        f"BEGIN IMMEDIATE; {_sql('schema.sql')}"
        f"INSERT INTO meta VALUES ('generation', 0);"
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {OLDEST_VERSION}; COMMIT;"
    )
    _bring_up(connection, lambda: None)


def check(connection: "sqlite3.Connection", path: Path) -> None:
    """Raise `LibraryError` unless the database is a library's, of a version that can be read."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = _version(connection)
    if application != APPLICATION_ID:
        raise LibraryError(
            f"{path} is an SQLite database, but not one of Sourcebook's.",
            cure="Name another folder, or an empty one to begin a library in.",
        )
    if not OLDEST_VERSION <= version <= SCHEMA_VERSION:
        raise LibraryError(
            f"{path} has the database version {version}; this Sourcebook reads {OLDEST_VERSION} "
            f"to {SCHEMA_VERSION}.",
            cure="Use the Sourcebook release that wrote it, or add its articles to a new library.",
        )


def upgrade(
    connection: "sqlite3.Connection", path: Path, copy: Callable[[str], object] | None
) -> None:
    """Bring an older database to this version, in one transaction; first, keep a copy of it.

    `copy` writes the database to a file of that name, without its suffix, by another connection;
    without it no copy is kept. Raises `StorageError` where the folder cannot be written, or the
    disk has no room for the copy.
    """
    if _version(connection) == SCHEMA_VERSION:
        return
    try:
        stem = f"{path.stem}.before-schema-{SCHEMA_VERSION}"
        _bring_up(connection, lambda: copy and copy(stem))
    except Exception as error:
        known = str(getattr(error, "sqlite_errorname", ""))  # of sqlite3's own errors
        if isinstance(error, StorageError) or known.startswith(("SQLITE_READONLY", "SQLITE_CANT")):
            raise StorageError(
                f"{path} is of an earlier release, and has to be brought up to date once before "
                f"it can be read. That failed: {error}",
                cure=f"Open it once where its folder can be written and the disk has room for a "
                f"copy: sourcebook --library {path.parent} info",
            ) from error
        raise


def seal(connection: "sqlite3.Connection") -> None:
    """Keep the checksum of all tables' and indexes' definitions; call it when they change."""
    found = _definitions(connection)
    row = (SEAL, found, row_checksums.checksum(SEAL, found))
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", row)


def check_seal(connection: "sqlite3.Connection", path: Path) -> None:
    """Raise `LibraryError` where the definitions of tables and indexes are damaged."""
    connection.execute("BEGIN")
    try:
        rows = connection.execute("SELECT value FROM meta WHERE key = ?", (SEAL,)).fetchall()
        sound = [row[0] for row in rows] == [_definitions(connection)]
    finally:
        connection.execute("ROLLBACK")
    if not sound:
        raise LibraryError(
            f"{path} is damaged: the definitions of its tables are not as they were made.",
            cure="Restore the file from a backup, or add the articles to a new library.",
        )


def _definitions(connection: "sqlite3.Connection") -> int:
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name")
    return row_checksums.checksum(*(value for row in rows for value in row))


def _bring_up(connection: "sqlite3.Connection", before: Callable[[], object]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        if version < SCHEMA_VERSION:  # unless another process did it meanwhile
            before()
        for step in range(version + 1, SCHEMA_VERSION + 1):
            for statement in _sql(f"schema-{step}.sql").split(";\n"):
                connection.execute(statement)
            if step in FILL:
                FILL[step](connection)
            connection.execute(f"PRAGMA user_version = {step}")
        seal(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _sql(name: str) -> str:
    return resources.files("sourcebook.index.storage").joinpath(name).read_text("utf-8")


def _version(connection: "sqlite3.Connection") -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
