"""Watches requests: gives each an id, and tells the watchers what it did."""

import logging
import re
import time
import uuid
from collections.abc import Callable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sourcebook.service import seen
from sourcebook.service.http.rules import Address, find
from sourcebook.service.logs import fields
from sourcebook.service.seen import Seen

# What a caller may send as X-Request-ID: UUIDs, ULIDs, hex numbers, and whatever else is plain.
_WELL_FORMED = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# The address of a request that matches no route: one name for all, however many are tried.
UNKNOWN = "unknown"
OTHER = "other"
# As nginx counts a client that left before there was an answer.
LEFT = 499
# Asked all the time by machines, or twenty at a time by a browser; logged with the level debug
# unless they fail.
QUIET = ("/livez", "/readyz", "/metrics", "/page")

Watcher = Callable[[Seen], None]

log = logging.getLogger(__name__)


class Watched:
    """ASGI application that watches another: `begun` is told of each request, `ended` as well.

    Every response carries the request's id as `X-Request-ID`, the one that was sent if it is well
    formed.
    """

    def __init__(
        self,
        app: ASGIApp,
        addresses: Sequence[Address],
        *,
        begun: Sequence[Watcher] = (),
        ended: Sequence[Watcher] = (),
    ) -> None:
        """Watch `app`, which has these addresses."""
        self.app = app
        self._addresses = addresses
        self.begun = begun
        self.ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell what became of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, begun = _seen(scope), time.perf_counter()
        # Whether or not the request comes as far as its function.
        request.route = find(self._addresses, scope) or UNKNOWN
        # It is never reset: each request has a task of its own, and what the server logs about it
        # after a failure carries its id too.
        seen.begin(request)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
                given = (b"x-request-id", request.request_id.encode())
                message = {**message, "headers": [*message.get("headers", ()), given]}
            request.bytes += len(message.get("body", b""))
            await send(message)

        for watcher in self.begun:
            watcher(request)
        try:
            await self.app(scope, receive, counted)
        finally:
            request.seconds = time.perf_counter() - begun
            request.status = request.status or LEFT
            for watcher in self.ended:
                watcher(request)


def _seen(scope: Scope) -> Seen:
    headers = dict(scope["headers"])
    wanted = headers.get(b"x-request-id", b"")
    return Seen(
        request_id=wanted.decode() if _WELL_FORMED.fullmatch(wanted) else uuid.uuid4().hex,
        method=scope["method"] if scope["method"] in METHODS else OTHER,
        traceparent=headers.get(b"traceparent", b"").decode("latin-1"),
    )


class RequestLog:
    """A watcher that logs one line a request, and one more for each question that was slow.

    The line holds no part of the address that a caller can choose, hence no question.
    """

    def __init__(self, *, slow_ms: int, questions: bool) -> None:
        """A question is slow from `slow_ms` milliseconds on, never if that is 0.

        Its text is logged only with `questions`.
        """
        self.slow_ms = slow_ms
        self.questions = questions

    def __call__(self, request: Seen) -> None:
        """Log the request."""
        texts = [one.text for one in request.asked] if self.questions else []
        about = fields(
            method=request.method,
            route=request.route,
            status=request.status,
            ms=_ms(request.seconds),
            bytes=request.bytes,
            key=request.key,
            outcome=",".join(one.outcome for one in request.asked),
            questions=texts or None,
        )
        quiet = request.route in QUIET and request.status < 400
        log.log(logging.DEBUG if quiet else logging.INFO, "request", extra=about)
        for one in request.asked:
            if self.slow_ms and one.seconds * 1000 >= self.slow_ms:
                stages = {name: _ms(seconds) for name, seconds in one.stages.items()}
                log.warning(
                    "slow question",
                    extra=fields(
                        outcome=one.outcome,
                        ms=_ms(one.seconds),
                        wait=_ms(one.waited),
                        **stages,
                        question=one.text if self.questions else "",
                    ),
                )


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)
