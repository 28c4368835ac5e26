"""Checksums of the files in a folder, which reveal damaged files."""

import json
import os
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path

CHECKSUMS = "checksums.json"
# 855 MB in six files take .4 s in parts of this size, .9 s as whole files and .3 s in four threads
# (two cores, in the page cache).
BLOCK_BYTES = 1 << 20

# The size of a file in bytes and its CRC-32.
Checksum = tuple[int, int]


def write_checksums(
    folder: Path, *, mutable: Collection[str] = (), ignored: Collection[str] = ()
) -> None:
    """Record the checksum of every file in `folder` but lock files and `ignored` ones, by name.

    All files but the `mutable` ones must keep their content for life: if one is recorded with the
    same size, it is not read again. The record is replaced atomically, if it changes.
    """
    files = [file for file in folder.iterdir() if file.name not in ignored and not _is_own(file)]
    sizes = {file.name: file.stat().st_size for file in files}
    try:
        earlier = _recorded(folder)
    except (OSError, ValueError, TypeError, AttributeError):
        earlier = {}
    kept = {
        name: checksum
        for name, checksum in earlier.items()
        if name not in mutable and sizes.get(name) == checksum[0]
    }
    record = kept | _checksums(folder, sizes.keys() - kept.keys())
    if record == earlier:
        return
    temporary = folder / f"{CHECKSUMS}.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(record, file, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / CHECKSUMS)


def check_files(folder: Path) -> set[str]:
    """Compare the files in `folder` with the record; other files are ignored.

    Returns the names in the record.

    Raises `OSError` if the record or a recorded file is missing, and `ValueError`, `TypeError` or
    `AttributeError` if one is damaged.
    """
    recorded = _recorded(folder)
    for name, found in _checksums(folder, recorded).items():
        if found != recorded[name]:
            raise ValueError(f"{name} has size and checksum {found}, expected {recorded[name]}")
    return set(recorded)


def _is_own(file: Path) -> bool:
    """Whether a file is a lock, or the record itself."""
    return file.suffix == ".lock" or file.name.startswith(CHECKSUMS)


def _recorded(folder: Path) -> dict[str, Checksum]:
    record = json.loads((folder / CHECKSUMS).read_bytes())
    return {name: (int(size), int(crc)) for name, (size, crc) in record.items()}


def _checksums(folder: Path, names: Iterable[str]) -> dict[str, Checksum]:
    return {name: _checksum(folder / name) for name in names}


def _checksum(file: Path) -> Checksum:
    size = crc = 0
    with file.open("rb") as opened:
        while block := opened.read(BLOCK_BYTES):
            size += len(block)
            crc = zlib.crc32(block, crc)
    return size, crc
