"""How a library's files may be used: written to, or only read, and by whom."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from sourcebook.index.errors import StorageError


def writable(database: Path) -> bool:
    """Whether this process may write to a database and its log, and make files in its folder."""
    files = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-shm")]
    return may_add(database.parent) and all(_may(one, os.W_OK) for one in files if one.exists())


def may_add(folder: Path) -> bool:
    """Whether this process may make files in a folder."""
    return _may(folder, os.W_OK | os.X_OK)


def has_log(database: Path) -> bool:
    """Whether a writer has a log beside the database, or a crash left one with something in it.

    SQLite reads it by its index, `-shm`; where there is no log, it needs to be told that it cannot
    make one (sqlite.org/wal.html#read_only_databases).
    """
    log, index = (database.with_name(database.name + suffix) for suffix in ("-wal", "-shm"))
    return log.exists() and (log.stat().st_size > 0 or index.exists())


def read_only(folder: Path) -> StorageError:
    """The error for a change of a library that this process can only read."""
    return StorageError(
        f"The library in {folder} cannot be written to: its folder or its files are read-only "
        "here. Nothing was changed.",
        cure="Check the folder's permissions and its disk, or do this as a user who may write to "
        "it. Questions need no such permission.",
    )


def is_shared(folder: Path) -> bool:
    """Whether a folder is meant for a group: `chmod g+ws`."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_ISGID and mode & stat.S_IWGRP)


def share(file: Path, folder: Path) -> None:
    """Let the group of a shared library use a new file or folder of it, whatever the umask is.

    Only its owner can do that, so each process does it for what it has made.
    """
    if is_shared(folder):
        wanted = 0o2070 if file.is_dir() else 0o060
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & wanted != wanted:
            with suppress(PermissionError):
                file.chmod(mode | wanted)


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)
