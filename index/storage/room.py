"""Whether the disk has room for what is about to be written."""

import shutil
from pathlib import Path

from sourcebook.index.errors import StorageError

# Free disk space that a change needs besides what it writes; an estimate of what both indexes take.
FREE_BYTES = 32_000_000


def check_room(folder: Path, count: int, what: str, cure: str) -> None:
    """Raise `StorageError` with that cure unless `what` can write so many bytes into the folder."""
    needed, free = FREE_BYTES + count, shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            f"The disk of {folder} has {free:,} bytes left; {what} needs about {needed:,}. Nothing "
            "was changed.",
            cure=cure,
        )
