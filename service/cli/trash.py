"""The commands `sourcebook trash`: what was removed, and the way back."""
# ruff: noqa: PLC0415 (each command imports what it uses, so that `--help` answers at once)

from typing import Annotated

import typer

from sourcebook.service.cli.context import Json, opened, output
from sourcebook.service.cli.recording import recorded

trash = typer.Typer(
    help="List removed articles, bring them back within 30 days, or delete them for good.",
    no_args_is_help=True,
)
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Article ids.")]


@trash.command("list")
def list_trash(ctx: typer.Context, as_json: Json = False) -> None:
    """List the articles in the trash, the last one removed first."""
    from sourcebook.service.cli import printing
    from sourcebook.service.documents import catalogue

    with opened(ctx) as library:
        output(ctx, catalogue.trashed(library), printing.trash)


@trash.command()
@recorded("article_ids")
def restore(ctx: typer.Context, article_ids: Ids, as_json: Json = False) -> None:
    """Bring articles back, with their ids and metadata."""
    from sourcebook.service.cli import printing
    from sourcebook.service.documents import catalogue

    with opened(ctx) as library:
        restored = catalogue.restore(library, list(dict.fromkeys(article_ids)))
    output(ctx, restored, printing.restored)


@trash.command()
@recorded("article_ids")
def purge(ctx: typer.Context, article_ids: Ids, as_json: Json = False) -> None:
    """Delete articles from the trash for good, and their words from judgements as well."""
    from sourcebook.service.cli import printing
    from sourcebook.service.documents import catalogue

    with opened(ctx) as library:
        purged = catalogue.purge(library, list(dict.fromkeys(article_ids)))
    output(ctx, purged, printing.purged)


@trash.command()
@recorded()
def empty(ctx: typer.Context, as_json: Json = False) -> None:
    """Delete everything in the trash for good."""
    from sourcebook.service.cli import printing
    from sourcebook.service.documents import catalogue

    with opened(ctx) as library:
        output(ctx, catalogue.empty_trash(library), printing.purged)
