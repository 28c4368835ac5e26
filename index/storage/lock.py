"""The write lock of a library, which excludes other processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sourcebook.index.errors import BusyError, StorageError

LOCK = "writer.lock"

# A commit takes seconds, so whoever waits this long meets a rebuild or the end of an upgrade.
LOCK_TIMEOUT_S = 120


@contextmanager
def write_lock(folder: Path) -> Iterator[None]:
    """Hold the write lock of the library in `folder`.

    Raises `BusyError` where another process holds it for too long, `StorageError` where the folder
    cannot be written to.
    """
    try:
        with FileLock(folder / LOCK, timeout=LOCK_TIMEOUT_S):
            yield
    except Timeout as error:
        raise BusyError(
            f"Another process has been writing to {folder} for {LOCK_TIMEOUT_S} s.",
            cure="Wait until it has finished, then try again.",
        ) from error
    except PermissionError as error:
        raise StorageError(
            f"The library in {folder} cannot be written to: {error}.",
            cure="Check the folder's permissions, then try again.",
        ) from error
