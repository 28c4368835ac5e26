"""Lets a request in by the rule of its address, and records what it changes."""

import logging

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sourcebook.index.errors import InputError, SourcebookError
from sourcebook.service import seen
from sourcebook.service.access.file import Entry
from sourcebook.service.access.gate import Gate, Shown
from sourcebook.service.access.keys import KEY
from sourcebook.service.access.roles import Role, RoleError
from sourcebook.service.http import problems
from sourcebook.service.http.rules import Address, address_of

COOKIE = "sourcebook_session"
MAX_SUBJECT = 200  # characters of an address in the audit log

log = logging.getLogger(__name__)


class Doorkeeper:
    """ASGI middleware that rejects who may not use an address, before anything of it is read."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        """Ask `gate`; the application's `state.addresses` are its addresses."""
        self.app = app
        self._gate = gate
        # Apart from the threads that answer: however busy these are, the door opens at once.
        self._limiter = CapacityLimiter(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            _refuse_key(request)
            address = address_of(scope["app"].state.addresses, scope["method"], scope["path"])
            if address and address.rule.role is not Role.ANYONE:
                send = await self._admitted(request, address, send)
        except SourcebookError as error:
            await problems.response(request, error)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _admitted(self, request: Request, address: Address, send: Send) -> Send:
        """Let the request in; what it sends has to go through what this returns."""
        shown, what = shown_by(request), f"{request.method} {address.path}"

        async def record(who: str, subject: str, outcome: str) -> None:
            if address.rule.writes:
                about = subject[:MAX_SUBJECT]
                entry = Entry(who=who, via="http", what=what, subject=about, outcome=outcome)
                await to_thread.run_sync(self._record, entry, limiter=self._limiter)

        try:
            identity = await to_thread.run_sync(
                self._gate.admit, shown, address.rule.role, what, limiter=self._limiter
            )
        except RoleError as error:
            await record(error.name, request.url.path, "403")
            raise

        if identity.keyed and (watched := seen.current()):
            watched.key = identity.name

        async def recorded(message: Message) -> None:
            """Record the outcome before it is sent: what is acknowledged is in the log."""
            if message["type"] == "http.response.start":
                made = dict(message.get("headers", ())).get(b"location", b"").decode("latin-1")
                await record(identity.name, made or request.url.path, str(message["status"]))
            await send(message)

        return recorded

    def _record(self, entry: Entry) -> None:
        if self._gate.file.read_only:
            return  # nothing was changed
        try:
            self._gate.file.record(entry)
        except SourcebookError as error:  # the change is made; a lost line must not undo it
            log.error("the audit log could not be written: %s (%s)", error, entry)


def shown_by(request: Request) -> Shown:
    """What a request shows of itself: a bearer key, or else the cookie of a session."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return Shown(
        key=key.strip() if scheme.lower() == "bearer" else "",
        session=request.cookies.get(COOKIE, ""),
        address=request.client.host if request.client else "",
    )


def _refuse_key(request: Request) -> None:
    """Raise `InputError` for a key in the address, which logs and histories keep."""
    if KEY.search(request.url.path) or KEY.search(request.url.query):
        raise InputError(
            "The address of the request contains a key; expected it in a header.",
            cure="Revoke that key, because addresses are kept in logs. Send the new one in the "
            "header 'Authorization: Bearer KEY'.",
        )
