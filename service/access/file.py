"""The file `access.db` in a library's folder: its keys, its sessions and its audit log."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

from sourcebook.index.errors import (
    BusyError,
    InputError,
    LibraryError,
    NotFoundError,
    StorageError,
)
from sourcebook.index.storage.access_mode import may_add, share
from sourcebook.service.access.keys import digest, new_key, new_session
from sourcebook.service.access.roles import Role

NAME = "access.db"
VERSION = 1
MAX_NAME = 64  # characters
SESSION_S = 7 * 24 * 3600
# Each key may be signed in at this many places; a further one ends the oldest session.
SESSIONS = 100
# Each new entry of the audit log removes at most so many old ones, also after a leap of the clock.
PRUNED = 10
MAX_SUBJECT = 200  # characters of the audit log
# How long to wait for another process that writes: for a count, which can be written later, less
# than anybody notices.
WAIT_S, COUNTING_S = 10, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What is known of a key; times are in UTC, `last_used` is a day and `used` counts on it."""

    name: str
    role: Role
    per_minute: int
    per_day: int
    created: str
    revoked: str | None
    last_used: str | None
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the audit log: who tried to change what, by which way, and with which outcome."""

    id: int = 0
    at: str = ""
    who: str
    via: str
    what: str
    subject: str
    outcome: str


class AccessFile:
    """The file; each call opens it, so it may be replaced, and be shared by threads and processes.

    It is made with the first key or entry; until then there are none.
    """

    def __init__(self, folder: Path, audit_days: int) -> None:
        """Use the file in `folder`; entries of the audit log are kept for `audit_days`."""
        self.path = folder / NAME
        self._audit_days = audit_days

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written here, nor to the library: there is nothing to record."""
        return not may_add(self.path.parent)

    def add_key(self, name: str, role: Role, per_minute: int, per_day: int) -> str:
        """Make a key and return it: it cannot be read later. Raises `InputError` for a bad name."""
        if not (name.isprintable() and name == name.strip() and 0 < len(name) <= MAX_NAME):
            raise InputError(
                f"The key is named {name[:80]!r}; expected 1 to {MAX_NAME} visible characters.",
                cure="Name the person or program that it is for.",
            )
        key = new_key()
        values = (name, digest(key), int(role), per_minute, per_day, _now())
        with self._writing() as connection:
            if connection.execute("SELECT 1 FROM keys WHERE name = ?", (name,)).fetchone():
                raise InputError(
                    f"There is, or was, a key named {name!r}; expected a new name.",
                    cure="The audit log tells keys apart by their names. Choose another one.",
                )
            connection.execute(
                "INSERT INTO keys (name, hash, role, per_minute, per_day, created) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )
        return key

    def revoke(self, name: str) -> Key:
        """Make a key useless from now on, and end its sessions. Raises `NotFoundError`."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE keys SET revoked = ? WHERE name = ? AND revoked IS NULL", (_now(), name)
            )
            connection.execute("DELETE FROM sessions WHERE key = ?", (name,))
            found = connection.execute("SELECT * FROM keys WHERE name = ?", (name,)).fetchone()
        if found is None:
            raise NotFoundError(
                f"There is no key named {name!r}.", cure="`sourcebook keys list` lists them."
            )
        return _key(found)

    def all_keys(self) -> list[Key]:
        """All keys, oldest first, and those that were revoked."""
        return [_key(row) for row in self._read("SELECT * FROM keys ORDER BY created, name")]

    def has_keys(self) -> bool:
        """Whether a key was ever made; also where all were revoked since."""
        return bool(self._read("SELECT 1 FROM keys LIMIT 1"))

    def key_of(self, secret: str) -> Key | None:
        """The key that this is, unless it was revoked."""
        found = self._read("SELECT * FROM keys WHERE hash = ? AND revoked IS NULL", digest(secret))
        return _key(found[0]) if found else None

    def key_of_session(self, secret: str, at: int | None = None) -> Key | None:
        """The key that this session was begun with, unless it has ended.

        One that seems to end later than any can was begun while the clock was ahead: it has ended.
        """
        now = int(time.time()) if at is None else at
        found = self._read(
            "SELECT keys.* FROM sessions JOIN keys ON keys.name = sessions.key "
            "WHERE sessions.hash = ? AND expires > ? AND expires <= ? AND revoked IS NULL",
            digest(secret),
            now,
            now + SESSION_S,
        )
        return _key(found[0]) if found else None

    def begin_session(self, name: str, at: int | None = None) -> str:
        """Begin a session with the key of this name; returns its secret.

        `at` is the time in seconds since 1970; without it, it is now.
        """
        secret, now = new_session(), int(time.time()) if at is None else at
        with self._writing() as connection:
            connection.execute("DELETE FROM sessions WHERE expires <= ?", (now,))
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?)", (digest(secret), name, now + SESSION_S)
            )
            connection.execute(
                "DELETE FROM sessions WHERE key = ? AND hash NOT IN (SELECT hash FROM sessions "
                "WHERE key = ? ORDER BY expires DESC, rowid DESC LIMIT ?)",
                (name, name, SESSIONS),
            )
        return secret

    def end_session(self, secret: str) -> None:
        """End a session, if there is one."""
        if self.key_of_session(secret):
            with self._writing() as connection:
                connection.execute("DELETE FROM sessions WHERE hash = ?", (digest(secret),))

    def count(self, name: str, day: str, requests: int) -> int:
        """Count requests of a key; returns all that it made on this day, in all processes.

        Raises `BusyError` after `COUNTING_S` already, because requests wait for it.
        """
        with self._writing(COUNTING_S) as connection:
            row = connection.execute(
                "UPDATE keys SET used = ? + CASE WHEN last_used = ? THEN used ELSE 0 END, "
                "last_used = ? WHERE name = ? RETURNING used",
                (requests, day, day, name),
            ).fetchone()
        return int(row[0]) if row else requests

    def record(self, entry: Entry) -> None:
        """Add an entry to the audit log; it gets its number and time here.

        Its subject is cut after `MAX_SUBJECT` characters. Where the library is only read, nothing
        was changed, and nothing is recorded.
        """
        if self.read_only:
            return
        subject = entry.subject.encode("utf-8", "replace").decode()[:MAX_SUBJECT]
        oldest = datetime.now(UTC) - timedelta(days=self._audit_days)
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO audit (at, who, via, what, subject, outcome) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (_now(), entry.who, entry.via, entry.what, subject, entry.outcome),
            )
            connection.execute(
                "DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT ?) "
                "AND at < ?",
                (PRUNED, _text(oldest)),
            )

    def entries(self, limit: int, before: int | None = None) -> list[Entry]:
        """The newest entries of the audit log, or the newest with a number below `before`."""
        end = 2**62 if before is None else before
        found = self._read("SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?", end, limit)
        return [Entry(**dict(row)) for row in found]

    def _read(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """The rows of a query; none where there is no file yet."""
        with _errors(self.path):
            if not self.path.exists():
                return []
            with closing(_connect(self.path, WAIT_S)) as connection:
                # A file in which nothing was committed yet has the version 0.
                made = _version(connection, self.path)
                return connection.execute(sql, values).fetchall() if made else []

    @contextmanager
    def _writing(self, wait: float = WAIT_S) -> Iterator[sqlite3.Connection]:
        """A transaction, begun within `wait` seconds; it makes the file where there is none."""
        with _errors(self.path), closing(self._made(wait)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            if not _version(connection, self.path):
                _create(connection)
            yield connection
            connection.execute("COMMIT")

    def _made(self, wait: float) -> sqlite3.Connection:
        """A connection; a new file is for its owner alone, or the group of a shared library."""
        with suppress(OSError):  # it is there, or SQLite tells why it cannot be made
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))
            share(self.path, self.path.parent)
        return _connect(self.path, wait)


def _connect(path: Path, wait: float) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=wait)
    connection.row_factory = sqlite3.Row
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the file, 0 where it is empty. Raises `LibraryError` for a newer one."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise LibraryError(
            f"{path} has the version {version}; this Sourcebook reads {VERSION}.",
            cure="Use the Sourcebook release that wrote it.",
        )
    return version


def _create(connection: sqlite3.Connection) -> None:
    schema = resources.files("sourcebook.service.access").joinpath("schema.sql").read_text("utf-8")
    for statement in schema.split(";\n\n"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _key(row: sqlite3.Row) -> Key:
    known = {name: row[name] for name in Key.__dataclass_fields__}
    return Key(**known | {"role": Role(row["role"])})


def _now() -> str:
    return _text(datetime.now(UTC))


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Convert SQLite's errors into ours."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", None) or ""
        if name.startswith("SQLITE_BUSY"):
            raise BusyError(
                f"Another process has been writing to {path} for too long.", cure="Try again."
            ) from error
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise StorageError(
                f"The disk refused an access to {path}: {error}; nothing was changed.",
                cure="Free some space or check the folder's permissions, then try again.",
            ) from error
        raise LibraryError(
            f"{path} is damaged: {error}.",
            cure="Stop the server, move the file away, and make new keys with "
            "`sourcebook keys add`; the library itself is not affected.",
        ) from error
