"""What a library of an earlier release gets: why articles need attention, and checksums."""

import logging
from typing import TYPE_CHECKING

from sourcebook.index.attention import reasons
from sourcebook.index.storage import row_checksums
from sourcebook.index.storage.records import UNREADABLE, parts_of

if TYPE_CHECKING:  # only `sourcebook.index.storage.connection` opens databases
    import sqlite3

log = logging.getLogger(__name__)


def fill(connection: "sqlite3.Connection") -> None:
    """Write both for everything that the library holds, as it is."""
    for row in connection.execute("SELECT rowid, *, NULL AS parsed FROM articles"):
        try:
            found = reasons(parts_of(row))
        except UNREADABLE as error:
            log.error("the article from %r is damaged (%s)", row["source"], error)
            continue
        if found:
            connection.execute(
                "INSERT INTO attention VALUES (?, ?)", (row["rowid"], " ".join(found))
            )
    row_checksums.fill(connection)
