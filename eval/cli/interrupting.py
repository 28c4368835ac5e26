"""How commands end when Ctrl-C interrupts them."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended


@contextmanager
def interruptible(*, resumable: bool) -> Iterator[None]:
    """Turn Ctrl-C into a sentence and an exit code; `resumable` says whether work was saved."""
    try:
        yield
    except KeyboardInterrupt as error:
        cure = "the same command with --resume continues." if resumable else "nothing was saved."
        typer.echo(f"interrupted; {cure}", err=True)
        raise typer.Exit(INTERRUPTED) from error
