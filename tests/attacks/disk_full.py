"""A disk that is full at a random size of a file, while a library is opened, changed and closed.

What was acknowledged stays, what failed says so and changed nothing, and with room again all is
whole. In some rounds the indexes are gone, so that the disk is full while they are built.
"""

import random
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import article_from, version

from attacks.kills import state_of, whole
from attacks.outcome import Outcome
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import SourcebookError, StorageError
from sourcebook.index.folder import DATABASE
from sourcebook.index.library import Library

# A library is begun anew every so many rounds; in each, so many changes are tried.
ROUNDS_EACH, CHANGES = 10, 6
# Bytes that a file may have: from less than an empty library needs to more than any of these.
LEAST, MOST = 10_000, 10_000_000

States = dict[str, str]  # what each article is: its SHA-256, or `-` for none


def attack(rounds: int, folder: Path) -> Outcome:
    """Let so many disks be full; a fault is an article lost, changed or half there."""
    encoder = Encoder()
    known: States = {}
    done = refused = 0
    faults = []
    for number in range(rounds):
        place = folder / f"library-{number // ROUNDS_EACH}"
        if not place.exists():
            known = {}
            with Library(place, encoder, create=True):
                pass  # so that there is something to open
        try:
            well, badly = _round(number, place, encoder, known)
        except (AssertionError, SourcebookError, OSError) as error:
            faults.append(f"round {number}: {error!r}")
            shutil.rmtree(place)
            continue
        done, refused = done + well, refused + badly
    if not (done and refused):
        faults.append(f"{done} changes were made and {refused} refused; expected some of each")
    return Outcome(
        attack=f"a disk that is full at a random size: {done:,} changes made, {refused:,} refused",
        promise="what was acknowledged stays, what failed says so, the next start is whole",
        tried=rounds,
        faults=tuple(faults),
    )


def _round(number: int, place: Path, encoder: Encoder, known: States) -> tuple[int, int]:
    """Change a library on a full disk, then look at it with room; counts changes and refusals."""
    chance = random.Random(number)
    if number % 3 == 2:
        _lose_indexes(place)
    with _room(int(LEAST * (MOST / LEAST) ** chance.random())):
        counts = _changed(number, place, encoder, known, chance)
    with Library(place, encoder) as library:
        found = {name: state_of(library, name) for name in known}
        assert found == known, f"expected {known}, found {found}"
        whole(library, encoder)
    return counts


def _changed(
    number: int, place: Path, encoder: Encoder, known: States, chance: random.Random
) -> tuple[int, int]:
    done = refused = 0
    try:
        with Library(place, encoder) as library:
            for step in range(CHANGES):
                name = f"brief-{chance.randint(0, 7)}"
                there = known.get(name, "-") != "-"
                removes = there and chance.random() < 0.25
                article = (
                    article_from("none", name) if removes else version(name, 100 * number + step)
                )
                try:
                    if removes:
                        library.remove(article.id)
                    else:
                        library.add([article])
                except StorageError:
                    refused += 1
                    continue
                known[name] = "-" if removes else article.sha256
                done += 1
    except StorageError:
        refused += 1  # to open or to close it
    return done, refused


def _lose_indexes(place: Path) -> None:
    for path in place.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not path.name.startswith(DATABASE):
            path.unlink()


@contextmanager
def _room(size: int) -> Iterator[None]:
    """No file can grow beyond so many bytes meanwhile, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
