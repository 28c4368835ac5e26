"""Drills of a restore: a backup while another process writes, put back by one that is killed.

Run as a program it writes, or it restores in processes that it forks and kills. The latter loads no
model, so that it has no threads that a fork could lose.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import article_from

from attacks.outcome import Outcome
from sourcebook.index.backup import backup, restore
from sourcebook.index.check import check
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import SourcebookError
from sourcebook.index.folder import DATABASE
from sourcebook.index.library import Library

TESTS = Path(__file__).parents[1]
# A library is begun anew every so many rounds; in each, so many restores are killed.
ROUNDS_EACH, KILLS = 5, 4
# How long is written in a round, where an addition takes a tenth of a second; and the time in which
# most restores end.
WRITING_S, LONGEST_RESTORE_S = 1.0, 0.03

States = dict[str, str]  # what each article is: its SHA-256, or `-` for none


def attack(rounds: int, folder: Path) -> Outcome:
    """Back up and restore so often; a fault is an article lost, changed or half there."""
    encoder = Encoder()
    faults: list[str] = []
    with _process("write") as writer, _process("restore") as restorer:
        for number in range(rounds):
            place = folder / f"drill-{number // ROUNDS_EACH}"
            try:
                _drill(number, place, encoder, writer, restorer)
            except (AssertionError, SourcebookError) as error:
                faults.append(f"round {number}: {error}")
    return Outcome(
        attack="backup while another process writes, restore killed at random moments",
        promise="all that was acknowledged is in the backup; the old or the new library is there",
        tried=rounds,
        faults=tuple(faults),
    )


def _drill(
    number: int,
    place: Path,
    encoder: Encoder,
    writer: "subprocess.Popen[str]",
    restorer: "subprocess.Popen[str]",
) -> None:
    chance = random.Random(number)
    place.mkdir(exist_ok=True)
    library, journal, file = place / "library", place / "journal", place / f"{number}.db"
    with Library(library, encoder, create=True):
        pass  # so that there is something to back up from the first moment
    _tell(writer, library, number, journal)
    time.sleep(chance.uniform(0, WRITING_S))
    sure = _lines(journal)
    backup(library, file)
    possible = _possible(sure, _lines(journal))
    assert _told(writer) == "written"

    elsewhere = place / "elsewhere"
    _restore_and_kill(chance, restorer, file, elsewhere, encoder)
    restore(file, elsewhere, force=True)
    new = _whole(elsewhere, encoder)
    for name in {*possible, *new}:
        assert new.get(name, "-") in possible.get(name, {"-"}), f"{name} is lost or changed"


def _restore_and_kill(
    chance: random.Random,
    restorer: "subprocess.Popen[str]",
    file: Path,
    folder: Path,
    encoder: Encoder,
) -> None:
    """Restore a few times, each killed; each time the old library is there, or the new one."""
    restore(file, folder.with_name("new"), force=True)
    new = _whole(folder.with_name("new"), encoder)
    for _ in range(KILLS):
        old = _whole(folder, encoder)
        _tell(restorer, file, folder, chance.uniform(0, LONGEST_RESTORE_S))
        assert _told(restorer) in ("killed", "ended 0")
        assert _whole(folder, encoder) in (old, new), "neither the old nor the new library is there"


def _whole(folder: Path, encoder: Encoder) -> States:
    """The articles of a library in which nothing is damaged; none where there is no library."""
    if not (folder / DATABASE).exists():
        return {}
    with Library(folder, encoder) as library:
        damage = check(library)
        assert not damage, damage[0].what
        with library.view() as view:
            return {one.metadata.title: view.article(one.id).sha256 for one in view.records()}


def _lines(journal: Path) -> list[list[str]]:
    """What began and what was acknowledged; a line that is being written is left out."""
    text = journal.read_text() if journal.exists() else ""
    return [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _possible(sure: list[list[str]], all: list[list[str]]) -> dict[str, set[str]]:
    """What each article may be in a backup: as it was acknowledged before, or what began since."""
    found = {name: {state} for verb, name, state in sure if verb == "done"}
    begun = [line for line in sure[-1:] if line[0] == "begin"] + all[len(sure) :]
    for verb, name, state in begun:
        if verb == "begin":
            found.setdefault(name, {"-"}).add(state)
    return found


@contextmanager
def _process(role: str) -> "Iterator[subprocess.Popen[str]]":
    """This module as a program that is ready."""
    with subprocess.Popen(
        [sys.executable, "-m", "attacks.restore_drills", role],
        env=os.environ
        | {"PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}", "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert _told(process) == "ready"
        yield process
        process.kill()


def _tell(process: "subprocess.Popen[str]", *words: object) -> None:
    assert process.stdin
    process.stdin.write("\t".join(map(str, words)) + "\n")
    process.stdin.flush()


def _told(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def _write(encoder: Encoder, folder: Path, number: int, journal: Path) -> None:
    """Add, replace and remove articles; the journal says what began and what was acknowledged."""
    chance, end = random.Random(number), time.monotonic() + WRITING_S
    with journal.open("a") as lines, Library(folder, encoder) as library:

        def say(*words: str) -> None:
            lines.write(" ".join(words) + "\n")
            lines.flush()

        while time.monotonic() < end:
            name = f"brief-{chance.randint(0, 7)}"
            text = f"{name} counts {chance.random()} hectares. " + "It rains. " * chance.randint(
                0, 99
            )
            article = article_from(text.strip(), name)
            with library.view() as view:
                there = article.id in {record.id for record in view.records()}
            removes = there and chance.random() < 0.3
            state = "-" if removes else article.sha256
            say("begin", name, state)
            if removes:
                library.remove(article.id)
            else:
                library.add([article])
            say("done", name, state)


def _restore_killed(file: Path, folder: Path, seconds: float) -> str:
    child = os.fork()
    if not child:
        try:
            restore(file, folder, force=True)
            os._exit(0)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return "killed" if os.WIFSIGNALED(status) else f"ended {status}"


def _main(role: str) -> None:
    encoder = Encoder() if role == "write" else None
    print("ready", flush=True)
    for line in sys.stdin:
        first, second, third = line.rstrip("\n").split("\t")
        if encoder:
            _write(encoder, Path(first), int(second), Path(third))
            print("written", flush=True)
        else:
            print(_restore_killed(Path(first), Path(second), float(third)), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
