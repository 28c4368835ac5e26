"""The commands of the command line."""
# ruff: noqa: PLC0415 (each command imports what it uses, so that `--help` answers at once)

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, redirect_stdout
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sourcebook.index.errors import InputError, SourcebookError
from sourcebook.service.cli import access
from sourcebook.service.cli.context import (
    FAILED,
    INTERRUPTED,
    SILENT,
    Commands,
    FilterOptions,
    Invocation,
    Json,
    MakeRouter,
    answering_on,
    filtered,
    logs_of,
    opened,
    output,
    request,
    settings_of,
    with_options,
    worker_engine,
)
from sourcebook.service.cli.keeping import keeping
from sourcebook.service.cli.recording import recorded
from sourcebook.service.cli.trash import trash
from sourcebook.service.settings import Settings, from_environment

if TYPE_CHECKING:  # importing these takes seconds, too long for `--help`
    from sourcebook.index.library import Library
    from sourcebook.service.answering import Answering
    from sourcebook.service.http.app import Documented

Question = Annotated[
    list[str], typer.Argument(metavar="QUESTION...", help="A question or a few keywords.")
]

commands = typer.Typer()

log = logging.getLogger(__name__)


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
        Literal["added", "title", "publisher", "published"], typer.Option(help="Sort order.")
    ] = "added",
    descending: Annotated[bool, typer.Option("--descending", help="Reverse the order.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Maximum number.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="Number to skip.")] = 0,
    chosen: FilterOptions,
    as_json: Json = False,
) -> None:
    """List the articles as a table, or tab-separated if the output is not a terminal."""
    from sourcebook.service.cli import printing
    from sourcebook.service.documents.catalogue import page
    from sourcebook.service.notation.requests import ArticlesQuery

    wanted = request(
        ArticlesQuery,
        sort=sort,
        descending=descending,
        limit=limit,
        offset=offset,
        **chosen,
    )
    with opened(ctx) as library:
        output(ctx, page(library, wanted), printing.articles)


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
@filtered
def search(
    ctx: typer.Context,
    question: Question,
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number of passages.")] = 5,
    chosen: FilterOptions,
    as_json: Json = False,
) -> None:
    """Search for passages, best first."""
    from sourcebook.service.cli import printing
    from sourcebook.service.notation.answers import SearchOut
    from sourcebook.service.notation.requests import SearchRequest

    wanted = request(SearchRequest, question=" ".join(question), limit=limit, **chosen)
    with opened(ctx) as library:
        answering = answering_on(library, settings_of(ctx))
        found = answering.find(wanted.question, wanted.filter(), wanted.limit)
    output(ctx, SearchOut.model_validate(found), printing.search)


@commands.command()
@filtered
def ask(
    ctx: typer.Context,
    question: Question,
    *,
    chosen: FilterOptions,
    export: Annotated[
        Path | None,
        typer.Option(help="Write the answer, with footnotes, to this .md or .html file."),
    ] = None,
    style: Annotated[
        Literal["apa", "chicago", "mla"], typer.Option(help="Citation style of the footnotes.")
    ] = "chicago",
    write: Annotated[
        bool, typer.Option("--write", help="Also have the language model phrase the answer.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also say how the answer came about, or why none did.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask a question: verbatim sentences with citations, or "not in the library" (exit code 3)."""
    from sourcebook.service.asking.explanation import Explained
    from sourcebook.service.cli import exporting, printing
    from sourcebook.service.documents.export import export as document
    from sourcebook.service.notation.answers import answer_out
    from sourcebook.service.notation.requests import AskRequest

    wanted = request(
        AskRequest, question=" ".join(question), write=write, explain=explain, **chosen
    )
    written = exporting.format_of(export) if export else None
    with opened(ctx) as library:
        answering = answering_on(library, settings_of(ctx))
        asked = answering.explain if wanted.explain else answering.ask
        found = asked(wanted.question, wanted.filter(), write=wanted.write)
    if export and written:
        answer = found.answer if isinstance(found, Explained) else found
        exporting.write(export, document(answer, written, style))
        typer.echo(f"Wrote {export}", err=True)
    shown = answer_out(found)
    output(ctx, shown, printing.answer)
    if shown.status != "answered":
        raise typer.Exit(SILENT)


@commands.command()
def cite(
    ctx: typer.Context,
    article_id: Annotated[str, typer.Argument(metavar="ID", help="Id of an article.")],
    *,
    style: Annotated[
        Literal["apa", "chicago", "mla", "bibtex", "ris", "csl-json"],
        typer.Option(help="Citation style or format."),
    ] = "apa",
    start: Annotated[int | None, typer.Option(min=0, help="Start of a quote.")] = None,
    end: Annotated[int | None, typer.Option(min=1, help="End of the quote.")] = None,
    accessed: Annotated[str | None, typer.Option(help="Date you read it.")] = None,
    as_json: Json = False,
) -> None:
    """Cite an article, or with --start and --end a quote from it, ready to paste."""
    from sourcebook.service.cli import printing
    from sourcebook.service.documents import references
    from sourcebook.service.notation.requests import CiteQuery

    wanted = request(CiteQuery, style=style, start=start, end=end, accessed=accessed)
    with opened(ctx) as library:
        found = references.cited(library, article_id, **dict(wanted))
    output(ctx, found, printing.cited)


@commands.command()
def verify(
    ctx: typer.Context,
    draft: Annotated[str, typer.Argument(metavar="[FILE|-]", help="Text with quotations.")] = "",
    quotes: Annotated[
        list[str] | None, typer.Option("--quote", help="Quote to check; repeatable.")
    ] = None,
    article: Annotated[str | None, typer.Option(help="Check only this article.")] = None,
    as_json: Json = False,
) -> None:
    """Check quotes, or every quotation in a draft. Exit code 1 if any is not found."""
    from sourcebook.service.adding import files
    from sourcebook.service.cli import printing
    from sourcebook.service.documents import catalogue
    from sourcebook.service.notation.requests import VerifyRequest

    if bool(draft) == bool(quotes):
        raise InputError("Expected a draft to check or --quote, but not both.")
    wanted = request(
        VerifyRequest,
        quotes=quotes or None,
        draft=files.draft(draft) if draft else None,
        article=article,
    )
    with opened(ctx) as library:
        found = catalogue.verified(library, wanted)
    output(ctx, found, printing.verdicts)
    if any(verdict.match == "not_found" for verdict in found.verdicts):
        raise typer.Exit(FAILED)


@commands.command("judgements")
def list_judgements(
    ctx: typer.Context,
    export: Annotated[
        Path | None,
        typer.Option(help="Write judged questions for `sourcebook eval run` to this file."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List readers' judgements of answers, or export them as judged questions."""
    from sourcebook.service.cli import exporting, printing
    from sourcebook.service.documents.judgements import exported, judgements
    from sourcebook.service.notation.answers import JudgementOut, JudgementsOut

    with opened(ctx) as library:
        kept = judgements(library)
    if export:
        exporting.write(export, exported(kept))
        typer.echo(f"Wrote {export}. To score it: sourcebook eval run {export}", err=True)
    shown = JudgementsOut(judgements=[JudgementOut.model_validate(one) for one in kept])
    output(ctx, shown, printing.judgements)


@commands.command()
def info(ctx: typer.Context, as_json: Json = False) -> None:
    """Describe the library: contents, size, and sources that could not be added."""
    from sourcebook.service.cli import printing
    from sourcebook.service.documents import catalogue

    with opened(ctx) as library:
        output(ctx, catalogue.describe(library), printing.library)


@commands.command()
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
    from sourcebook.service.notation.responses import CheckOut, DamageOut

    with opened(ctx, advise=False) as library:
        found = [DamageOut.model_validate(one) for one in look(library, repair=repair)]
    output(ctx, CheckOut(damage=found), printing.checked)
    if found:
        raise typer.Exit(FAILED)


@commands.command()
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
    from sourcebook.service.notation.responses import UpgradedOut
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


@commands.command(hidden=True)
def reembed(ctx: typer.Context, as_json: Json = False) -> None:
    """The former name of `upgrade --again`."""
    upgrade(ctx, again=True, as_json=as_json)


@commands.command()
def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 for any free one.")] = None,
) -> None:
    """Serve the library over HTTP until Ctrl-C; an empty one is begun where there is none."""
    from sourcebook.service.access import gate
    from sourcebook.service.access.file import AccessFile
    from sourcebook.service.http import server
    from sourcebook.service.http.connections import limited
    from sourcebook.service.workers import Workers

    settings = with_options(settings_of(ctx), host=host, port=port)
    logs_of(settings).begin()
    make = partial(worker_engine, settings.library, settings.model, settings.reader)
    keys = AccessFile(settings.library, settings.audit_days)
    gate.check_start(keys, settings)
    with server.bind(settings.host, settings.port) as listening:
        address = server.address_of(listening)
        with (
            opened(ctx, create=True, advise=False) as library,
            _upgrading(library, settings),
            Workers(make, settings.processes, wait=settings.max_wait_ms / 1_000) as workers,
        ):
            if library.read_only:
                log.warning(
                    "%s is read-only: questions are answered, changes are refused; sign-ins, and "
                    "when keys were used, are not kept",
                    library.folder,
                )
            answering = answering_on(library, settings, workers)
            application = serve_app(answering, settings, ctx.obj.routers)

            def ready() -> None:
                gate.warn_if_open(settings)
                print(f"Sourcebook is running on {address} (API reference: {address}/docs). Try:")
                needed = gate.Gate(keys, settings).needs_keys()
                key = "-H 'Authorization: Bearer KEY' " if needed else ""
                print(
                    f"  curl -s {key}'{address}/v1/ask?q=Why+was+Colombia+decertified'", flush=True
                )

            server.run(
                application,
                listening,
                protocol=limited(settings.max_connections, settings.max_connections_per_address),
                log_level=settings.log_level,
                ready=ready,
                draining=application.operating.draining.set,
                stopping=workers.close,
                drain_seconds=settings.drain_seconds,
            )


def _upgrading(library: "Library", settings: Settings) -> AbstractContextManager[object]:
    """Upgrade the library in the background, if it was made with another default encoder."""
    from sourcebook.service.opening import outdated
    from sourcebook.service.upgrading import Upgrading

    if library.read_only or not outdated(library, settings.model):
        return nullcontext()
    typer.echo(
        f"This library was made with {library.encoder.name}. It answers with it while it is "
        "upgraded in the background; /readyz tells how far that is.",
        err=True,
    )
    return Upgrading(library.folder, settings.model)


@commands.command()
def mcp(ctx: typer.Context) -> None:
    """Serve the library to models over MCP, on standard input and output."""
    from sourcebook.service.doors.mcp import run_stdio

    settings = settings_of(ctx)
    with ExitStack() as stack:
        with redirect_stdout(sys.stderr):  # standard output is reserved for the protocol
            library = stack.enter_context(opened(ctx))
        address = settings.public_url or f"http://{settings.host}:{settings.port}"
        run_stdio(answering_on(library, settings), address)


def serve_app(
    answering: "Answering",
    settings: Settings,
    routers: Sequence[MakeRouter] = (),
) -> "Documented":
    """The application that `serve` runs, with further routers."""
    from sourcebook.service.http.app import create_app

    more = [make(answering.engine) for make in routers]
    return create_app(answering, settings, routers=more)
