"""What commands share: error messages, options, and opening the library."""
# ruff: noqa: PLC0415 (each command imports what it uses, so that `--help` answers at once)

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from sourcebook.index.errors import InputError, NotFoundError, SourcebookError
from sourcebook.service.logs import Logs
from sourcebook.service.settings import Settings

if TYPE_CHECKING:  # importing these takes seconds, too long for `--help`
    from fastapi import APIRouter
    from pydantic import BaseModel

    from sourcebook.index.encoding.reader import Reader
    from sourcebook.index.library import Library
    from sourcebook.service.answering import Answering, CurrentEngine
    from sourcebook.service.asking.engine import Engine
    from sourcebook.service.workers import Workers

FAILED, USAGE, SILENT, INTERRUPTED = 1, 2, 3, 130  # exit codes

Shown = TypeVar("Shown", bound="BaseModel")
MakeRouter = Callable[["Engine"], "APIRouter"]  # adds further addresses to the server


class Commands(TyperGroup):
    """The command group; prints our own errors without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; print an error as `error: message` and its cure, and exit."""
        try:
            return super().invoke(ctx)
        except SourcebookError as error:
            if ctx.meta.get("json"):
                about = {"kind": error.kind, "message": error.message, "cure": error.cure}
                print(json.dumps({"error": about}, ensure_ascii=False))
            typer.echo(f"error: {error.message}", err=True)
            if error.cure:
                typer.echo(error.cure, err=True)
            usage = isinstance(error, InputError | NotFoundError)
            raise typer.Exit(USAGE if usage else FAILED) from error


def _note_json(ctx: typer.Context, value: bool) -> bool:
    ctx.meta["json"] = ctx.meta.get("json", False) or value
    return value


Json = Annotated[
    bool, typer.Option("--json", callback=_note_json, help="Print JSON, as the HTTP API does.")
]
FilterOptions = Mapping[str, Any]
# The filter options of every command that takes a `chosen`.
FILTER: dict[str, Any] = {
    "articles": Annotated[
        list[str] | None, typer.Option("--article", help="Only this article id; repeatable.")
    ],
    "publishers": Annotated[
        list[str] | None, typer.Option("--publisher", help="Only this publisher; repeatable.")
    ],
    "authors": Annotated[
        list[str] | None, typer.Option("--author", help="Only this author; repeatable.")
    ],
    "languages": Annotated[
        list[str] | None, typer.Option("--language", help="Only this language, such as en or es.")
    ],
    "tags": Annotated[list[str] | None, typer.Option("--tag", help="Only this tag; repeatable.")],
    "published_from": Annotated[
        str | None, typer.Option("--from", help="Published on or after, such as 2025 or 2025-09.")
    ],
    "published_to": Annotated[str | None, typer.Option("--to", help="Published on or before.")],
    "as_of": Annotated[
        str | None, typer.Option("--as-of", help="Hide articles that are newer or have no date.")
    ],
}


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `FILTER` to the command; it gets the ones given as `chosen`."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        used = {name: given for name in FILTER if (given := options.pop(name)) not in (None, [])}
        command(*args, chosen=used, **options)

    own = {k: v for k, v in signature(command, eval_str=True).parameters.items() if k != "chosen"}
    added = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in FILTER.items()
    ]
    run.__signature__ = Signature([*own.values(), *added])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in (*own.values(), *added)}
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What every command can use; the context carries it as `obj`."""

    settings: Settings
    routers: tuple[MakeRouter, ...]


def settings_of(ctx: typer.Context) -> Settings:
    """The settings of this invocation."""
    invocation: Invocation = ctx.obj
    return invocation.settings


def with_options(settings: Settings, **options: object) -> Settings:
    """The settings, overridden by the options that were given."""
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    return replace(settings, **given)


def logs_of(settings: Settings) -> Logs:
    """How a server with these settings logs."""
    return Logs(
        level=logging.getLevelNamesMapping()[settings.log_level.upper()],
        format=settings.log_format,
        questions=settings.log_questions,
    )


@contextmanager
def opened(ctx: typer.Context, *, create: bool = False, advise: bool = True) -> Iterator["Library"]:
    """Open the library named in the settings; with `create`, make one if there is none.

    With `advise` the user is told of an upgrade that the library could have, and they could make.
    """
    from sourcebook.service.opening import advice, open_library, upgrade_to

    settings = settings_of(ctx)
    with open_library(settings.library, settings.model, create=create) as library:
        encoder = upgrade_to(library, settings.model) if advise and not library.read_only else None
        if encoder:
            typer.echo(advice(library, encoder), err=True)
        yield library


def answering_on(
    library: "Library", settings: Settings, workers: "Workers | None" = None
) -> "Answering":
    """What answers from the library, with the writer configured in the settings, if any."""
    from sourcebook.service.answering import Answering
    from sourcebook.service.asking.engine import Engine
    from sourcebook.service.writing.writer import Writer

    writer = Writer(
        url=settings.writer_url,
        model=settings.writer_model,
        key=settings.writer_key,
        seconds=settings.writer_seconds,
    )
    return Answering(
        Engine.of(library, reader=reader_named(settings.reader)),
        workers=workers,
        writer=writer if settings.writer_url else None,
    )


def worker_engine(folder: Path, model: str, reader: str) -> "CurrentEngine":
    """The engine of a worker: the same as the server's, on the same library."""
    from sourcebook.service.answering import CurrentEngine
    from sourcebook.service.asking.engine import Engine
    from sourcebook.service.opening import open_library

    return CurrentEngine(Engine.of(open_library(folder, model), reader=reader_named(reader)))


def reader_named(name: str) -> "Reader | None":
    """The reader of that name, loaded once per process; None for `none`."""
    from sourcebook.index.encoding.reader import shipped_reader

    return None if name == "none" else shipped_reader()


def output(ctx: typer.Context, value: Shown, human: Callable[[Shown], None]) -> None:
    """Print a value, as JSON with `--json` and otherwise as text."""
    if ctx.meta["json"]:
        print(value.model_dump_json(indent=2))
    else:
        human(value)


def request(model: type[Shown], **values: object) -> Shown:
    """Validate a request as the HTTP API does. Raises `InputError`."""
    from sourcebook.service.notation.requests import checked

    return checked(model, values)
