"""The command `sourcebook edit`, which corrects the metadata of an article."""
# ruff: noqa: PLC0415 (each command imports what it uses, so that `--help` answers at once)

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from sourcebook.index.article import CORRECTABLE
from sourcebook.index.errors import InputError
from sourcebook.service.cli.context import Json, opened, output, request
from sourcebook.service.cli.recording import recorded

editing = typer.Typer()

LISTS = ("authors", "tags")


@editing.command()
@recorded("article_id", "clear", "undo", options=CORRECTABLE)
def edit(
    ctx: typer.Context,
    article_id: Annotated[str, typer.Argument(metavar="ID", help="Id of an article.")],
    *,
    title: Annotated[str | None, typer.Option(help="Its title.")] = None,
    authors: Annotated[
        list[str] | None, typer.Option("--author", help="An author; repeat it to name them all.")
    ] = None,
    publisher: Annotated[str | None, typer.Option(help="Who published it.")] = None,
    published: Annotated[str | None, typer.Option(help="A date, such as 2024 or 2024-05.")] = None,
    modified: Annotated[str | None, typer.Option(help="A date, such as 2024-05-09.")] = None,
    url: Annotated[str | None, typer.Option(help="Its http or https address.")] = None,
    language: Annotated[str | None, typer.Option(help="A code, such as en or es.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="A tag; repeat it to name them all.")
    ] = None,
    clear: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="Say that it has none; repeatable.")
    ] = None,
    undo: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD", help="Take a correction back: the page is right."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Correct the metadata of an article; its text stays the same.

    A correction stays when the article is added again, replaced, or brought back from the trash.
    """
    from sourcebook.service.cli import printing_corrections
    from sourcebook.service.documents import catalogue
    from sourcebook.service.notation.article_requests import MetadataPatch

    named = (title, authors, publisher, published, modified, url, language, tags)
    given = dict(zip(CORRECTABLE, named, strict=True))
    wanted = request(MetadataPatch, **_changes(given, clear or (), undo or ()))
    with opened(ctx) as library:
        done = catalogue.correct(library, article_id, wanted)
    output(ctx, done, printing_corrections.corrected)


def _changes(
    given: Mapping[str, Any], clear: Iterable[str], undo: Iterable[str]
) -> dict[str, object]:
    """All changes by field. Raises `InputError` for an unknown field, or one named twice."""
    changes = {name: value for name, value in given.items() if value is not None}
    for option, names in (("--clear", clear), ("--undo", undo)):
        for name in names:
            if name not in CORRECTABLE:
                raise InputError(
                    f"{option} names {name!r}; expected one of {', '.join(CORRECTABLE)}."
                )
            if name in changes:
                raise InputError(
                    f"{name} is changed twice; expected one value, or {option} alone.",
                    cure="Leave out one of them.",
                )
            empty: object = [] if name in LISTS else ""
            changes[name] = empty if option == "--clear" else None
    if not changes:
        raise InputError(
            "There is nothing to correct; expected an option such as --title.",
            cure="`sourcebook edit --help` lists them.",
        )
    return changes
