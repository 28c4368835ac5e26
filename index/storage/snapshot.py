"""A snapshot of a library's database: its rows, and what the library records of itself."""

import itertools
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sourcebook.index.errors import LibraryError
from sourcebook.index.storage.records import Moment, UpgradeProgress, marks
from sourcebook.index.storage.row_checksums import checksum

if TYPE_CHECKING:  # only `sourcebook.index.storage.connection` opens databases
    import sqlite3

# SQLite binds at most 32,766 values to a statement (sqlite.org/limits.html).
BATCH = 10_000


class Snapshot:
    """The database as it is within one transaction."""

    def __init__(self, connection: "sqlite3.Connection | Snapshot") -> None:
        """What a connection in a transaction sees, or the same as another snapshot."""
        if isinstance(connection, Snapshot):
            connection = connection._connection
        self._connection: sqlite3.Connection = connection

    def rows(self, sql: str, *values: Any) -> "list[sqlite3.Row]":
        """What a query finds."""
        return self._connection.execute(sql, values).fetchall()

    @property
    def generation(self) -> int:
        """A number that grows with every committed change."""
        return int(self.meta("generation"))

    @property
    def moment(self) -> Moment:
        """The committed state that the view is of."""
        generation = self.generation
        return Moment(generation, self.state(generation) or 0)

    def state(self, generation: int) -> int | None:
        """The number of that generation's commit; None if the library had none or forgot it."""
        rows = self.rows("SELECT state FROM history WHERE generation = ?", generation)
        return int(rows[0][0]) if rows else None

    @property
    def pruned(self) -> int:
        """Removals up to this generation are deleted, so `removed_since` does not list them."""
        return int(self.meta("pruned"))

    @property
    def derived(self) -> str:
        """The folder of the derived indexes, within the library's; empty before an upgrade."""
        return str(self.meta("derived", optional=True) or "")

    def upgrade(self) -> UpgradeProgress | None:
        """How far the library's upgrade is, if one was begun."""
        facts = self.noted("upgrade")
        if facts is None:
            return None
        return UpgradeProgress(
            **{"cutting": 1} | json.loads(facts),  # before they were numbered
            done=self._one("SELECT coalesce(sum(passages), 0) FROM next_articles")[0],
            total=self._one("SELECT count(*) FROM passages")[0],
        )

    @property
    def cutting(self) -> int:
        """The number of the rules that cut its passages; 1 before they were numbered."""
        return self.noted("cutting") or 1

    def meta(self, key: str, *, optional: bool = False) -> Any:
        """The value stored under `key`, or None where there is none and it is optional.

        Raises `LibraryError` where it is missing or damaged.
        """
        for row in self.rows("SELECT * FROM meta WHERE key = ?", key):
            if checksum(row["key"], row["value"]) == row["checksum"]:
                return row["value"]
            raise _damaged_meta(key)
        if optional:
            return None
        raise _damaged_meta(key)

    def noted(self, key: str) -> Any:
        """As `meta`, but None as well where it is damaged: what can be found out or done anew."""
        with suppress(LibraryError):
            return self.meta(key, optional=True)
        return None

    def _one(self, sql: str, *values: Any) -> "sqlite3.Row":
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        if row is None:
            raise LibraryError(f"The database holds no {values!r}.", cure="It may be damaged.")
        return row

    def _in(self, sql: str, values: Iterable[int]) -> Iterator["sqlite3.Row"]:
        """The rows of `sql`, whose `%s` is replaced by a list of values of any length."""
        for batch in _batches(values):
            yield from self._connection.execute(sql % marks(batch), batch)


def _damaged_meta(key: str) -> LibraryError:
    anew = "or encode all articles again: sourcebook upgrade --again"
    return LibraryError(
        f"The library's record of its {key.replace('_', ' ')} is missing or damaged.",
        cure=f"Restore sourcebook.db from a backup{', ' + anew if key == 'codec' else ''}.",
    )


def _batches(values: Iterable[int]) -> Iterator[list[int]]:
    iterator = iter(values)
    while batch := [int(value) for value in itertools.islice(iterator, BATCH)]:
        yield batch
