"""Connections: how many there may be, how long each may keep the server waiting, and for what."""

import asyncio
import json
import logging
import socket
import struct
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from sourcebook.service.http.problems import KINDS, MEDIA_TYPE, RETRY_AFTER_S

# A browser sends a head at once; 10 s is for lines that lose packets.
HEAD_S = 10
# The longest question as an address, in three-byte characters, takes 18 KB.
HEAD_BYTES = 64 * 1024
HEAD_FIELDS = 100
# A body may be silent for so long at first, twice as long as a head, because programs make it after
# that. Then it must have brought so much a second on average as the slowest lines in use carry,
# 64 kbit/s: who drips bytes has to send as many as honest people.
BODY_S = 20
BODY_BYTES_A_SECOND = 8_000
# How long a response may wait for a client that takes nothing of it: as long as for a silent body.
UNREAD_S = 20
LOOK_S = 2  # between two looks at whether it reads
# What the system takes over of an answer that is not read. By itself Linux takes megabytes, which
# many connections can be made to cost; a line with a delay of 50 ms brings 5 MB/s with this.
UNSENT_BYTES = 256 * 1024
# How long a refused client may take to read why.
LINGER_S = 1
# Files that the process opens besides connections: three for each thread that reads the library,
# those of both indexes, models and workers.
OTHER_FILES = 150
LEAST = 16  # connections, however few files may be open

if sys.platform != "win32":
    import resource

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Connections:
    """All open connections of a server, at most `most`, and at most `per_address` of one address.

    A new connection beyond that takes the place of the oldest one without a request, of the same
    address where it is the address that has too many. If all have a request, it is refused.
    """

    most: int
    per_address: int
    open: "dict[LimitedProtocol, str]" = field(default_factory=dict)  # oldest first
    of: Counter[str] = field(default_factory=Counter)

    def enter(self, one: "LimitedProtocol", address: str) -> bool:
        """Count a new connection; False where there is no room for it."""
        if self.of[address] >= self.per_address and not self._make_room(address):
            return False
        if len(self.open) >= self.most and not self._make_room(None):
            return False
        self.open[one] = address
        self.of[address] += 1
        return True

    def leave(self, one: "LimitedProtocol") -> None:
        """Forget a connection."""
        address = self.open.pop(one, None)
        if address is not None:
            self.of[address] -= 1
            if not self.of[address]:
                del self.of[address]

    def _make_room(self, address: str | None) -> bool:
        for one, its in self.open.items():
            if address in (None, its) and one.without_request:
                self.leave(one)
                one.transport.abort()
                return True
        return False


def limited(most: int, per_address: int) -> type["LimitedProtocol"]:
    """The protocol class for uvicorn, for at most so many connections in all and per address.

    Fewer where the process may not open as many files.
    """

    class Limited(LimitedProtocol):
        connections_of_all = Connections(_allowed(most), per_address)

    return Limited


def _allowed(most: int) -> int:
    """As many connections as the process may have, after it has asked for more files."""
    if sys.platform == "win32":
        return most
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            most = max(LEAST, soft - OTHER_FILES)
            log.warning("%d files may be open, so at most %d connections are.", soft, most)
    return most


class LimitedProtocol(HttpToolsProtocol):
    """HTTP on one connection, with a deadline for whatever the client has to do next.

    uvicorn itself waits for ever for a head, a body and a reader, and takes a head of any size.
    """

    connections_of_all: ClassVar[Connections]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes: int | None = 0  # None while no head is being received
        self._body_began = 0.0
        self._body_bytes = 0
        self._unread, self._read_at = 0, 0.0
        self._refused = False

    @property
    def without_request(self) -> bool:
        """Whether no request was received that is not answered: it can be closed unharmed."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and wait for a head."""
        super().connection_made(transport)
        self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNSENT_BYTES)
        if self.connections_of_all.enter(self, self.client[0] if self.client else ""):
            self._wait(HEAD_S, self._head_is_late)
        else:
            self._refuse("overloaded", "This server has as many connections as it takes.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.connections_of_all.leave(self)
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes of a head; uvicorn parses them."""
        if self._refused or self.transport.is_closing():
            return
        before = self._head_bytes
        super().data_received(data)
        # Counted by the parser's callbacks where the head ends in this piece.
        if before is not None and self._head_bytes is not None and not self._refused:
            self._head_bytes = before + len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse_head(f"more than {HEAD_BYTES:,} bytes")
        if self._timer is None and self.without_request:
            # Only line ends came, which belong to no request; uvicorn waits on after each.
            self._wait(HEAD_S, self._head_is_late)

    def on_message_begin(self) -> None:
        """Begin to wait for the head of the next request."""
        super().on_message_begin()
        if self._head_bytes is None:
            self._head_bytes = 0
            if self.without_request:
                self._wait(HEAD_S, self._head_is_late)

    def on_headers_complete(self) -> None:
        """Refuse a head that is too large; else wait for the body."""
        self._head_bytes = None
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if len(self.headers) > HEAD_FIELDS:
            self._refuse_head(f"{len(self.headers):,} fields, of at most {HEAD_FIELDS}")
        elif size > HEAD_BYTES:
            self._refuse_head(f"{size:,} bytes, of at most {HEAD_BYTES:,}")
        if self._refused:
            return
        super().on_headers_complete()
        self._body_began, self._body_bytes = self.loop.time(), 0
        self._wait(BODY_S, self._body_is_late)

    def on_body(self, body: bytes) -> None:
        """Count what arrives of a body."""
        if not self._refused:
            self._body_bytes += len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop waiting for the body."""
        if not self._refused:
            self._stop_waiting()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for what the client has to do next: take the response, send the rest."""
        super().on_response_complete()
        self._unread = self.transport.get_write_buffer_size()
        if self._head_bytes is not None:
            self._wait(HEAD_S, self._head_is_late)
        elif self._unread and not self.cycle.more_body:
            self._read_at = self.loop.time()
            self._wait(LOOK_S, self._look_at_reader)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, unless its client is still reading."""
        if not self.transport.get_write_buffer_size():
            super().timeout_keep_alive_handler()

    def _socket(self) -> socket.socket:
        found: socket.socket = self.transport.get_extra_info("socket")
        return found

    def _wait(self, seconds: float, late: Callable[[], None]) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(seconds, late)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_is_late(self) -> None:
        if self._head_bytes:
            self._refuse("too-slow", f"The head of the request took more than {HEAD_S} s.")
        else:
            self.transport.abort()  # nothing was asked, so there is nothing to answer

    def _body_is_late(self) -> None:
        """Refuse a body that is too slow; it is not late while this server does not read it."""
        cycle = self.cycle
        due = self._body_began + BODY_S + self._body_bytes / BODY_BYTES_A_SECOND
        left = due - self.loop.time()
        if cycle.response_complete:
            self.transport.abort()
        elif self.flow.read_paused or cycle.waiting_for_100_continue:
            self._body_began += BODY_S
            self._wait(BODY_S, self._body_is_late)
        elif left > 0:
            self._wait(left, self._body_is_late)
        elif cycle.response_started:
            self.transport.abort()
        else:
            cycle.disconnected = True  # so that what is said here is all that is said
            cycle.message_event.set()
            self._refuse("too-slow", "The body of the request comes too slowly.")

    def _look_at_reader(self) -> None:
        """Close the connection of a client that has read nothing for too long."""
        unread, now = self.transport.get_write_buffer_size(), self.loop.time()
        if unread < self._unread:
            self._unread, self._read_at = unread, now
        if unread and now - self._read_at >= UNREAD_S:
            # Else the system would keep what it has taken over of the answer, for minutes.
            at_once = struct.pack("ii", 1, 0)
            self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            self.transport.abort()
        elif unread:
            self._wait(LOOK_S, self._look_at_reader)

    def _refuse_head(self, found: str) -> None:
        if self.without_request:
            self._refuse("head-too-large", f"The head of the request has {found}.")
        else:  # an answer would be taken for that to the request before
            self._refused = True
            self.transport.abort()

    def _refuse(self, name: str, detail: str) -> None:
        """Answer with a problem, and close the connection."""
        self._refused = True
        kind = KINDS[name]
        problem = {
            "type": f"/problems/{name}",
            "title": kind.title,
            "status": kind.status,
            "detail": detail,
        }
        body = json.dumps(problem).encode()
        again = f"retry-after: {RETRY_AFTER_S}\r\n" if kind.status == 503 else ""
        head = (
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n{again}"
            "connection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[kind.status] + head.encode() + body)
        if self in self.connections_of_all.open:
            # Read on for a moment: what is closed unread takes the answer with it.
            self.transport.write_eof()
        else:
            self.transport.close()
        self._wait(LINGER_S, self.transport.abort)
