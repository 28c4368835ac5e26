"""Kills a process that adds, replaces and removes articles, at random moments.

What was acknowledged is there, nothing is half there, and each quote stands where it says.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attacks.outcome import Outcome
from sourcebook.index.article import Article, article_id
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import MINILM
from sourcebook.index.errors import NotFoundError, SourcebookError
from sourcebook.index.library import Library
from sourcebook.index.passages import cut
from sourcebook.service.asking.engine import Engine

TESTS = Path(__file__).parents[1]
# A library is begun anew every so many rounds, so that some die while they make one.
ROUNDS_EACH = 6
# An addition takes a tenth to a third of a second on a machine that does nothing else. While fewer
# changes are done than rounds, lives become longer.
LONGEST_LIFE_S, LONGEST_OF_ALL_S, LONGER = 1.2, 5.0, 1.2


def attack(rounds: int, folder: Path) -> Outcome:
    """Kill so often; a fault is an article lost, changed or half there."""
    encoder = Encoder(MINILM)  # the one that `crashing.py` uses
    chance = random.Random(2)
    finished = 0
    longest = LONGEST_LIFE_S
    faults = []
    with _crasher() as crasher:
        assert crasher.stdin
        assert crasher.stdout
        for number in range(rounds):
            place = folder / f"library-{number // ROUNDS_EACH}"
            journal = place.with_suffix(".journal")
            before = _count(journal)
            life = chance.uniform(0, longest)
            crasher.stdin.write(f"{place}\t{number}\t{life}\t{journal}\n")
            crasher.stdin.flush()
            try:
                ended = crasher.stdout.readline().strip()
                assert ended == "killed", f"expected 'killed', found {ended!r}"
                finished += _count(journal) - before
                if finished <= number:
                    longest = min(LONGER * longest, LONGEST_OF_ALL_S)
                with Library(place, encoder, create=True) as library:
                    _check(library, encoder, journal)
            except (AssertionError, SourcebookError) as error:
                faults.append(f"round {number}: {error}")
    if not finished:
        faults.append("no worker lived long enough to finish a change")
    return Outcome(
        attack=f"`kill -9` while articles are added, replaced and removed; {finished:,} done",
        promise="what was acknowledged is there, nothing is half there",
        tried=rounds,
        faults=tuple(faults),
    )


def whole(library: Library, encoder: Encoder) -> None:
    """Raise AssertionError where an article is half there, is not found, or is cited wrongly."""
    with library.view() as view:
        records = view.records()
        for record in records:
            rows = view.passage_rowids(record.rowid)
            found = [passage for _, passage in view.passages(rows).values()]
            article = view.article(record.id)
            expected = cut(article, encoder.piece_offsets, encoder.passage_pieces)
            assert found == expected, f"{record.id} has other passages than its text"
            assert set(view.encodings(rows)) == set(rows), f"{record.id} lacks vectors"
        passages = sum(record.passages for record in records)
        assert view.counts()["passages"] == passages, f"{passages} passages are counted wrongly"
    assert library.drift() == [], f"the indexes differ: {library.drift()}"
    _exact(library, [library.article(record.id) for record in records])


def state_of(library: Library, name: str) -> str:
    """The SHA-256 of an article's text, or `-` if there is no such article."""
    try:
        return library.article(article_id(f"{name}.txt")).sha256
    except NotFoundError:
        return "-"


def _exact(library: Library, articles: list[Article]) -> None:
    """Each quote stands where it says it does, and articles can be found."""
    texts = {article.sha256: article.text for article in articles}
    result = Engine.of(library).find("How many hectares of coca does the council count?")
    assert bool(result.hits) == bool(texts), f"{len(result.hits)} passages are found"
    for hit in result.hits:
        cited = hit.citation
        text = texts[cited.text_sha256]
        assert text[cited.start : cited.end] == cited.exact, f"{cited.exact!r} is not there"


def _check(library: Library, encoder: Encoder, journal: Path) -> None:
    done, begun = _acknowledged(journal)
    for name in {*done, *begun}:
        allowed = {done.get(name, "-"), begun.get(name, done.get(name, "-"))}
        assert state_of(library, name) in allowed, f"{name} of {journal.read_text()}"
    whole(library, encoder)
    # What was under way counts from now on as it was found.
    with journal.open("a") as lines:
        lines.writelines(f"done {name} {state_of(library, name)}\n" for name in begun)


def _acknowledged(journal: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What each article is known to be (a sha256, or `-` for none), and what was under way."""
    done: dict[str, str] = {}
    begun: dict[str, str] = {}
    for line in journal.read_text().splitlines() if journal.exists() else []:
        verb, name, state = line.split()
        if verb == "begin":
            begun = {name: state}
        else:
            done[name] = state
            begun = {}
    return done, begun


def _count(journal: Path) -> int:
    """How many changes were acknowledged."""
    return journal.read_text().count("done ") if journal.exists() else 0


@contextmanager
def _crasher() -> "Iterator[subprocess.Popen[str]]":
    """A process that forks workers and kills them."""
    with subprocess.Popen(
        [sys.executable, str(TESTS / "crashing.py")],
        env=os.environ
        | {"PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}", "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()
