"""Copies of the database that are kept beside it, for the way back."""

from contextlib import suppress
from pathlib import Path

from sourcebook.index.errors import StorageError
from sourcebook.index.storage import database_file
from sourcebook.index.storage.access_mode import like
from sourcebook.index.storage.connection import INDEX, JOURNAL, LOG, beside, size
from sourcebook.index.storage.room import check_room


def copy_database(database: Path, stem: str) -> str:
    """Copy the database, as it is now, to a new file beside it; returns the file's name.

    It is called `stem`, with a number where there is such a file, and has the owner and the
    permissions of the database. Raises `StorageError` where it cannot be written or the disk has
    too little room.
    """
    whole = unused_name(database.parent, stem)
    temporary = whole.with_suffix(".part")
    cure = "Free some space, then try again."
    check_room(database.parent, size(database), "a copy of the library", cure)
    try:
        _drop(temporary)
        temporary.touch(0o600)
        database_file.copy(database, temporary)
        like(database, temporary)
        database_file.flush(temporary)
        temporary.replace(whole)
        database_file.flush(whole.parent)
    except OSError as error:
        raise StorageError(
            f"The library could not be copied to {whole}: {error}. Nothing was changed.",
            cure="Check the folder's permissions and free space, then try again.",
        ) from error
    finally:
        with suppress(OSError):
            _drop(temporary)
    return whole.name


def unused_name(folder: Path, stem: str) -> Path:
    """`stem.db` in a folder; a number follows the stem where there is such a file."""
    file, number = folder / f"{stem}.db", 1
    while file.exists():
        number += 1
        file = folder / f"{stem}-{number}.db"
    return file


def _drop(file: Path) -> None:
    """Delete a database that was not finished, with what SQLite left beside it."""
    for suffix in ("", LOG, INDEX, JOURNAL):
        beside(file, suffix).unlink(missing_ok=True)
