"""Clients that are silent, slow or endless, on many connections; others are answered meanwhile."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from attacks.outcome import Outcome
from attacks.serving import Target, seeds, serving
from sourcebook.service.http.connections import (
    BODY_S,
    HEAD_BYTES,
    HEAD_FIELDS,
    LOOK_S,
    UNREAD_S,
)

HEAD = b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
FEW_FILES = 256  # that the server may open
DRIP_S = 3
# When the last must have been closed: a busy machine may be late, and looks whether a client reads
# take time, one to see that it has stopped, and one that it has not gone on.
CLOSED_S = max(BODY_S, UNREAD_S + 2 * LOOK_S) + 5


def attack(rounds: int, folder: Path) -> Outcome:
    """Attack with `rounds` connections of each kind at once, and with as many silent ones."""
    library = seeds(folder)
    with serving(library, SOURCEBOOK_MAX_CONNECTIONS_PER_ADDRESS="2000") as target:
        slow = attacked(target, rounds)
    with serving(library, FEW_FILES) as target:
        crowded = silenced(target, 3 * rounds)
    return Outcome(
        attack="silent connections, slow heads and bodies, endless heads, unread answers",
        promise="each is closed in time, and a normal question is answered within a second",
        tried=slow.tried + crowded.tried,
        faults=(*slow.faults, *crowded.faults),
    )


def attacked(target: Target, connections: int) -> Outcome:
    """So many connections of each kind, until all of them must have been closed."""
    faults = _large_heads(target)
    opened = {kind: [_begun(target, begin) for _ in range(connections)] for kind, begin in SLOW}
    began = time.monotonic()
    while time.monotonic() - began < CLOSED_S:
        for kind, drip in DRIPS.items():
            for one in opened[kind][::2]:
                _quietly(lambda one, drip=drip: one.sendall(drip), one)  # type: ignore[misc]
        faults.append(target.answers())
        time.sleep(DRIP_S)
    for kind, ones in opened.items():
        alive = sum(map(_is_open, ones))
        if alive:
            faults.append(f"{kind}: {alive} of {len(ones)} are open after {CLOSED_S} s")
        for one in ones:
            one.close()
    return Outcome(
        attack="slow clients",
        promise="each is closed in time, and a normal question is answered within a second",
        tried=connections * len(SLOW),
        faults=tuple(filter(None, faults)),
    )


def silenced(target: Target, connections: int) -> Outcome:
    """More silent connections than the server may have, from one address."""
    opened = [_begun(target, _silent) for _ in range(connections)]
    faults = [target.answers() for _ in range(3)]
    for one in opened:
        one.close()
    return Outcome(
        attack="more silent connections than files may be open",
        promise="a normal question is answered within a second",
        tried=connections,
        faults=tuple(filter(None, faults)),
    )


def _begun(target: Target, begin: Callable[[socket.socket], None]) -> socket.socket:
    one = target.connection()
    _quietly(begin, one)
    return one


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


SLOW = (
    ("silent", _silent),
    ("half a head", _half_a_head),
    ("half a body", _half_a_body),
    ("half an upload", _half_an_upload),
    ("unread", _unread),
)
# What half of them send every few seconds.
DRIPS = {"half a head": b"X-A: b\r\n", "half a body": b" ", "half an upload": b" "}


def _quietly(do: Callable[[socket.socket], None], one: socket.socket) -> None:
    """Do it; the server may have closed the connection, and should."""
    with suppress(OSError):
        do(one)


def _is_open(one: socket.socket) -> bool:
    """Whether it still is, once all has been read that was on its way."""
    one.settimeout(1)
    try:
        while one.recv(65_536):
            pass
    except TimeoutError:
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
