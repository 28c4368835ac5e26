"""How a library's files may be used: written to, or only read, and by whom."""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from sourcebook.index.errors import StorageError
from sourcebook.index.storage.connection import INDEX, LOG, beside


def writable(database: Path) -> bool:
    """Whether this process may write to a database and its log, and make files in its folder."""
    files = [beside(database, suffix) for suffix in ("", LOG, INDEX)]
    return may_add(database.parent) and all(_may(one, os.W_OK) for one in files if one.exists())


def may_add(folder: Path) -> bool:
    """Whether this process may make files in a folder."""
    return _may(folder, os.W_OK | os.X_OK)


def has_log(database: Path) -> bool:
    """Whether a writer has a log beside the database, or a crash left one with something in it.

    SQLite reads it by its index; where there is no log, it needs to be told that it cannot
    make one (sqlite.org/wal.html#read_only_databases).
    """
    log, index = beside(database, LOG), beside(database, INDEX)
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


def like(model: Path, file: Path) -> None:
    """Give a file the owner and the permissions of a database, or those that fit its folder."""
    facts = model.stat()
    # The group first, so that no other can read it meanwhile; the owner last, who may change it.
    if sys.platform != "win32":
        with suppress(PermissionError):
            os.chown(file, -1, facts.st_gid)
    file.chmod(facts.st_mode & 0o666)
    if sys.platform != "win32":
        with suppress(PermissionError):  # only the administrator gives files away
            os.chown(file, facts.st_uid, -1)


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)
