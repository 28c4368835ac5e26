"""MCP over streamable HTTP at `/mcp`, loaded when it is first asked for."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from index.errors import SourcebookError
from service.engine import Engine

if TYPE_CHECKING:  # importing it takes most of a second, which a start should not cost
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class ForeignError(SourcebookError):
    """A request that came under a name, or from a page, that is not this server's."""

    kind = "foreign"


def mcp_router(engine: Engine, public_url: str = "") -> APIRouter:
    """The address `/mcp`. `public_url` is where the server is reached, if not where it listens.

    There are no sessions: a tool's answer depends on the call alone, so any process can give it,
    a restart loses nothing, and there is nothing to listen for with GET.
    """
    endpoint = _Endpoint(engine, public_url)
    route = Route("/mcp", endpoint, methods=["POST"], include_in_schema=False)
    return APIRouter(routes=[route], lifespan=endpoint.lifespan)


class _Endpoint:
    """The ASGI application at `/mcp`; what manages its requests lives as long as the server."""

    def __init__(self, engine: Engine, public_url: str) -> None:
        self._engine = engine
        self._public_url = public_url

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Be ready to begin, and end what was begun: its tasks must be those of one task."""
        self._wanted = asyncio.Event()
        self._manager: asyncio.Future[StreamableHTTPSessionManager] = asyncio.Future()
        running = asyncio.create_task(self._run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def _run(self) -> None:
        await self._wanted.wait()
        try:
            manager = await asyncio.to_thread(_manager, self._engine, self._public_url)
        except Exception as error:  # whoever asks is told; the server goes on
            self._manager.set_exception(error)
            return
        async with manager.run():
            self._manager.set_result(manager)
            await asyncio.Event().wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        _refuse_foreign(Request(scope), self._public_url)
        self._wanted.set()
        manager = await asyncio.shield(self._manager)
        await manager.handle_request(scope, receive, send)


def _manager(engine: Engine, public_url: str) -> "StreamableHTTPSessionManager":
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager  # noqa: PLC0415

    from service.mcp import mcp_server  # noqa: PLC0415

    logging.getLogger("mcp").setLevel(logging.WARNING)  # it tells of every request
    server = mcp_server(engine, public_url)
    return StreamableHTTPSessionManager(server, json_response=True, stateless=True)


def _refuse_foreign(request: Request, public_url: str) -> None:
    """Refuse what a web page elsewhere can send: DNS rebinding and requests across origins.

    Rebinding gives an attacker's name this server's address; so a number is never foreign, and a
    name is unless it is ours. `Origin` is sent by browsers only, and has to be where they are.
    """
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    if not _is_ours(host, public_url):
        raise ForeignError(
            f"The request is for the host {host!r}, which is not known to be this server's name.",
            cure="Set SOURCEBOOK_PUBLIC_URL to the address that the server is reached at.",
        )
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        raise ForeignError(
            f"The request comes from a page of {origin!r}; expected one of {host!r}.",
            cure="Ask from a program, or from a page that this server serves.",
        )


def _is_ours(host: str, public_url: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
        return name in ("localhost", urlsplit(public_url).hostname) or bool(ip_address(name or ""))
    except ValueError:  # neither a host nor a number
        return False
