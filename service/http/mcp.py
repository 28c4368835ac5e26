"""MCP over streamable HTTP at `/mcp`, loaded on the first request."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.http.rules import reads

if TYPE_CHECKING:  # importing it takes .75 s, too long for every start (decision 14)
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


def mcp_router(answering: Answering, public_url: str = "") -> APIRouter:
    """The address `/mcp`. `public_url` is where the server is reached, if not where it listens.

    There are no sessions: a result depends only on its call, so any process can give it, a
    restart loses nothing, and there are no events to listen to with GET.
    """
    endpoint = reads(Role.ASKER)(_Endpoint(answering, public_url))
    route = Route("/mcp", endpoint, methods=["POST"], include_in_schema=False)
    return APIRouter(routes=[route], lifespan=endpoint.lifespan)


class _Endpoint:
    """The ASGI application at `/mcp`; its request manager lives as long as the server."""

    def __init__(self, answering: Answering, public_url: str) -> None:
        self._answering = answering
        self._public_url = public_url

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Run the request manager in one task: its task group must be left where it was entered."""
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
            manager = await asyncio.to_thread(_manager, self._answering, self._public_url)
        except Exception as error:  # reported to the caller; the server keeps running
            self._manager.set_exception(error)
            return
        async with manager.run():
            self._manager.set_result(manager)
            await asyncio.Event().wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self._wanted.set()
        manager = await asyncio.shield(self._manager)
        await manager.handle_request(scope, receive, send)


def _manager(answering: Answering, public_url: str) -> "StreamableHTTPSessionManager":
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager  # noqa: PLC0415

    from sourcebook.service.doors.mcp import mcp_server  # noqa: PLC0415

    logging.getLogger("mcp").setLevel(logging.WARNING)  # it logs every request
    server = mcp_server(answering, public_url)
    return StreamableHTTPSessionManager(server, json_response=True, stateless=True)
