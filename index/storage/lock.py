"""Locks of a library, which exclude other processes."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sourcebook.index.errors import BusyError
from sourcebook.index.storage.access_mode import read_only, share

LOCK = "writer.lock"

# A commit takes seconds, so whoever waits this long meets a rebuild or the end of an upgrade.
LOCK_TIMEOUT_S = 120
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def locked(file: Path, busy: BusyError, timeout: float = 0) -> Iterator[None]:
    """Hold the lock `file` of the library in its folder.

    Raises `busy` where another process holds it for longer than `timeout` seconds, and
    `StorageError` where the folder cannot be written to.
    """
    lock = FileLock(file)
    try:
        lock.acquire(timeout=timeout)
    except Timeout as error:  # which is an OSError
        raise busy from error
    except OSError as error:
        if error.errno in REFUSED:
            raise read_only(file.parent) from error
        raise
    try:
        share(file, file.parent)
        yield
    finally:
        lock.release()


@contextmanager
def write_lock(folder: Path) -> Iterator[None]:
    """Hold the write lock of the library in `folder`.

    Raises `BusyError` where another process holds it for too long, `StorageError` where the folder
    cannot be written to.
    """
    busy = BusyError(
        f"Another process has been writing to {folder} for {LOCK_TIMEOUT_S} s.",
        cure="Wait until it has finished, then try again.",
    )
    with locked(folder / LOCK, busy, LOCK_TIMEOUT_S):
        yield
