"""Adds local files: their names as sources, failures, and retries."""

import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path, PurePath

from rich.console import Console
from rich.progress import Progress

from sourcebook.index.article import Article, sha256
from sourcebook.index.errors import SourcebookError, UnreadableError
from sourcebook.index.ingest import Watch
from sourcebook.index.library import UNWATCHED, Library, Outcome
from sourcebook.index.parsing.parse import MAX_BYTES, decode, parse, suffix_of
from sourcebook.service.adding.interrupting import interruptible
from sourcebook.service.documents.catalogue import generation
from sourcebook.service.notation.library import AddedOut, FailureOut, OutcomeOut

SUFFIXES = {"text": ".txt", "markdown": ".md", "html": ".html", "jsonl": ".jsonl"}

# Line breaks in a name would forge lines of a list; other controls would command a terminal.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

Failed = Callable[[str, SourcebookError], None]


def source_of(file: Path, library: Path) -> str:
    """The source name of a file: its path relative to the library's parent folder, or in full.

    So a library can be moved together with the articles next to it.
    """
    home, path = _absolute(library).parent, _absolute(file)
    return printable(path.relative_to(home) if path.is_relative_to(home) else path)


def printable(path: Path) -> str:
    """The path as text with `/`, and with escapes for what no line of text can hold."""
    text = os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def file_of(source: str, library: Path) -> Path:
    """The file with that source name; the inverse of `source_of`."""
    return _absolute(library).parent / source


def add_files(
    library: Library,
    files: Iterable[Path],
    *,
    failed: Failed,
    done: Callable[[], object] = lambda: None,
    watch: Watch = UNWATCHED,
) -> Iterator[Outcome]:
    """Add files; one that cannot be read is recorded and passed to `failed`, the others go on.

    `done` is called after each file that failed, or whose articles are all committed. Lazy, as
    `Library.adding` is.
    """
    waiting: dict[str, str] = {}  # the file of each article that is not committed
    left: Counter[str] = Counter()  # of a file, so many articles are not committed
    sources: list[str] = []

    def articles() -> Iterator[Article]:
        seen: set[str] = set()
        for file in files:
            if watch.stop():
                return
            source = source_of(file, library.folder)
            if source in seen:
                continue
            seen.add(source)
            name = PurePath(source).name
            try:
                # First: a process that closes its library's database loses the locks on it.
                suffix_of(name)
                found = parse(_bytes(file), name=name, source=source)
            except SourcebookError as error:
                library.record_failure(source, error)
                failed(source, error)
                done()
            else:
                left[source] = len(found)
                waiting.update((article.source, source) for article in found)
                yield from found

    for outcome in library.adding(articles(), watch):
        source = waiting.pop(outcome.record.source)
        left[source] -= 1
        if not left[source]:
            sources.append(source)
            done()
        yield outcome
    # The library forgets the failures of articles; a file of many articles has another name.
    library.forget_failures(sources)


def add_with_progress(
    library: Library,
    files: Sequence[Path],
    typed: Sequence[Article] = (),
    odd: Sequence[tuple[Path, SourcebookError]] = (),
) -> tuple[AddedOut, int]:
    """Add files and already parsed articles, with a progress bar on standard error.

    `odd` is what is no file, and why; it is among the failures. Stops at Ctrl-C, and keeps what is
    encoded until then: the number is of the files that were not added to their end.
    """
    failures = [FailureOut.now(source_of(path, library.folder), why) for path, why in odd]
    outcomes: list[OutcomeOut] = []
    left = len(files)

    def failed(source: str, error: SourcebookError) -> None:
        failures.append(FailureOut.now(source, error))

    errors = Console(stderr=True)
    bar = Progress(console=errors, transient=True, disable=not errors.is_terminal)
    with suppress(KeyboardInterrupt), interruptible() as stopped, bar:
        task, encoded = bar.add_task("encoding", total=len(files)), 0

        def count(passages: int) -> None:
            nonlocal encoded
            encoded += passages
            bar.update(task, description=f"{encoded:,} passages encoded")

        def done() -> None:
            nonlocal left
            left -= 1
            bar.advance(task)

        watch = Watch(stopped, count)
        found = add_files(library, files, failed=failed, done=done, watch=watch)
        for one in chain(library.adding(typed, watch), found):
            outcomes.append(OutcomeOut.model_validate(one))
    left = left if stopped() else 0
    return AddedOut(outcomes=outcomes, failures=failures, generation=generation(library)), left


def stopped_at(left: int, files: int) -> str:
    """What to tell a user who stopped an addition."""
    return (
        f"Stopped: {files - left:,} of {files:,} files were looked at, and what is listed above "
        "was added. The same command goes on from here."
    )


def to_retry(library: Library) -> tuple[list[Path], list[str]]:
    """The failed files that still exist, and the sources of those that do not."""
    with library.view() as view:
        sources = [failure.source for failure in view.failures()]
    files = {source: file_of(source, library.folder) for source in sources}
    there = [file for file in files.values() if file.is_file()]
    return there, [source for source, file in files.items() if not file.is_file()]


def from_stdin(source: str, format: str) -> list[Article]:
    """Parse the articles on standard input; by default their source is a hash of it."""
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    source = source or f"text:{sha256(data)[:16]}"
    return parse(data, name=f"stdin{SUFFIXES[format]}", source=source)


def draft(name: str) -> str:
    """The text of a file, or of standard input for `-`."""
    if name == "-":
        return decode(sys.stdin.buffer.read(MAX_BYTES + 1), "stdin")
    return decode(_bytes(Path(name), pipe=True), name)


def _bytes(file: Path, *, pipe: bool = False) -> bytes:
    """The file's content, up to one byte more than the limit; a pipe's only where that is asked."""
    try:
        # Without waiting, so that a pipe that nobody writes to does not hold up the rest.
        waiting = 0 if pipe else getattr(os, "O_NONBLOCK", 0)
        with open(os.open(file, os.O_RDONLY | waiting), "rb") as stream:
            if pipe or stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return stream.read(MAX_BYTES + 1)
        reason = "it is no file"
    except OSError as error:
        reason = str(error.strerror)
    raise UnreadableError(
        f"{printable(file)} cannot be opened: {reason}.", cure="Check its path and permissions."
    )


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))
