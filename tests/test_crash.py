"""`kill -9` while articles are added: what was acknowledged is there, nothing is half there."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY

from sourcebook.index.article import Article, article_id
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import MINILM
from sourcebook.index.errors import NotFoundError
from sourcebook.index.library import Library
from sourcebook.index.passages import cut
from sourcebook.service.asking.engine import Engine

ROUNDS = 24
# A library is begun anew every so many rounds, so that some die while they make one.
ROUNDS_EACH = 6
# An addition takes a tenth to a third of a second here.
LONGEST_LIFE_S = 1.2


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The one that `crashing.py` uses."""
    return Encoder(MINILM)


@pytest.fixture(scope="module")
def crasher() -> Iterator[subprocess.Popen[str]]:
    """A process that forks workers and kills them."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("crashing.py"))],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def acknowledged(journal: Path) -> tuple[dict[str, str], dict[str, str]]:
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


def state_of(library: Library, name: str) -> str:
    try:
        return library.article(article_id(f"{name}.txt")).sha256
    except NotFoundError:
        return "-"


def check(library: Library, encoder: Encoder, journal: Path) -> None:
    done, begun = acknowledged(journal)
    for name in {*done, *begun}:
        allowed = {done.get(name, "-"), begun.get(name, done.get(name, "-"))}
        assert state_of(library, name) in allowed, f"{name} of {journal.read_text()}"
    with library.view() as view:
        records = view.records()
        for record in records:
            rows = view.passage_rowids(record.rowid)
            found = [passage for _, passage in view.passages(rows).values()]
            article = view.article(record.id)
            assert found == cut(article, encoder.piece_offsets, encoder.passage_pieces)
            assert set(view.encodings(rows)) == set(rows)
        assert view.counts()["passages"] == sum(record.passages for record in records)
    assert library.drift() == []
    exact(library, [library.article(record.id) for record in records])
    # What was under way counts from now on as it was found.
    with journal.open("a") as lines:
        lines.writelines(f"done {name} {state_of(library, name)}\n" for name in begun)


def exact(library: Library, articles: list[Article]) -> None:
    """Each quote stands where it says it does, and each article can be found."""
    texts = {article.sha256: article.text for article in articles}
    engine = Engine.of(library)
    result = engine.find("How many hectares of coca does the council count?")
    assert bool(result.hits) == bool(texts)
    for hit in result.hits:
        cited = hit.citation
        assert texts[cited.text_sha256][cited.start : cited.end] == cited.exact


def test_kill_at_random_moments(
    crasher: subprocess.Popen[str], encoder: Encoder, tmp_path: Path
) -> None:
    assert crasher.stdin
    assert crasher.stdout
    chance = random.Random(2)
    finished = 0
    for number in range(ROUNDS):
        folder = tmp_path / f"library-{number // ROUNDS_EACH}"
        journal = folder.with_suffix(".journal")
        life = chance.uniform(0, LONGEST_LIFE_S)
        crasher.stdin.write(f"{folder}\t{number}\t{life}\t{journal}\n")
        crasher.stdin.flush()
        assert crasher.stdout.readline() == "killed\n"
        with Library(folder, encoder, create=True) as library:
            check(library, encoder, journal)
            finished += len(acknowledged(journal)[0])
    assert finished, "no worker lived long enough to finish an addition"
