"""The folder of a library: its database's name, what made it, its sizes, and how one begins."""

import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sourcebook.index.article import sha256
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import NotFoundError, StorageError
from sourcebook.index.ingest import set_encoder
from sourcebook.index.originals import settle_all
from sourcebook.index.search.mirror import DENSE, LEXICAL
from sourcebook.index.storage.access_mode import share
from sourcebook.index.storage.connection import size
from sourcebook.index.storage.lock import write_lock
from sourcebook.index.storage.store import Store
from sourcebook.index.storage.view import View

DATABASE = "sourcebook.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeWith:
    """The encoder of a library: its name, and the fingerprint that tells it from all others."""

    name: str
    fingerprint: str


def made_with(folder: Path) -> MadeWith | None:
    """The encoder of the library in `folder`; None where there is no library."""
    if not (folder / DATABASE).exists():
        return None
    with closing(Store(folder / DATABASE)) as store, store.view() as view:
        return MadeWith(name=view.meta("encoder_name"), fingerprint=view.meta("encoder"))


def missing(folder: Path) -> NotFoundError:
    """The error for a folder without a library."""
    return NotFoundError(
        f"There is no library in {folder}.",
        cure=f"Make one: sourcebook --library {folder} add PATH",
    )


def fingerprint_of(view: View) -> str:
    """16 hex digits that identify the library and the encoder of its vectors."""
    return sha256(f"{view.meta('uuid')} {view.meta('encoder')} {sha256(view.meta('codec'))}")[:16]


def sizes(folder: Path, view: View) -> dict[str, int]:
    """The size of the database and of each index on disk, in bytes."""
    derived = folder / view.derived
    return {
        "database": size(folder / DATABASE),
        "dense": size(derived / DENSE),
        "lexical": size(derived / LEXICAL),
    }


def make_folder(folder: Path) -> None:
    """Make the folder of a library, unless it is there. Raises `StorageError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            cure="Name another folder with --library.",
        ) from error


def begin(folder: Path, encoder: Encoder) -> None:
    """Create an empty library, unless there is one; a crash meanwhile leaves none."""
    make_folder(folder)
    database = folder / DATABASE
    with write_lock(folder):
        if database.exists():
            return
        temporary = database.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        with closing(Store(temporary, create=True)) as store, store.write() as writer:
            writer.set_meta("uuid", uuid.uuid4().hex)
            set_encoder(writer, encoder)
            settle_all(writer)
        share(temporary, folder)
        temporary.rename(database)
