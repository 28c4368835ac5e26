"""The command line of the service, and the commands about its articles."""
# ruff: noqa: PLC0415 (each command imports what it uses, so that `--help` answers at once)

import os
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

import typer

from sourcebook.index.errors import InputError, SourcebookError
from sourcebook.service.cli import access
from sourcebook.service.cli.asking import asking
from sourcebook.service.cli.context import (
    FAILED,
    INTERRUPTED,
    Commands,
    FilterOptions,
    Invocation,
    Json,
    MakeRouter,
    filtered,
    opened,
    output,
    request,
    with_options,
)
from sourcebook.service.cli.editing import editing
from sourcebook.service.cli.keeping import keeping
from sourcebook.service.cli.recording import recorded
from sourcebook.service.cli.serving import serving
from sourcebook.service.cli.trash import trash
from sourcebook.service.settings import from_environment

commands = typer.Typer()


def _print_version(value: bool) -> None:
    if value:
        print(f"sourcebook {metadata.version('sourcebook')}")
        raise typer.Exit


def command_line(routers: Sequence[MakeRouter] = ()) -> typer.Typer:
    """Make the command line; its `serve` also adds the routers that `routers` make."""
    app = typer.Typer(
        name="sourcebook",
        cls=Commands,
        help="Answer policy questions with verbatim passages and citations that anyone can check.",
        epilog="Exit codes: 0 success; 1 failure; 2 bad input; 3 no answer in the library.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.add_typer(commands)
    app.add_typer(editing)
    app.add_typer(asking)
    app.add_typer(serving)
    app.add_typer(keeping)
    app.add_typer(trash, name="trash")
    app.add_typer(access.commands)

    @app.callback()
    def start(
        ctx: typer.Context,
        library: Annotated[Path | None, typer.Option(help="Folder of the library.")] = None,
        model: Annotated[str | None, typer.Option(help="Encoder: a name or a folder.")] = None,
        as_json: Json = False,
        version: Annotated[
            bool, typer.Option("--version", callback=_print_version, is_eager=True)
        ] = False,
    ) -> None:
        """Read the settings; options override environment variables."""
        settings = with_options(from_environment(os.environ), library=library, model=model)
        ctx.obj = Invocation(settings=settings, routers=tuple(routers))

    return app


@commands.command()
@recorded("paths")
def add(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files or folders; - for stdin.")
    ] = None,
    *,
    retry: Annotated[bool, typer.Option(help="Try failed sources again.")] = False,
    source: Annotated[str, typer.Option(help="Source name of the article on stdin.")] = "",
    format: Annotated[
        Literal["text", "markdown", "html", "jsonl"], typer.Option(help="Format of stdin.")
    ] = "text",
    as_json: Json = False,
) -> None:
    """Add files (.txt, .md, .html, .jsonl) and folders. Exit code 1 if any cannot be read.

    Stopped with Ctrl-C, it keeps what is added, and the same command goes on from there.
    """
    from sourcebook.index.parsing.parse import find_files
    from sourcebook.service.adding import files
    from sourcebook.service.cli import printing

    if not paths and not retry:
        raise InputError("There is nothing to add; expected a file, a folder, - or --retry.")
    odd: list[tuple[Path, SourcebookError]] = []
    named = (Path(path) for path in paths or () if path != "-")
    wanted = list(find_files(named, lambda *each: odd.append(each)))
    typed = files.from_stdin(source, format) if "-" in (paths or ()) else []
    with opened(ctx, create=not retry) as library:
        if retry:
            again, gone = files.to_retry(library)
            library.forget_failures(gone)
            for name in gone:
                typer.echo(f"dropped: {name} no longer exists", err=True)
            wanted += again
        added, left = files.add_with_progress(library, wanted, typed, odd)
    output(ctx, added, printing.added)
    if left:
        typer.echo(files.stopped_at(left, len(wanted)), err=True)
        raise typer.Exit(INTERRUPTED)
    if added.failures:
        raise typer.Exit(FAILED)


@commands.command("list")
@filtered
def list_articles(
    ctx: typer.Context,
    *,
    sort: Annotated[
        Literal["added", "title", "publisher", "published"],
        typer.Option(help="Sort order; `added`: first arrival, which replacing does not change."),
    ] = "added",
    descending: Annotated[bool, typer.Option("--descending", help="Reverse the order.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Maximum number.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="Number to skip.")] = 0,
    attention: Annotated[
        bool, typer.Option("--attention", help="Only those to look at, with the reasons.")
    ] = False,
    chosen: FilterOptions,
    as_json: Json = False,
) -> None:
    """List the articles as a table, or tab-separated if the output is not a terminal."""
    from sourcebook.service.cli import printing, printing_corrections
    from sourcebook.service.documents.catalogue import page
    from sourcebook.service.notation.article_requests import ArticlesQuery

    wanted = request(
        ArticlesQuery,
        sort=sort,
        descending=descending,
        limit=limit,
        offset=offset,
        attention=attention,
        **chosen,
    )
    shown = printing_corrections.attention if attention else printing.articles
    with opened(ctx) as library:
        output(ctx, page(library, wanted), shown)


@commands.command()
def show(
    ctx: typer.Context,
    article_id: Annotated[str, typer.Argument(metavar="ID", help="Id of an article.")],
    *,
    removals: Annotated[
        bool, typer.Option("--removals", help="Show what cleaning removed.")
    ] = False,
    passages: Annotated[bool, typer.Option("--passages", help="Show its passages.")] = False,
    as_json: Json = False,
) -> None:
    """Show an article: its metadata and the text that citations refer to."""
    from sourcebook.service.cli import printing
    from sourcebook.service.documents import catalogue

    with opened(ctx) as library:
        if passages:
            output(ctx, catalogue.passages(library, article_id), printing.passages)
            return
        found = catalogue.article(library, article_id)
    output(ctx, found, printing.removals if removals else printing.article)


@commands.command()
@recorded("article_ids")
def remove(
    ctx: typer.Context,
    article_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Article ids.")],
    *,
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete them for good, also from judgements.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Move articles to the trash: they are not found or cited any more.

    `sourcebook trash restore` brings one back within 30 days. An unknown id removes none.
    """
    from sourcebook.service.cli import printing
    from sourcebook.service.documents import catalogue

    with opened(ctx) as library:
        with library.view() as view:
            for article_id in article_ids:
                view.found(article_id)  # refuses an unknown id before any is removed
        removed = catalogue.remove(library, list(dict.fromkeys(article_ids)), purge=purge)
    output(ctx, removed, printing.removed)


@commands.command()
def info(ctx: typer.Context, as_json: Json = False) -> None:
    """Describe the library: contents, size, and sources that could not be added."""
    from sourcebook.service.cli import printing
    from sourcebook.service.documents import catalogue

    with opened(ctx) as library:
        output(ctx, catalogue.describe(library), printing.library)
