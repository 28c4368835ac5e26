"""Upgrades a library to another encoder or other passages, beside what is searched."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePath

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import BusyError
from sourcebook.index.folder import DATABASE, missing
from sourcebook.index.ingest import EncodedPassages, encode_articles, set_encoder
from sourcebook.index.passages import CUTTING
from sourcebook.index.search.derived import DERIVED, DerivedIndexes
from sourcebook.index.storage import staged
from sourcebook.index.storage.connection import size
from sourcebook.index.storage.copies import copy_database
from sourcebook.index.storage.lock import LOCK, locked, write_lock
from sourcebook.index.storage.records import UpgradeProgress
from sourcebook.index.storage.room import check_room
from sourcebook.index.storage.store import Store
from sourcebook.index.storage.writer import Writer

UPGRADE_LOCK = "upgrade.lock"

# Passages that are encoded and committed together: seconds of work, which is what a crash costs,
# and how long it takes to stop.
GROUP = 128

# Called after each group; the upgrade stops where it returns False, and goes on at the next call.
Going = Callable[[UpgradeProgress], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """A library after its upgrade; `copy` is the file with the database as it was before."""

    articles: int
    passages: int
    encoder: str
    copy: Path


def upgrade_library(
    folder: Path, encoder: Encoder, *, again: bool = False, going: Going = lambda _: True
) -> Upgraded | None:
    """Cut and encode all articles with `encoder`, while others search the library and add to it.

    First the database is copied. What is encoded is committed group by group, so an interrupted
    upgrade goes on where it was; one to another encoder, or by other cutting rules, begins again.
    At the end one transaction puts the new passages in the place of the old ones. Articles keep
    their texts and ids.

    Returns None if the library has this encoder already and was cut by the present rules, unless
    `again`, or if `going` stopped it.
    Raises `NotFoundError` where there is no library, `BusyError` while another process upgrades it,
    `StorageError` where the disk has too little room.
    """
    if not (folder / DATABASE).exists():
        raise missing(folder)
    store = Store(folder / DATABASE)
    try:
        with _alone(folder):
            if not _begin(store, folder, encoder, again=again):
                return None
            while encoded := _encode(store, encoder, GROUP):
                with write_lock(folder), store.write() as writer:
                    staged.stage(writer, encoded)
                if not going(_progress(store)):
                    return None
            return _switch(store, folder, encoder)
    finally:
        store.close()


def _alone(folder: Path) -> AbstractContextManager[None]:
    busy = BusyError(
        f"Another process is upgrading the library in {folder}.",
        cure="`sourcebook info` tells how far it is. The library can be used meanwhile.",
    )
    return locked(folder / UPGRADE_LOCK, busy)


def _begin(store: Store, folder: Path, encoder: Encoder, *, again: bool) -> bool:
    """Begin the upgrade unless it was begun before; False if there is nothing to do."""
    with store.view() as view:
        under_way = view.upgrade()
        made = view.meta("encoder"), view.cutting
    wanted = encoder.fingerprint, CUTTING
    if under_way and (under_way.fingerprint, under_way.cutting) == wanted:
        _check_room(folder, 1 - under_way.done / max(1, under_way.total))
        return True
    if made == wanted and not again:
        return False
    _check_room(folder, 2)
    name = PurePath(encoder.name).name
    copy = copy_database(store.path, f"sourcebook.before-{name}")
    with write_lock(folder), store.write() as writer:
        staged.begin(writer, encoder, copy)
    return True


def _encode(
    store: Store, encoder: Encoder, passages: int
) -> list[tuple[staged.Waiting, EncodedPassages]]:
    """The next articles that wait, with about so many passages."""
    with store.view() as view:
        waiting = staged.waiting(view, passages)
        articles = [view.article(one.id) for one in waiting]
    encoded = encode_articles(articles, encoder, encoder.codec)
    return list(zip(waiting, encoded, strict=True))


def _switch(store: Store, folder: Path, encoder: Encoder) -> Upgraded:
    """Take over what is staged; nobody can add meanwhile, but everybody can search."""
    with write_lock(folder):
        while encoded := _encode(store, encoder, GROUP):  # what was added in the last moment
            with store.write() as writer:
                staged.stage(writer, encoded)
        copy = folder / _progress(store).copy
        with store.write() as writer:
            derived = f"{DERIVED}{writer.generation + 1}"
            staged.take_over(writer, derived)
            set_encoder(writer, encoder)
            # Built before the switch is committed, so that no question has to wait for them.
            _build_indexes(writer, folder, folder / derived, encoder.dimensions)
            counts = writer.counts()
    return Upgraded(
        articles=counts["articles"], passages=counts["passages"], encoder=encoder.name, copy=copy
    )


def _build_indexes(writer: Writer, folder: Path, derived: Path, dimensions: int) -> None:
    shutil.rmtree(derived, ignore_errors=True)  # of an attempt that was cut short
    DerivedIndexes(derived, dimensions, folder / LOCK, nullcontext).build(writer)


def _progress(store: Store) -> UpgradeProgress:
    with store.view() as view:
        found = view.upgrade()
    assert found is not None, "only the holder of the lock ends an upgrade"
    return found


def _check_room(folder: Path, times: float) -> None:
    """Raise `StorageError` unless so many times the size of the database is free."""
    needed = int(times * size(folder / DATABASE))
    cure = "Free some space, then start the upgrade again."
    check_room(folder, needed, "the upgrade", cure)
