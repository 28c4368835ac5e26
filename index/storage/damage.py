"""What of a library's database is damaged, found by reading all of it."""

from sourcebook.index.errors import LibraryError
from sourcebook.index.storage.row_checksums import JUDGEMENT, checksum, checksum_of
from sourcebook.index.storage.view import View


def integrity(view: View) -> list[str]:
    """What SQLite finds wrong with the database file; empty if there is nothing."""
    found = [str(row[0]) for row in view.rows("PRAGMA integrity_check")]
    return [] if found == ["ok"] else found


def damaged_records(view: View) -> list[LibraryError]:
    """The library's records of itself that are damaged, such as its encoder's name."""
    found = []
    for [key] in view.rows("SELECT key FROM meta"):
        try:
            view.meta(key)
        except LibraryError as error:
            found.append(error)
    return found


def damaged_judgements(view: View) -> list[str]:
    """The ids of the judgements that are not as they were written."""
    rows = view.rows("SELECT * FROM judgements")
    return [row["id"] for row in rows if checksum_of(row, JUDGEMENT) != row["checksum"]]


def miscounted(view: View) -> bool:
    """Whether the counts of word pieces differ from what the passages hold."""
    rows = view.rows("SELECT piece, passages, checksum FROM piece_counts")
    stored = {row[0]: row[1] for row in rows if checksum(row[0], row[1]) == row[2]}
    return len(stored) < len(rows) or stored != view.counted_pieces()
