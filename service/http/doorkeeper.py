"""Lets a request in by the rule of its address, and records what it changes."""

import logging

from anyio import CancelScope, CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sourcebook.index.errors import InputError, SourcebookError
from sourcebook.service import seen
from sourcebook.service.access.file import Entry
from sourcebook.service.access.gate import Gate, Shown
from sourcebook.service.access.roles import Role, RoleError
from sourcebook.service.http import problems
from sourcebook.service.http.rules import Address, address_in, subject_of
from sourcebook.service.key_format import KEY

COOKIE = "sourcebook_session"

log = logging.getLogger(__name__)


class Doorkeeper:
    """ASGI middleware that rejects who may not use an address, before anything of it is read."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        """Ask `gate`; the scopes of requests know their address (`rules.find`)."""
        self.app = app
        self._gate = gate
        # Apart from the threads that answer: however busy these are, the door opens at once, and
        # also while the audit log has to wait.
        self._opening = CapacityLimiter(1)
        self._recording = CapacityLimiter(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, address = Request(scope), address_in(scope)
        who = ""
        try:
            _refuse_key(request)
            if address and address.rule.role is not Role.ANYONE:
                who = await self._admitted(request, address)
        except SourcebookError as error:
            await problems.response(request, error)(scope, receive, send)
            return
        if who and address and address.rule.writes:
            await self._write(who, request, address, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _admitted(self, request: Request, address: Address) -> str:
        """Let the request in; returns who it is from. Raises what `Gate.admit` raises."""
        shown, role, what = shown_by(request), address.rule.role, _what(request, address)
        try:
            identity = await to_thread.run_sync(
                self._gate.admit, shown, role, what, limiter=self._opening
            )
        except RoleError as error:
            if address.rule.writes:
                await self._record(error.name, request, address, "403")
            raise
        if identity.keyed and (watched := seen.current()):
            watched.key = identity.name
        return identity.name

    async def _write(
        self, who: str, request: Request, address: Address, receive: Receive, send: Send
    ) -> None:
        """Pass on a request that changes something, and record its outcome."""
        recorded = False

        async def send_recorded(message: Message) -> None:
            """Record the outcome before it is sent: what is acknowledged is in the log."""
            nonlocal recorded
            if message["type"] == "http.response.start":
                recorded = True
                made = dict(message.get("headers", ())).get(b"location", b"").decode("latin-1")
                await self._record(who, request, address, str(message["status"]), made)
            await send(message)

        try:
            await self.app(request.scope, receive, send_recorded)
        except BaseException as error:  # what failed or was stopped may have changed something
            if not recorded:
                outcome = "500" if isinstance(error, Exception) else "stopped"
                with CancelScope(shield=True):
                    await self._record(who, request, address, outcome)
            raise

    async def _record(
        self, who: str, request: Request, address: Address, outcome: str, made: str = ""
    ) -> None:
        """Record what somebody tried to change; `made` is the address of what came of it."""
        naming = address.rule.naming
        named = request.query_params.get(naming, "") if naming else ""
        subject = made or named or subject_of(request.scope) or request.url.path
        what = _what(request, address)
        entry = Entry(who=who, via="http", what=what, subject=subject, outcome=outcome)
        try:
            await to_thread.run_sync(self._gate.file.record, entry, limiter=self._recording)
        except SourcebookError as error:  # the change is made; a lost line must not undo it
            log.error("the audit log could not be written: %s (%s)", error, entry)


def _what(request: Request, address: Address) -> str:
    return f"{request.method} {address.path}"


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
