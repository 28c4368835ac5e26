"""The commands that keep a library safe: check, upgrade, backup, restore and export."""
# ruff: noqa: PLC0415 (each command imports what it uses, so that `--help` answers at once)

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sourcebook.service.cli.context import (
    FAILED,
    INTERRUPTED,
    Json,
    opened,
    output,
    settings_of,
)
from sourcebook.service.cli.recording import recorded

if TYPE_CHECKING:  # importing these takes seconds, too long for `--help`
    from sourcebook.index.backup import Backup
    from sourcebook.service.notation.library import BackupOut

keeping = typer.Typer()

Force = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]


@keeping.command()
@recorded(only="repair")
def check(
    ctx: typer.Context,
    *,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Encode damaged passages again; build the indexes anew."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Look for damage in the database, every article, the trash, the indexes and the models.

    Exit code 1 if there is any; each line says what is damaged and what to do.
    """
    from sourcebook.index.check import check as look
    from sourcebook.service.cli import printing
    from sourcebook.service.notation.library import CheckOut, DamageOut

    with opened(ctx, advise=False) as library:
        found = [DamageOut.model_validate(one) for one in look(library, repair=repair)]
    output(ctx, CheckOut(damage=found), printing.checked)
    if found:
        raise typer.Exit(FAILED)


@keeping.command()
@recorded()
def upgrade(
    ctx: typer.Context,
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Also where the library has this encoder already.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring the library to another encoder: the default one, or the one given by --model.

    The texts of its articles stay as they are, and the library can be used meanwhile. Stopped with
    Ctrl-C, it goes on where it was when it is called again. A copy of the database is kept.
    """
    from sourcebook.service.cli import printing
    from sourcebook.service.notation.library import UpgradedOut
    from sourcebook.service.opening import encoder_named
    from sourcebook.service.upgrading import upgrade_with_progress

    settings = settings_of(ctx)
    encoder = encoder_named(settings.model)
    try:
        done = upgrade_with_progress(settings.library, encoder, again=again)
    except KeyboardInterrupt:
        typer.echo("Stopped. The same command goes on from here.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    shown = UpgradedOut(
        upgraded=done is not None,
        encoder=encoder.name,
        articles=done.articles if done else None,
        passages=done.passages if done else None,
        copy_kept=str(done.copy) if done else None,
    )
    output(ctx, shown, printing.upgraded)


@keeping.command(hidden=True)
def reembed(ctx: typer.Context, as_json: Json = False) -> None:
    """The former name of `upgrade --again`."""
    upgrade(ctx, again=True, as_json=as_json)


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
    from sourcebook.service.notation.library import LibraryRestoredOut

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
    from sourcebook.service.notation.library import BackupOut

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
