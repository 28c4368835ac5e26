"""Runs the HTTP server and shuts it down cleanly."""

import asyncio
import errno
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from anyio import to_thread

from sourcebook.index.errors import InputError
from sourcebook.service import systemd

# Time for running requests to finish after SIGTERM; well above the slowest p99 that was measured
# (1.55 s with a million passages and 16 users, docs/performance.md).
GRACE_S = 10


def bind(host: str, port: int) -> socket.socket:
    """Listen on a host and port. Raises `InputError` if that fails."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(socket.SOMAXCONN)
    except OSError as error:
        used = error.errno == errno.EADDRINUSE
        reason = "the port is in use by another program" if used else error.strerror
        raise InputError(
            f"The server cannot listen on {host}, port {port}: {reason}.",
            cure="Choose another with --port or --host.",
        ) from error
    return found


def address_of(listening: socket.socket) -> str:
    """The address to open in a browser."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(
    app: Callable[..., Any],
    listening: socket.socket,
    *,
    log_level: str,
    ready: Callable[[], None],
    stopping: Callable[[], None],
    draining: Callable[[], None] = lambda: None,
    drain_seconds: float = 0,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then let running requests finish.

    `ready` is called once the server accepts requests, `draining` as soon as it is to stop, and
    `stopping` when it takes no more requests, `drain_seconds` later. systemd is told of both ends.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=log_level,
        access_log=False,  # it would log addresses with their questions; the application logs
        proxy_headers=False,  # the application trusts the proxies that the settings name
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config, ready, draining, stopping, drain_seconds)
    # uvicorn raises the signal again after it has ended; these handlers then ignore it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """A uvicorn server that reports when it is ready and when it starts to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        draining: Callable[[], None],
        stopping: Callable[[], None],
        drain_seconds: float,
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._draining = draining
        self._stopping = stopping
        self._drain_seconds = drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
            systemd.tell(systemd.READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        systemd.tell(systemd.STOPPING)
        self._draining()
        await asyncio.sleep(self._drain_seconds)
        await to_thread.run_sync(self._stopping)
        await super().shutdown(sockets)
