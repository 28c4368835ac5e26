"""Backups: a library in one file, written while it is used, and put back."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sourcebook.index.check import in_articles
from sourcebook.index.errors import (
    BusyError,
    InputError,
    LibraryError,
    NotFoundError,
    SourcebookError,
    StorageError,
)
from sourcebook.index.folder import DATABASE, fingerprint_of, make_folder, missing
from sourcebook.index.storage import damage, database_file
from sourcebook.index.storage.access_mode import like
from sourcebook.index.storage.connection import size
from sourcebook.index.storage.copies import unused_name
from sourcebook.index.storage.lock import LOCK, locked
from sourcebook.index.storage.room import check_room
from sourcebook.index.storage.store import Store

# Of temporary files, which are hidden: SQLite could open them, but nobody should.
PREFIX = ".sourcebook-"
NO_ROOM = "Free some space, or name another disk."

# Called with what is being done, and the share of it that is done, or None where that is unknown.
Progress = Callable[[str, float | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A database file that was found whole, and what tells it from all others."""

    file: Path
    bytes: int
    articles: int
    generation: int
    uuid: str
    fingerprint: str
    encoder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A library that was put back; `kept` is the file with what was there before, if anything."""

    backup: Backup
    kept: Path | None


def backup(
    folder: Path, file: Path, *, force: bool = False, progress: Progress = lambda *_: None
) -> Backup:
    """Write the library in `folder`, as it is now, to one file; others may use it meanwhile.

    The file is read back and compared with its hashes before it gets its name. One that is there
    is only replaced with `force`. Raises `InputError` for a name that cannot be used,
    `StorageError` where it cannot be written, `LibraryError` where the library is damaged.
    """
    database = folder / DATABASE
    if not database.exists():
        raise missing(folder)
    with _problems(file):
        _check_name(file, folder, force=force)
        check_room(file.parent, size(database), "this", NO_ROOM)
        with _temporary(file.parent) as temporary:
            database_file.copy(database, temporary, partial(progress, "copying"))
            found = _examined(temporary, f"The library in {folder}", file, progress)
            like(database, temporary)
            _check_name(file, folder, force=force)  # another may have been as slow as this one
            temporary.replace(file)
            database_file.flush(file.parent)
    return found


def restore(
    file: Path, folder: Path, *, force: bool = False, progress: Progress = lambda *_: None
) -> Restored:
    """Put the backup in `file` into `folder`, as its library.

    A library that is there is only replaced with `force`, and is kept in a file beside the new one.
    Raises `LibraryError` for a file that is damaged, no library or too new, and `BusyError` while
    any other process has the library open; then nothing was changed.
    """
    look(file)
    made = _make(folder)
    try:
        with _problems(folder), _alone(folder):
            _sweep(folder, PREFIX, keep=file.name)  # what a restore left that was killed
            _check_place(file, folder, force=force)
            return _put_back(file, folder, progress)
    except BaseException:
        _undo(made)
        raise


def look(file: Path) -> None:
    """Raise an error for a file that is clearly not a backup of a library; a quick look."""
    with _problems(file):
        if not file.is_file():
            what = "is not a regular file" if file.exists() else "does not exist"
            raise NotFoundError(f"{file} {what}; expected a backup.", cure="Check the path.")
        database_file.look(file)


def _check_place(file: Path, folder: Path, *, force: bool) -> None:
    database = folder / DATABASE
    there = database.exists()
    if there and not force:
        raise InputError(
            f"There is a library in {folder} already.",
            cure="Restore into another folder with --library, or say --force: the library that is "
            "there is kept in a file beside it.",
        )
    if there and database.samefile(file):
        raise InputError(f"{file} is the library itself; expected a backup of it.")
    old = size(database) if there else 0
    check_room(folder, size(file) + old, "this", NO_ROOM)


def _put_back(file: Path, folder: Path, progress: Progress) -> Restored:
    """Copy the backup into the folder, look whether the copy is whole, and give it its name."""
    database = folder / DATABASE
    with _temporary(folder) as new:
        database_file.copy(file, new, partial(progress, "copying"), unused=True)
        found = _examined(new, str(file), file, progress)
        if not database.exists():
            like(folder, new)
            database_file.put(new, database)
            return Restored(backup=found, kept=None)
        like(database, new)
        kept = unused_name(folder, f"sourcebook.before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}")
        database_file.replace(database, new, kept, partial(progress, "keeping what was there"))
        return Restored(backup=found, kept=kept)


def _check_name(file: Path, folder: Path, *, force: bool) -> None:
    parent = file.parent
    if file.is_dir():
        name = file / f"sourcebook-{datetime.now(UTC):%Y-%m-%d}.db"
        raise InputError(f"{file} is a folder; expected a file.", cure=f"Such as {name}.")
    if not parent.is_dir():
        raise InputError(f"There is no folder {parent} for the backup.", cure="Make it first.")
    if file.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{file} is in the library's own folder, and would be lost with it.",
            cure="Name a file in another folder, best on another disk.",
        )
    if os.path.lexists(file) and not (force and file.is_file()):
        cure = "Name another file, or say --force to replace it."
        raise InputError(f"{file} is there already.", cure=cure)


def _examined(database: Path, what: str, file: Path, progress: Progress) -> Backup:
    """Look for damage in a copy, bring it to this version, and make it one complete file.

    `what` is its name in errors, `file` the backup that it is of or will be.
    """
    progress("checking", None)
    store = Store(database, keep=False)
    try:
        with store.view() as view:
            wrong = damage.integrity(view)[:1] or [one.what for one in in_articles(view)]
            if wrong:
                raise LibraryError(
                    f"{what} is damaged: {wrong[0].rstrip('.')}. Nothing was changed.",
                    cure="`sourcebook check` lists all damage in a library. Take an earlier "
                    "backup, or save what is whole with `sourcebook export`.",
                )
            found = partial(
                Backup,
                file=file,
                articles=view.counts()["articles"],
                generation=view.generation,
                uuid=view.meta("uuid"),
                fingerprint=fingerprint_of(view),
                encoder=view.meta("encoder_name"),
            )
    finally:
        store.close()
    database_file.complete(database)
    return found(bytes=database.stat().st_size)


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """A new file in `folder`, which is gone afterwards unless it was renamed."""
    descriptor, name = tempfile.mkstemp(prefix=PREFIX, suffix=".part", dir=folder)
    os.close(descriptor)
    file = Path(name)
    try:
        yield file
    finally:
        _sweep(folder, file.stem)


def _sweep(folder: Path, beginning: str, *, keep: str = "") -> None:
    """Delete the files whose names begin so: temporary ones, and what SQLite keeps beside them."""
    for file in folder.iterdir():
        if file.name.startswith(beginning) and file.name != keep:
            file.unlink(missing_ok=True)


def _make(folder: Path) -> list[Path]:
    """Make the folder; returns those that were not there, the innermost first."""
    made = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    make_folder(folder)
    return made


def _undo(made: list[Path]) -> None:
    """Remove folders that were made in vain; not what others have put there meanwhile."""
    for folder in made:
        with suppress(OSError):
            if [each.name for each in folder.iterdir()] == [LOCK]:
                (folder / LOCK).unlink()
            folder.rmdir()


def _alone(folder: Path) -> AbstractContextManager[None]:
    """Hold the write lock of the library in `folder`, unless another process has it."""
    busy = BusyError(
        f"Another process is writing to the library in {folder}. Nothing was changed.",
        cure="Wait until it has finished, or stop it, then try again.",
    )
    return locked(folder / LOCK, busy)


@contextmanager
def _problems(path: Path) -> Iterator[None]:
    """Convert the errors of the file system into ours."""
    try:
        yield
    except SourcebookError:
        raise
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read or written: {error.strerror or error}. Nothing was changed.",
            cure="Check its permissions and the free space, then try again.",
        ) from error
