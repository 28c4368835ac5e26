"""The commands that serve: over HTTP, and to models over MCP."""
# ruff: noqa: PLC0415 (each command imports what it uses, so that `--help` answers at once)

import logging
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, redirect_stdout
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from sourcebook.service.cli.context import (
    MakeRouter,
    answering_on,
    logs_of,
    opened,
    settings_of,
    with_options,
    worker_engine,
)
from sourcebook.service.settings import Settings

if TYPE_CHECKING:  # importing these takes seconds, too long for `--help`
    from sourcebook.index.library import Library
    from sourcebook.service.answering import Answering
    from sourcebook.service.http.app import Documented

serving = typer.Typer()

log = logging.getLogger(__name__)


@serving.command()
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
    """Upgrade the library in the background, if an earlier release made it otherwise."""
    from sourcebook.service.opening import upgrade_to, why_upgrade
    from sourcebook.service.upgrading import Upgrading

    encoder = None if library.read_only else upgrade_to(library, settings.model)
    if encoder is None:
        return nullcontext()
    typer.echo(
        f"{why_upgrade(library, encoder)} It answers as it is while it is upgraded in the "
        "background; /readyz tells how far that is.",
        err=True,
    )
    return Upgrading(library.folder, encoder)


@serving.command()
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
