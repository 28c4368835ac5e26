"""The commands that ask: search, ask, cite, verify and judgements."""
# ruff: noqa: PLC0415 (each command imports what it uses, so that `--help` answers at once)

from pathlib import Path
from typing import Annotated, Literal

import typer

from sourcebook.index.errors import InputError
from sourcebook.service.cli.context import (
    FAILED,
    SILENT,
    FilterOptions,
    Json,
    answering_on,
    filtered,
    opened,
    output,
    request,
    settings_of,
)

asking = typer.Typer()

Question = Annotated[
    list[str], typer.Argument(metavar="QUESTION...", help="A question or a few keywords.")
]


@asking.command()
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
    from sourcebook.service.notation.asking_requests import SearchRequest

    wanted = request(SearchRequest, question=" ".join(question), limit=limit, **chosen)
    with opened(ctx) as library:
        answering = answering_on(library, settings_of(ctx))
        found = answering.find(wanted.question, wanted.filter(), wanted.limit)
    output(ctx, SearchOut.model_validate(found), printing.search)


@asking.command()
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
    from sourcebook.service.notation.asking_requests import AskRequest

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


@asking.command()
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
    context: Annotated[
        list[str] | None,
        typer.Option(help="START-END of a header, introduction or heading to show with the quote."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Cite an article, or with --start and --end a quote from it, ready to paste."""
    from sourcebook.service.cli import printing
    from sourcebook.service.documents import references
    from sourcebook.service.notation.asking_requests import CiteQuery

    wanted = request(
        CiteQuery, style=style, start=start, end=end, accessed=accessed, context=context or []
    )
    with opened(ctx) as library:
        found = references.cited(library, article_id, **dict(wanted) | {"context": wanted.places()})
    output(ctx, found, printing.cited)


@asking.command()
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
    from sourcebook.service.notation.asking_requests import VerifyRequest

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


@asking.command("judgements")
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
    shown = JudgementsOut(
        total=len(kept),
        limit=len(kept),
        offset=0,
        judgements=[JudgementOut.model_validate(one) for one in kept],
    )
    output(ctx, shown, printing.judgements)
