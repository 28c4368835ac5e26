"""Copies of the database that are kept beside it, for the way back."""

import shutil
from collections.abc import Callable
from pathlib import Path

from sourcebook.index.errors import StorageError


def copy_database(database: Path, copy: Callable[[Path], None], name: str) -> str:
    """Copy the database, as it is now, to a new file beside it; returns the file's name.

    `copy` writes it to a path. The file is called `name`, or where there is such a file, the same
    with a number. Raises `StorageError` where it cannot be written or the disk has too little room.
    """
    folder, stem = database.parent, Path(name).stem
    number = 1
    while (folder / name).exists():
        number += 1
        name = f"{stem}-{number}.db"
    whole = folder / name
    temporary = whole.with_suffix(".part")
    try:
        temporary.unlink(missing_ok=True)
        _check_room(database)
        copy(temporary)
        temporary.replace(whole)
    except OSError as error:
        raise StorageError(
            f"The library could not be copied to {whole}: {error}. Nothing was changed.",
            cure="Check the folder's permissions and free space, then try again.",
        ) from error
    except StorageError:
        temporary.unlink(missing_ok=True)
        raise
    return name


def _check_room(database: Path) -> None:
    log = database.with_name(f"{database.name}-wal")
    needed = sum(file.stat().st_size for file in (database, log) if file.exists())
    free = shutil.disk_usage(database.parent).free
    if free < needed:
        raise StorageError(
            f"The disk of {database.parent} has {free:,} bytes left; a copy of the library needs "
            f"{needed:,}. Nothing was changed.",
            cure="Free some space, then try again.",
        )
