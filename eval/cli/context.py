"""What the commands share: the files to write, and what Ctrl-C does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from sourcebook.index.errors import InputError

INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The files to write; with `many` methods, each writes `FILE.METHOD.suffix`.

    The page `html` is one file, with all methods side by side.
    """

    json: Path | None = None
    html: Path | None = None
    trec: Path | None = None
    many: bool = False

    def __post_init__(self) -> None:
        """Refuse a file in a folder that does not exist, before hours are spent."""
        for path in filter(None, (self.json, self.html, self.trec)):
            if not path.parent.is_dir():
                raise InputError(f"{str(path)!r} cannot be written: there is no {path.parent}.")

    def of(self, path: Path | None, method: str) -> Path | None:
        """The file of one method."""
        return path.with_suffix(f".{method}{path.suffix}") if path and self.many else path


@contextmanager
def interruptible(*, resumable: bool) -> Iterator[None]:
    """Turn Ctrl-C into a sentence and an exit code; `resumable` says whether work was saved."""
    try:
        yield
    except KeyboardInterrupt as error:
        cure = "the same command with --resume continues." if resumable else "nothing was saved."
        typer.echo(f"interrupted; {cure}", err=True)
        raise typer.Exit(INTERRUPTED) from error
