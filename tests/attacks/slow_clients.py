"""Clients that are silent, slow or endless, on many connections; others are answered meanwhile."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from attacks.outcome import Outcome
from attacks.serving import Target, seeds, serving

from sourcebook.service.http.connections import BODY_S, HEAD_BYTES, HEAD_FIELDS, HEAD_S

HEAD = b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LATE_S = 5  # how much longer than its deadline a connection may live


def attack(rounds: int, folder: Path) -> Outcome:
    """Attack with `rounds` connections of each kind at once."""
    with serving(seeds(folder)) as target:
        return attacked(target, rounds)


def attacked(target: Target, connections: int, *, wait: bool = True) -> Outcome:
    """Attack a running server; without `wait`, deadlines are not waited for."""
    faults = [*_large_heads(target)]
    target.ask()
    for kind, opening in SLOW.items():
        faults += _slow(target, kind, opening, connections, wait=wait)
    return Outcome(
        attack="silent connections, slow heads and bodies, endless heads, unread answers",
        promise="each is closed in time, and a normal question is answered within a second",
        tried=connections * len(SLOW),
        faults=tuple(faults),
    )


def _silent(one: socket.socket) -> None:
    """Send nothing."""


def _half_a_head(one: socket.socket) -> None:
    one.sendall(HEAD)


def _half_a_body(one: socket.socket) -> None:
    one.sendall(HEAD + b'Content-Length: 1000\r\n\r\n{"question":')


def _half_an_upload(one: socket.socket) -> None:
    head = HEAD.replace(b"/v1/ask", b"/v1/articles")
    one.sendall(head + b'Content-Length: 5000000\r\n\r\n{"text":')


def _unread(one: socket.socket) -> None:
    """Ask for large answers without reading one."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)


SLOW: dict[str, Callable[[socket.socket], None]] = {
    "silent": _silent,
    "half a head": _half_a_head,
    "half a body": _half_a_body,
    "half an upload": _half_an_upload,
    "unread": _unread,
}
DRIPS = {"half a head": b"X-A: b\r\n", "half a body": b" ", "half an upload": b" "}
DEADLINES = {"silent": HEAD_S, "half a head": HEAD_S}


def _slow(
    target: Target, kind: str, opening: Callable[[socket.socket], None], count: int, *, wait: bool
) -> list[str]:
    """Open so many connections of a kind, drip on, and see how each ends."""
    faults = []
    opened = []
    try:
        for _ in range(count):
            one = target.connection()
            opened.append(one)
            _quietly(opening, one)
        began = time.monotonic()
        deadline = DEADLINES.get(kind, BODY_S) + LATE_S
        faults.append(target.answers())
        while wait and time.monotonic() - began < deadline:
            time.sleep(1)
            for one in opened[::2]:
                _quietly(lambda one: one.sendall(DRIPS.get(kind, b"")), one)
            faults.append(target.answers())
        alive = sum(map(_is_open, opened)) if wait and kind != "unread" else 0
        if alive:
            faults.append(f"{alive} of {count} connections are open after {deadline} s")
    finally:
        for one in opened:
            one.close()
    return [f"{kind}: {fault}" for fault in faults if fault]


def _quietly(do: Callable[[socket.socket], None], one: socket.socket) -> None:
    """Do it; the server may have closed the connection, and should."""
    try:
        do(one)
    except OSError:
        pass


def _is_open(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        while one.recv(65_536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def _large_heads(target: Target) -> list[str]:
    """Heads that are too large, each with an answer that says so."""
    field = b"X-A: " + b"a" * 100 + b"\r\n"
    heads = {
        "one endless field": HEAD + b"X-A: " + b"a" * 8_000_000,
        "many fields": HEAD + b"X: y\r\n" * (HEAD_FIELDS + 1) + b"\r\n",
        "a large head": HEAD + field * (HEAD_BYTES // len(field) + 1),
        "a long address": b"GET /?q=" + b"a" * (HEAD_BYTES + 1) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    }
    faults = []
    for name, head in heads.items():
        with target.connection() as one:
            _quietly(lambda one, head=head: one.sendall(head), one)  # type: ignore[misc]
            try:
                said = one.recv(65_536)
            except OSError as error:
                said = repr(error).encode()
        if not said.startswith(b"HTTP/1.1 431 "):
            faults.append(f"{name}: expected status 431, found {said[:40]!r}")
    return faults
