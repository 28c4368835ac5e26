"""Adding, deleting and asking at once: nothing stale, nothing lost, nothing wrong."""

import itertools
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from conftest import MakeLibrary, article_from

from sourcebook.index.article import Article, article_id
from sourcebook.index.errors import NotFoundError
from sourcebook.index.library import Library
from sourcebook.service.asking.engine import Engine

SECONDS = 8
PLACES = ["Cauca", "Nariño", "Catatumbo", "Putumayo", "Guaviare", "Meta"]
QUESTIONS = [f"How many hectares of coca does {place} report?" for place in PLACES]


@dataclass
class Ledger:
    """What was acknowledged: `deleted` says how often each article's delete has returned."""

    deleted: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    done: dict[str, int] = field(default_factory=lambda: dict.fromkeys(["added", "asked"], 0))

    def version(self, name: str, number: int) -> Article:
        """A short article on all places, other figures in every version; its text is kept."""
        figures = random.Random(f"{name} {number}")
        lines = [
            f"In {name}, version {number}, {place} reports {figures.randint(1, 99_999)} hectares "
            f"of coca. The governor of {place} blames the {figures.choice(['rain', 'war'])}."
            for place in PLACES
        ]
        article = article_from("\n\n".join(lines), name)
        with self.lock:
            self.texts[article.sha256] = article.text
        return article


def write(library: Library, names: list[str], ledger: Ledger, until: float) -> None:
    """Add, replace and delete articles that no other thread touches."""
    chance = random.Random(names[0])
    for number in itertools.count():
        if time.monotonic() > until:
            return
        article = ledger.version(chance.choice(names), number)
        with ledger.lock:
            ledger.deleted.pop(article.id, None)
        [outcome] = library.add([article])
        assert outcome.record.sha256 == article.sha256
        assert library.article(article.id).text == article.text
        if chance.random() < 0.5:
            library.remove(article.id)
            with ledger.lock:
                ledger.deleted[article.id] = number
        ledger.done["added"] += 1


def quarrel(library: Library, ledger: Ledger, until: float) -> None:
    """Add and delete one article that another thread adds and deletes too."""
    chance = random.Random(threading.get_ident())
    while time.monotonic() < until:
        [outcome] = library.add([ledger.version("quarrel", chance.randint(1, 3))])
        assert outcome.record.source == "quarrel.txt"
        try:
            library.remove(article_id("quarrel.txt"))
        except NotFoundError:
            continue


def ask(engine: Engine, ledger: Ledger, until: float) -> None:
    """Ask; every quote is exact, and nothing is cited that was gone before the question."""
    chance = random.Random(threading.get_ident())
    while time.monotonic() < until:
        with ledger.lock:
            before = dict(ledger.deleted)
        answer = engine.ask(chance.choice(QUESTIONS))
        found = engine.find(chance.choice(QUESTIONS))
        with ledger.lock:
            # One that was added again meanwhile may be cited.
            gone = {name for name, number in before.items() if ledger.deleted.get(name) == number}
        for cited in (*answer.citations, *answer.nearest, *(hit.citation for hit in found.hits)):
            assert cited.article.id not in gone
            assert ledger.texts[cited.text_sha256][cited.start : cited.end] == cited.exact
        ledger.done["asked"] += 1


def test_hammer(make_library: MakeLibrary) -> None:
    ledger = Ledger()
    library = make_library([ledger.version("keeper", 0)])
    engine = Engine.of(library)
    until = time.monotonic() + SECONDS
    names = [f"brief-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(write, library, names[:4], ledger, until),
            pool.submit(write, library, names[4:], ledger, until),
            *(pool.submit(quarrel, library, ledger, until) for _ in range(2)),
            *(pool.submit(ask, engine, ledger, until) for _ in range(3)),
        ]
        for job in jobs:
            job.result()
    assert min(ledger.done.values()) >= 5, ledger.done
    assert library.drift() == []
    cited = {hit.citation.article.id for hit in engine.find(QUESTIONS[0]).hits}
    assert cited
    assert not cited & set(ledger.deleted)


def test_a_delete_is_seen_by_the_next_question_in_every_index(make_library: MakeLibrary) -> None:
    library = make_library(a="Cauca reports 512 hectares of coca.", b="Meta grows cassava.")
    gone = library.remove(article_id("a.txt"))
    assert (
        library.indexes.lexical.generation
        == library.indexes.dense.generation
        == gone.generation + 1
    )
    assert library.indexes.lexical.search("coca in Cauca", 5) == []
    assert len(library.indexes.lexical) == len(library.indexes.dense) == 1
