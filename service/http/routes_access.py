"""Endpoints for signing in and out with a key, and for reading the audit log."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field

from sourcebook.service.access.file import SESSION_S
from sourcebook.service.access.gate import Gate, Identity, Shown
from sourcebook.service.access.roles import Role
from sourcebook.service.http import problems
from sourcebook.service.http.doorkeeper import COOKIE, shown_by
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.http.rules import reads
from sourcebook.service.notation.operators import AuditOut, EntryOut
from sourcebook.service.notation.requests import MAX_PAGE, StrictRequest
from sourcebook.service.notation.responses import Returned


class SignIn(StrictRequest):
    """A key to sign in with."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": f"sbk_{'0' * 48}"}]})

    key: str = Field(max_length=200, repr=False, description="An API key.")


class SessionOut(Returned):
    """Who is signed in, and whether a key is needed at all."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"needed": True, "name": "ana", "role": "asker"}]}
    )

    needed: bool = Field(description="Whether this server needs a key.")
    name: str | None = Field(description="The name of the key; null if nobody is signed in.")
    role: str | None = Field(description="Its role: `asker`, `editor` or `admin`.")

    @classmethod
    def of(cls, gate: Gate, identity: Identity | None) -> "SessionOut":
        """The session of somebody, or of nobody."""
        known = (identity.name, identity.role.word) if identity else (None, None)
        return cls(needed=gate.needs_keys(), name=known[0], role=known[1])


class AuditQuery(StrictRequest):
    """Which part of the audit log."""

    limit: int = Field(100, ge=1, le=MAX_PAGE, description="Maximum number of entries.")
    before: int | None = Field(
        None,
        ge=1,
        le=2**62,
        description="Only entries with a lower number; see `next`.",
        examples=[101],
    )


def access_router(gate: Gate, public_url: str) -> APIRouter:
    """The endpoints; `public_url` tells whether browsers reach the server over https."""
    routes = APIRouter(prefix="/v1", tags=["access"], responses=problems.responses(422, 503))

    @routes.get("/session", dependencies=PLAIN, summary="Who is signed in?")
    @reads(Role.ANYONE)
    def describe(request: Request) -> SessionOut:
        """Return the name and role of the key that was sent, or that somebody signed in with."""
        return SessionOut.of(gate, gate.known(shown_by(request)))

    @routes.post(
        "/session",
        status_code=201,
        dependencies=PLAIN,
        responses=problems.responses(401, 429),
        summary="Sign in with a key",
    )
    @reads(Role.ANYONE)
    def sign_in(wanted: SignIn, request: Request, response: Response) -> SessionOut:
        """Set a cookie for a week, which browsers send instead of the key."""
        shown = shown_by(request)
        identity, secret = gate.sign_in(Shown(key=wanted.key, address=shown.address))
        response.set_cookie(
            COOKIE,
            secret,
            max_age=SESSION_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https" or public_url.startswith("https:"),
        )
        return SessionOut.of(gate, identity)

    @routes.delete("/session", status_code=204, dependencies=PLAIN, summary="Sign out")
    @reads(Role.ANYONE)
    def sign_out(request: Request, response: Response) -> None:
        """End the session of the cookie."""
        gate.sign_out(shown_by(request))
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")

    @routes.get("/audit", summary="Read the audit log")
    @reads(Role.ADMIN)
    def audit(wanted: Annotated[AuditQuery, Query()]) -> AuditOut:
        """Return what was changed, newest first: who, when, what, and with which outcome.

        It never has words of articles or questions. `next` is `before` of the next page.
        """
        found = gate.file.entries(wanted.limit, wanted.before)
        return AuditOut.of([EntryOut.model_validate(entry) for entry in found], wanted.limit)

    return routes
