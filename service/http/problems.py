"""HTTP errors as RFC 9457 problems (`application/problem+json`)."""

import logging
import re
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from sourcebook.index.errors import SourcebookError
from sourcebook.service import seen
from sourcebook.service.access.roles import KeyNeededError, Role, TooManyError
from sourcebook.service.http.rules import Lane, reads
from sourcebook.service.notation.requests import reason
from sourcebook.service.notation.responses import Problem, ProblemError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
MAX_ERRORS = 50  # that one problem lists
AGAIN = ("busy", "overloaded")  # what is worth trying again after so many seconds

# What any request may get, any with a body, and any that needs a key.
ANY_REQUEST, ANY_BODY, KEYED = (408, 431), (400, 413), (401, 403, 429)

# Rejected values are shown shortened; a `repr` can always be sent back.
SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 80

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its HTTP status, its title and what it means in general."""

    status: int
    title: str
    meaning: str


# The problem type is `/problems/` and the name; the first group are the kinds of our own errors.
KINDS: Mapping[str, Kind] = {
    "bad-input": Kind(422, "Bad input", "A value in the request is invalid."),
    "unreadable": Kind(422, "Unreadable article", "A file or text cannot be read as an article."),
    "too-large": Kind(413, "Too large", "Something in the request exceeds its limit."),
    "not-found": Kind(404, "Not found", "No article or other thing has this id or name."),
    "key-needed": Kind(
        401, "Key needed", "This address needs a key; none was sent, or a wrong one."
    ),
    "too-many": Kind(
        429, "Too many requests", "A key has used up what it may do in a minute or in a day."
    ),
    "not-allowed": Kind(403, "Not allowed", "The server's settings do not allow this."),
    "busy": Kind(
        503,
        "Library busy",
        "The library is in use, for example by another process that is writing. Try again.",
    ),
    "overloaded": Kind(
        503,
        "Overloaded",
        "The server has as many requests as it can answer in time. Try again after the seconds "
        "that Retry-After says.",
    ),
    "library": Kind(
        503,
        "Library unusable",
        "The library cannot be opened, or is damaged. An administrator must fix this.",
    ),
    "not-ready": Kind(
        503,
        "Not ready",
        "The server cannot answer now, for example because it is stopping. Ask another, or wait.",
    ),
    "storage": Kind(507, "Storage failed", "Writing to disk failed. The library is unchanged."),
    "error": Kind(500, "Error", "The request could not be completed."),
    "malformed": Kind(400, "Malformed request", "The request body could not be parsed."),
    "too-slow": Kind(408, "Too slow", "The request took too long to arrive."),
    "head-too-large": Kind(
        431, "Head too large", "The address and headers of the request exceed their limit."
    ),
    "gone": Kind(400, "Client gone", "The client left before its turn came; nothing was done."),
    "foreign": Kind(
        403,
        "Foreign request",
        "The request was meant for another server, or comes from another site's page.",
    ),
    "role-too-low": Kind(403, "Role too low", "The role of the key does not allow this."),
    "no-such-address": Kind(404, "No such address", "There is nothing at this address."),
    "method-not-allowed": Kind(
        405, "Method not allowed", "This address does not support this HTTP method."
    ),
    "unsupported-media-type": Kind(
        415, "Unsupported media type", "This address does not accept a body of this type."
    ),
    "internal": Kind(
        500,
        "Internal error",
        "This is a bug in Sourcebook. The log has details under the given id.",
    ),
}
BY_STATUS = {
    400: "malformed",
    404: "no-such-address",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
}


class UnsupportedMediaError(SourcebookError):
    """The body of a request has a type that the endpoint does not accept."""

    kind = "unsupported-media-type"


class MalformedError(SourcebookError):
    """The body of a request does not match its content type."""

    kind = "malformed"


Dialects = Mapping[str, Callable[[Problem], Mapping[str, Any]]]


def install(app: FastAPI, dialects: Dialects = MappingProxyType({})) -> None:
    """Answer every failure of `app` with a problem, and serve a page about each kind.

    `dialects` add members that clients of other APIs expect, by the prefix of the address.
    """
    app.state.dialects = dialects
    app.exception_handler(SourcebookError)(_on_sourcebook_error)
    app.exception_handler(RequestValidationError)(_on_validation_error)
    app.exception_handler(HTTPException)(_on_http_exception)
    app.exception_handler(ClientDisconnect)(_on_disconnect)
    app.exception_handler(Exception)(_on_defect)
    app.add_api_route(
        "/problems/{kind}", _page, include_in_schema=False, response_class=PlainTextResponse
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of the problems that an endpoint may return."""
    return {status: _response(status) for status in statuses}


def describe_common(document: dict[str, Any]) -> None:
    """Add to an OpenAPI document the problems that no endpoint declares: any request may get them.

    They come from what is before the endpoints: connections, keys, and the reading of bodies.
    """
    common = document["components"].setdefault("responses", {})
    for status in (*ANY_REQUEST, *ANY_BODY, *KEYED):
        common[str(status)] = _response(status)
    for operations in document["paths"].values():
        for operation in operations.values():
            statuses = [*ANY_REQUEST, *(ANY_BODY if "requestBody" in operation else ())]
            statuses += KEYED if operation["security"] else ()
            for status in statuses:
                named = {"$ref": f"#/components/responses/{status}"}
                operation["responses"].setdefault(str(status), named)


def _response(status: int) -> dict[str, Any]:
    names = [name for name, kind in KINDS.items() if kind.status == status]
    kind = KINDS[names[0]]
    example = Problem(
        type=f"/problems/{names[0]}",
        title=kind.title,
        status=status,
        detail=EXAMPLES.get(status, kind.meaning),
        instance="/v1/ask",
    )
    return {
        "description": " ".join(dict.fromkeys(KINDS[name].meaning for name in names)),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": example.model_dump(exclude_none=True),
            }
        },
    }


EXAMPLES = {
    404: "There is no article '0123456789abcdef' in the library.",
    413: "The request body is larger than 52,494,336 bytes.",
    422: "The question is ''; expected at least one word.",
}


def _problem(
    request: Request,
    name: str,
    detail: str,
    *,
    cure: str = "",
    errors: Sequence[ProblemError] | None = None,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    kind = KINDS[name]
    current = seen.current()
    problem = Problem(
        type=f"/problems/{name}",
        title=kind.title,
        status=status or kind.status,
        detail=detail,
        instance=request.url.path,
        request_id=current.request_id if current else None,
        cure=cure or None,
        errors=list(errors) if errors is not None else None,
    )
    members = problem.model_dump(exclude_none=True)
    for beginning, more in request.app.state.dialects.items():
        if request.url.path.startswith(beginning):
            members |= more(problem)
    return JSONResponse(
        members,
        status_code=problem.status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def stated(media_type: str) -> str:
    """A content type as error messages phrase it."""
    return f"as {media_type!r}" if media_type else "without a content type"


def response(request: Request, error: SourcebookError) -> Response:
    """The response for one of our errors."""
    name = error.kind if error.kind in KINDS else "error"
    if KINDS[name].status >= 500 and name != "overloaded":
        log.error("%s", error)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if name in AGAIN else {}
    if isinstance(error, TooManyError):
        headers = {"Retry-After": str(error.retry_after)}
    elif isinstance(error, KeyNeededError):
        headers = {"WWW-Authenticate": 'Bearer realm="Sourcebook"'}
    return _problem(request, name, error.message, cure=error.cure, headers=headers)


def not_ready(request: Request, errors: Sequence[ProblemError]) -> Response:
    """The response of a server that cannot answer, with the checks that failed."""
    detail = " ".join(f"{one.location}: {one.message}" for one in errors)
    return _problem(request, "not-ready", detail, errors=errors)


async def _on_sourcebook_error(request: Request, error: SourcebookError) -> Response:
    return response(request, error)


async def _on_validation_error(request: Request, error: RequestValidationError) -> Response:
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        reason = found[0].get("ctx", {}).get("error", found[0]["msg"])
        return _problem(
            request,
            "malformed",
            f"The body is not JSON: {reason}.",
            cure="Send one JSON object in UTF-8.",
        )
    media_type = request.headers.get("content-type", "")
    if any(one["loc"] == ("body",) and isinstance(one["input"], bytes) for one in found):
        return _problem(
            request,
            "unsupported-media-type",
            f"The body was sent {stated(media_type)}; expected application/json.",
            cure="Send the header Content-Type: application/json.",
        )
    errors = [_error(one) for one in found[:MAX_ERRORS]]
    detail = "; ".join(f"{one.location}: {one.message}" for one in errors[:5])
    return _problem(request, "bad-input", f"{detail}.", errors=errors)


def _error(found: Mapping[str, Any]) -> ProblemError:
    """A pydantic error, with the unknown or missing field named."""
    place, *path = (str(part) for part in found["loc"])
    location = ".".join([place, *path])
    missing = found["type"] == "missing"
    given = None if missing else SHORT.repr(found["input"])
    return ProblemError(location=location, message=reason(found), given=given)


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    """Requests that Starlette and FastAPI reject themselves."""
    name = BY_STATUS.get(error.status_code, "error")
    phrase = HTTPStatus(error.status_code).phrase
    detail, cure, headers = str(error.detail), "", dict(error.headers or {})
    if name == "no-such-address" and detail == phrase:
        detail = f"There is nothing at {request.url.path}."
        cure = "/docs lists all addresses."
    elif name == "method-not-allowed":
        allowed = _methods(request) or headers.get("Allow", "GET")
        detail = f"{request.url.path} does not support {request.method}; expected {allowed}."
        headers["Allow"] = allowed
    elif name == "malformed":
        detail = f"{detail.rstrip('.')}."
        cure = "/docs describes the expected body."
    return _problem(request, name, detail, cure=cure, status=error.status_code, headers=headers)


def _methods(request: Request) -> str:
    """All methods of the address; Starlette reports only those of one function."""
    found = [
        method.upper()
        for template, operations in request.app.openapi()["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), request.url.path)
        for method in operations
    ]
    return ", ".join(sorted(found))


async def _on_disconnect(request: Request, error: ClientDisconnect) -> Response:
    """The client is gone; this only keeps tracebacks out of the log."""
    return _problem(request, "malformed", "The connection was closed before the body ended.")


async def _on_defect(request: Request, error: Exception) -> Response:
    """A bug: the server logs the traceback, and the caller gets an id to report."""
    current = seen.current()
    number = current.request_id if current else ""
    log.error("internal error: %s", type(error).__name__)  # its message may quote what was asked
    return _problem(
        request,
        "internal",
        f"Something went wrong in Sourcebook; the log has details under {number}.",
        cure="Try again. If it happens again, report this id and your request.",
    )


@reads(Role.ANYONE, Lane.NONE)
async def _page(kind: str) -> str:
    """Explain a kind of problem: the page that a problem's type points to."""
    if kind not in KINDS:
        raise HTTPException(404)
    known = KINDS[kind]
    return f"{known.title} (HTTP status {known.status})\n\n{known.meaning}\n"
