"""Flips one bit of a library at a time: what it then says is as before, or it says what is damaged.

The bit may be in any file: the database, its log, either index. Every round has its own copy of the
library, half of them as a server would leave it that is killed, with a log beside the database.
"""

import logging
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from attacks.outcome import Outcome
from sourcebook.index.article import Article, Block, BlockKind, Metadata, article_id
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import SourcebookError
from sourcebook.index.library import Library
from sourcebook.service.asking.engine import Engine
from sourcebook.service.documents.verify import verify

SEED = 7
QUESTIONS = (
    "By how much did coca grow in Cauca?",
    "When will the night train to the coast run again?",
    "What does the Gazette say about the fines for waste?",
    "Who opened the bridge?",
)
QUOTES = ("coca grew by 266 percent", "coca grew by 366 percent", "The bridge was opened")
# Source, title, date and text; the last is a near copy of the first.
TEXTS = (
    (
        "coca", "Coca grows", "2025-03-01",
        "In the province of Cauca, coca grew by 266 percent in four years, said the ministry. "
        "Farmers there earn more with coca than with coffee, which costs more to bring to town."
        "\n\nThe army burnt some fields in spring. New ones were planted within weeks.",
    ),
    (
        "trains", "Night train returns", "2025-09-19",
        "The ministry will reopen the night train to the coast in spring.\n\n"
        "Tickets for the sleeper 🚂 cost “forty crowns”, the minister said.",
    ),
    (
        "fines", "Fines for waste", "2024-11",
        "The council voted on Tuesday to double the fines for dumping waste in the river. "
        "A firm that is caught twice loses its licence for a year.",
    ),
    (
        "bridge", "A bridge", None,
        "The bridge was opened by Mayor Ana Ruiz on 4 May 2023, after nine years of work.",
    ),
    (
        "copy", "Coca grows again", "2025-03-02",
        "In the province of Cauca, coca grew by 266 percent in four years, said the ministry. "
        "Farmers there earn more with coca than with coffee, which costs more to bring to town."
        "\n\nThe army burnt some fields in spring. New ones were planted within weeks.",
    ),
)  # fmt: skip

Said = dict[str, Any]


def attack(rounds: int, folder: Path) -> Outcome:
    """Flip a random bit in each of so many copies of a library, and compare what it says."""
    encoder = Encoder()
    chance = random.Random(SEED)
    bases = _made(folder, encoder)
    expected, complaints = _said(_copy(bases[0], folder / "round"), encoder)
    assert not complaints, complaints
    faults = []
    for number in range(rounds):
        copy = _copy(bases[number % 2], folder / "round")
        file, bit = _flip(copy, chance, any_file=number % 4 < 2)
        place = f"round {number}: bit {bit % 8} of byte {bit // 8} in {file.relative_to(copy)}"
        try:
            found, complaints = _said(copy, encoder)
        except Exception as error:
            faults.append(f"{place}: {error!r} reached the user")
            continue
        changed = [name for name in expected if found.get(name) != expected[name]]
        if changed and not complaints:
            faults.append(f"{place}: silently changed: {', '.join(changed)}")
    return Outcome(
        attack="one bit flipped, anywhere in a library",
        promise="no answer, quote, score or text changes without an error or a line in the log",
        tried=rounds,
        faults=tuple(faults),
    )


def _made(folder: Path, encoder: Encoder) -> tuple[Path, Path]:
    """A library that was closed, and the same while it is open, with a log."""
    closed, killed = folder / "closed", folder / "killed"
    with Library(folder / "made", encoder, create=True) as library:
        for one in TEXTS:
            library.add([_article(*one)])
        library.correct(article_id(TEXTS[0][0]), {"authors": ("Bo Dahl",), "tags": ("coca",)})
        gone = _article("gone", "Removed", None, "A circus came to the town of Cauca in June.")
        library.add([gone])
        library.remove(gone.id)
        library.indexes.save()
        shutil.copytree(library.folder, killed, ignore=shutil.ignore_patterns("*-shm", "*.lock"))
    shutil.copytree(folder / "made", closed, ignore=shutil.ignore_patterns("*.lock"))
    return closed, killed


def _article(source: str, title: str, published: str | None, text: str) -> Article:
    ends = [at for at in range(len(text)) if text.startswith("\n\n", at)] + [len(text)]
    starts = [0, *(end + 2 for end in ends[:-1])]
    blocks = tuple(
        Block(BlockKind.PARAGRAPH, start, end) for start, end in zip(starts, ends, strict=True)
    )
    metadata = Metadata(
        title=title,
        authors=("Ada Berg",),
        publisher="Gazette",
        published=published,
        url=f"https://gazette.example/{source}",
        language="en",
    )
    return Article(source=source, text=text, blocks=blocks, metadata=metadata, raw=text.encode())


def _copy(base: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(base, target)
    return target


def _flip(folder: Path, chance: random.Random, *, any_file: bool) -> tuple[Path, int]:
    """Flip one of all the bits in a folder; returns its file and its number there.

    With `any_file` a small file is as likely to be hit as a large one, else each bit as any other.
    """
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.stat().st_size)
    sizes = [file.stat().st_size for file in files]
    [file] = chance.choices(files, None if any_file else sizes)
    content = bytearray(file.read_bytes())
    bit = chance.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)
    return file, bit


def _said(folder: Path, encoder: Encoder) -> tuple[Said, list[str]]:
    """All that the library says, and the errors and log lines that say what is damaged."""
    found: Said = {}
    with _listening() as complaints:

        def look(name: str, what: Callable[[], Any]) -> None:
            try:
                found[name] = what()
            except SourcebookError as error:
                complaints.append(str(error))

        try:
            library = Library(folder, encoder)
        except SourcebookError as error:
            return found, [str(error)]
        try:
            engine = Engine.of(library)
            for question in QUESTIONS:
                look(f"the answer to {question!r}", partial(_answer, engine, question))
                look(f"the passages for {question!r}", partial(_hits, engine, question))
            look("the verdicts", partial(verify, library, list(QUOTES)))
            look("the list", partial(_list, library))
            for source, *_ in TEXTS:
                look(f"the article {source}", partial(library.article, article_id(source)))
        finally:
            library.close()
    return found, complaints


def _answer(engine: Engine, question: str) -> Any:
    """What is answered and cited, with all scores that led to it."""
    explained = engine.explain(question)
    answer = explained.answer
    cited = [(one.exact, one.start, one.article.metadata) for one in answer.quoted]
    short = answer.short.text if answer.short else None
    return answer.status, short, answer.confidence, cited, explained.explanation


def _hits(engine: Engine, question: str) -> Any:
    return [
        (hit.passage, hit.citation.exact, hit.citation.article.metadata)
        for hit in engine.find(question).hits
    ]


def _list(library: Library) -> Any:
    with library.view() as view:
        return view.records(), view.counts(), view.coverage()


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What is logged meanwhile, from warnings on."""
    heard: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    listener = Listener(logging.WARNING)
    root = logging.getLogger("sourcebook")
    root.addHandler(listener)
    try:
        yield heard
    finally:
        root.removeHandler(listener)
