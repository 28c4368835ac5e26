"""Adds local files: their names as sources, failures, and retries."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from rich.console import Console
from rich.progress import Progress

from sourcebook.index.article import Article, sha256
from sourcebook.index.errors import SourcebookError, UnreadableError
from sourcebook.index.library import Library, Outcome
from sourcebook.index.parsing.parse import MAX_BYTES, decode, parse
from sourcebook.service.documents.catalogue import generation
from sourcebook.service.notation.responses import AddedOut, FailureOut, OutcomeOut

SUFFIXES = {"text": ".txt", "markdown": ".md", "html": ".html", "jsonl": ".jsonl"}

Failed = Callable[[str, SourcebookError], None]


def source_of(file: Path, library: Path) -> str:
    """The source name of a file: its path relative to the library's parent folder, or in full.

    So a library can be moved together with the articles next to it.
    """
    home, path = _absolute(library).parent, _absolute(file)
    return printable(path.relative_to(home) if path.is_relative_to(home) else path)


def printable(path: Path) -> str:
    """The path as text with `/`, and with escapes for bytes that are not valid UTF-8."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def file_of(source: str, library: Path) -> Path:
    """The file with that source name; the inverse of `source_of`."""
    return _absolute(library).parent / source


def add_files(
    library: Library,
    files: Iterable[Path],
    *,
    failed: Failed,
    done: Callable[[], object] = lambda: None,
) -> Iterator[Outcome]:
    """Add files; one that cannot be read is recorded and passed to `failed`, the others go on.

    `done` is called after each file that was looked at. Lazy, as `Library.adding` is.
    """
    sources: list[str] = []

    def articles() -> Iterator[Article]:
        seen: set[str] = set()
        for file in files:
            source = source_of(file, library.folder)
            if source in seen:
                continue
            seen.add(source)
            try:
                found = parse(_bytes(file), name=PurePath(source).name, source=source)
            except SourcebookError as error:
                library.record_failure(source, error)
                failed(source, error)
            else:
                sources.append(source)
                yield from found
            done()

    yield from library.adding(articles())
    # The library forgets the failures of articles; a file of many articles has another name.
    library.forget_failures(sources)


def add_with_progress(
    library: Library, files: Sequence[Path], typed: Sequence[Article]
) -> AddedOut:
    """Add files and already parsed articles, with a progress bar on standard error."""
    failures: list[FailureOut] = []

    def failed(source: str, error: SourcebookError) -> None:
        failures.append(FailureOut.now(source, error))

    errors = Console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("reading and encoding", total=len(files))
        found = add_files(library, files, failed=failed, done=lambda: progress.advance(task))
        outcomes = [OutcomeOut.model_validate(one) for one in (*library.add(typed), *found)]
    return AddedOut(outcomes=outcomes, failures=failures, generation=generation(library))


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
    return decode(_bytes(Path(name)), name)


def _bytes(file: Path) -> bytes:
    """The file's content, up to one byte more than the limit."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnreadableError(
            f"{printable(file)} cannot be opened: {error.strerror}.",
            cure="Check its path and permissions.",
        ) from error


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))
