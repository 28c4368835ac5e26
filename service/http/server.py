"""Runs the HTTP server: one port, one engine, a clean end."""

import errno
import logging
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from anyio import to_thread

from sourcebook.index.errors import InputError
from sourcebook.service.settings import LOG_FORMAT

# Answers on their way get this long after SIGTERM.
GRACE_S = 10


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there; `InputError` when it cannot."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(socket.SOMAXCONN)
    except OSError as error:
        used = error.errno == errno.EADDRINUSE
        reason = "another program listens there" if used else error.strerror
        raise InputError(
            f"The server cannot listen on {host}, port {port}: {reason}.",
            cure="Choose another one with --port or --host.",
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
) -> None:
    """Serve until SIGTERM or Ctrl-C, then let running answers finish.

    `ready` is called once the server answers, `stopping` as soon as it begins to stop.
    """
    # Without the name: uvicorn tells all that happens under "uvicorn.error".
    logging.basicConfig(level=log_level.upper(), format=LOG_FORMAT)
    config = uvicorn.Config(
        app, log_config=None, log_level=log_level, timeout_graceful_shutdown=GRACE_S
    )
    server = _Server(config, ready, stopping)
    # uvicorn raises the signal again after its end: with these, that is no second death.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """Says when it is ready, and when it begins to stop."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], stopping: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await to_thread.run_sync(self._stopping)
        await super().shutdown(sockets)
