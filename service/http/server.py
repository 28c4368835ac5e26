"""Runs the HTTP server and shuts it down cleanly."""

import asyncio
import errno
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from anyio import to_thread

from sourcebook.index.errors import InputError
from sourcebook.service import systemd
from sourcebook.service.http.connections import LimitedProtocol

# Time for running requests to finish after SIGTERM; well above the slowest p99 that was measured
# (1.55 s with a million passages and 16 users, docs/performance.md).
GRACE_S = 10
# What is left of it for closing the library.
CLOSING_S = 2

log = logging.getLogger(__name__)


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
    protocol: type[LimitedProtocol],
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
        http=protocol,
        log_config=None,
        log_level=log_level,
        access_log=False,  # it would log addresses with their questions; the application logs
        proxy_headers=False,  # the application trusts the proxies that the settings name
        timeout_graceful_shutdown=GRACE_S - CLOSING_S,
    )
    server = _Server(config, ready, draining, stopping, drain_seconds)
    # Kept while the library is closed, after uvicorn has ended.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """A uvicorn server that reports when it is ready and when it starts to stop, and always ends.

    The first signal stops it, and begins the time of grace. After that, or at the second signal,
    the process ends at once; nothing that was acknowledged is lost then, as after `kill -9`.
    """

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
        self._told = threading.Event()
        # Begun here, because a signal may come while the main thread starts another thread.
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        """End the process if it has not ended within its grace, after draining."""
        self._told.wait()
        time.sleep(self._drain_seconds + GRACE_S)
        # Told by a thread, because whoever should read it may be stuck, too.
        message = "ended after %d s, with work that was not done"
        threading.Thread(target=log.warning, args=(message, GRACE_S), daemon=True).start()
        time.sleep(0.1)
        _end(0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at the first signal, and end at the second."""
        if self.should_exit:
            _end(128 + sig)
        self.should_exit = True
        self._told.set()

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


def _end(code: int) -> None:
    """End this process and its children, whatever its threads are doing."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(code)
