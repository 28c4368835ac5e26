"""The commands that keep a library safe outside: backup, restore and export."""
# ruff: noqa: PLC0415 (each command imports what it uses, so that `--help` answers at once)

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sourcebook.service.cli.context import FAILED, Json, output, settings_of
from sourcebook.service.cli.recording import recorded

if TYPE_CHECKING:  # importing these takes seconds, too long for `--help`
    from sourcebook.index.backup import Backup
    from sourcebook.service.notation.responses import BackupOut

keeping = typer.Typer()

Force = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]


@keeping.command()
def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    *,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write the whole library to one file, also while a server or `add` uses it.

    The file is read back and checked before it gets its name. `restore` puts it back.
    """
    from sourcebook.index import backup as backups
    from sourcebook.service.cli import printing

    with _progress() as progress:
        made = backups.backup(settings_of(ctx).library, file, force=force, progress=progress)
    output(ctx, _shown(made), printing.backed_up)


@keeping.command()
@recorded("file")
def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file made by `backup`.")],
    *,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Put a backup back as the library, which nothing may have open meanwhile.

    The library that was there is kept in a file beside it. A damaged backup changes nothing.
    """
    from sourcebook.index import backup as backups
    from sourcebook.index.folder import DATABASE
    from sourcebook.service.adding.files import printable
    from sourcebook.service.cli import printing
    from sourcebook.service.notation.responses import LibraryRestoredOut

    folder = settings_of(ctx).library
    backups.look(file)
    if not force and (folder / DATABASE).exists() and sys.stdin.isatty():
        question = f"Replace the library in {folder}? It is kept in a file beside the new one."
        typer.confirm(question, abort=True, err=True)
        force = True
    with _progress() as progress:
        done = backups.restore(file, folder, force=force, progress=progress)
    shown = LibraryRestoredOut(
        folder=printable(folder),
        backup=_shown(done.backup),
        kept=printable(done.kept) if done.kept else None,
    )
    output(ctx, shown, printing.library_restored)


@keeping.command()
def export(
    ctx: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="A new folder, or a new file that ends in .jsonl."),
    ],
    *,
    format: Annotated[
        Literal["jsonl", "markdown"], typer.Option(help="Markdown is for people: it holds less.")
    ] = "jsonl",
    raw: Annotated[
        bool, typer.Option("--raw", help="Also the original files, and what cleaning removed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Export all articles to files that `add` reads again. Exit code 1 if one is damaged."""
    from sourcebook.service.cli import printing
    from sourcebook.service.documents.articles_export import export_articles

    with _progress() as progress:
        done = export_articles(
            settings_of(ctx).library,
            path,
            format=format,
            raw=raw,
            done=lambda number, of: progress("exporting", number / of),
        )
    output(ctx, done, printing.exported)
    if done.failures:
        raise typer.Exit(FAILED)


def _shown(made: "Backup") -> "BackupOut":
    from sourcebook.service.adding.files import printable
    from sourcebook.service.notation.responses import BackupOut

    return BackupOut.model_validate(asdict(made) | {"file": printable(made.file)})


@contextmanager
def _progress() -> Iterator[Callable[[str, float | None], None]]:
    """A progress bar on standard error: what is being done, and what share of it, if known."""
    from rich.console import Console
    from rich.progress import Progress

    errors = Console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, share: bar.update(
            task, description=what, completed=share or 0, total=None if share is None else 1
        )
