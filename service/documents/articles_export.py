"""Exports articles to files that `sourcebook add` reads again."""

import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sourcebook.index.article import Article
from sourcebook.index.errors import InputError, SourcebookError, StorageError, TooLargeError
from sourcebook.index.folder import DATABASE, missing
from sourcebook.index.parsing.exported import as_line, as_markdown
from sourcebook.index.parsing.parse import MAX_BYTES
from sourcebook.index.storage.store import Store
from sourcebook.index.storage.view import View
from sourcebook.service.notation.library import ExportedOut, FailureOut

ArticleFormat = Literal["jsonl", "markdown"]

# So many characters of a title are in a file's name.
SLUG = 60


@dataclass(slots=True)
class _Export:
    """An export under way, into files in a folder."""

    folder: Path
    raw: bool
    most: int
    articles: int = 0
    files: int = 0
    room: int = 0
    without_raw: list[str] = field(default_factory=list)

    def add_line(self, article: Article) -> None:
        """Append to the last JSONL file, or begin one where it would be too large to be read."""
        line = as_line(article, raw=self.raw)
        if self.raw and len(line) > self.most:
            line = as_line(article, raw=False)
            self.without_raw.append(article.source)
        if len(line) > self.most:
            raise TooLargeError(
                f"{article.source} takes {len(line):,} bytes as JSON; expected at most "
                f"{self.most:,}, which is what can be added.",
                cure="Export it as Markdown.",
            )
        if len(line) > self.room:
            self.files, self.room = self.files + 1, self.most
        with (self.folder / f"articles-{self.files:04}.jsonl").open("ab") as stream:
            stream.write(line)
        self.room -= len(line)
        self.articles += 1

    def add_file(self, article: Article) -> None:
        """Write a Markdown file, named after its number, which keeps the order, and the title."""
        plain = unicodedata.normalize("NFKD", article.metadata.title).encode("ascii", "ignore")
        words = "-".join(re.findall(r"[a-z0-9]+", plain.decode().lower()))
        name = f"{self.files + 1:05}-{words[:SLUG].strip('-') or 'article'}.md"
        (self.folder / name).write_bytes(as_markdown(article).encode())
        self.files += 1
        self.articles += 1


def export_articles(
    library: Path,
    path: Path,
    *,
    format: ArticleFormat = "jsonl",
    raw: bool = False,
    most: int = MAX_BYTES,
    done: Callable[[int, int], object] = lambda done, of: None,
) -> ExportedOut:
    """Write all articles of the library in that folder, as they are now, to new files.

    `path` is a new or empty folder, or a new .jsonl file; it is there when it is complete. `raw`
    adds original bytes, which only JSONL can hold. No file gets more than `most` bytes. A damaged
    article is left out and named. Needs no encoder.

    Raises `InputError` for a path that cannot be used, `StorageError` where it cannot be written,
    `NotFoundError` where there is no library.
    """
    if not (library / DATABASE).exists():
        raise missing(library)
    single = path.suffix.lower() == ".jsonl"
    with _problems(path):
        _check(path, format, single=single, raw=raw)
    failures: list[FailureOut] = []
    with (
        closing(Store(library / DATABASE)) as store,
        _finished(path, single=single) as folder,
        store.view() as view,
    ):
        export = _Export(folder, raw, most)
        write = export.add_line if format == "jsonl" else export.add_file
        wanted = _in_order(view)
        if not wanted:
            raise InputError(f"The library in {library} has no articles to export.")
        for number, (wanted_id, source) in enumerate(wanted, 1):
            try:
                write(view.article(wanted_id))
            except SourcebookError as error:
                failures.append(FailureOut.now(source, error))
            if single and export.files > 1:
                raise InputError(
                    f"The articles take more than the {most:,} bytes that can be added from "
                    "one file.",
                    cure="Name a folder: as many files as it takes are written there.",
                )
            done(number, len(wanted))
        generation = view.generation
    return ExportedOut(
        path=os.fsencode(path).decode("utf-8", "backslashreplace"),
        articles=export.articles,
        files=export.files,
        without_raw=export.without_raw,
        failures=failures,
        generation=generation,
    )


def _check(path: Path, format: ArticleFormat, *, single: bool, raw: bool) -> None:
    if format == "markdown" and (raw or single):
        what = "original bytes" if raw else "all articles in one file"
        raise InputError(f"Markdown cannot hold {what}.", cure="Leave out --format markdown.")
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent}.", cure="Make it first.")
    empty = path.is_dir() and not single and not any(path.iterdir())
    if path.exists() and not empty:
        raise InputError(
            f"{path} is there already; expected a new file that ends in .jsonl, or a new or empty "
            "folder.",
            cure="Name another.",
        )


def _in_order(view: View) -> list[tuple[str, str]]:
    """Id and source of all articles in the order of their addition, then of damaged ones."""
    known = {record.id: record.source for record in view.records()}
    return [*known.items(), *(one for one in view.sources() if one[0] not in known)]


@contextmanager
def _finished(path: Path, *, single: bool) -> Iterator[Path]:
    """A folder to write to, which becomes `path` at the end, or its only file does."""
    with _problems(path), tempfile.TemporaryDirectory(prefix=".sourcebook-", dir=path.parent) as at:
        folder = Path(at, "export")
        folder.mkdir()
        yield folder
        written = next(folder.iterdir(), None)
        if not written:
            return  # every article is damaged
        if path.is_dir():
            path.rmdir()  # it is empty
        shutil.move(written if single else folder, path)


@contextmanager
def _problems(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}.",
            cure="Check its folder's permissions and the free space, then try again.",
        ) from error
