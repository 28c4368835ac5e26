"""The web page with its files, and the API reference at `/docs`."""

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from sourcebook.service.access.roles import Role
from sourcebook.service.http.reference import brief, page
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.http.rules import Lane, reads

FILES = Path(__file__).parents[1] / "page"
# The page's scripts look at the address, so all of these return the same file.
VIEWS = ("/", "/articles/{article_id}", "/library", "/judge", "/evaluate")
# Articles are untrusted. The page inserts them as text; if it ever failed to, nothing would run.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",  # the browser asks again and gets 304 if nothing changed
}

# For documents without scripts that contain untrusted text.
INERT = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox",
    **{name: HEADERS[name] for name in ("X-Content-Type-Options", "Referrer-Policy")},
}


class _Guarded(StaticFiles):
    """Files that are sent with `HEADERS`."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(HEADERS)
        return response


def install(app: FastAPI) -> None:
    """Serve the page and its files, the API reference, its OpenAPI document, and `/llms.txt`."""
    for view in VIEWS:
        app.add_api_route(view, _index, include_in_schema=False, response_class=FileResponse)
    # A strict editable install is a tree of symbolic links.
    files = _Guarded(directory=FILES, follow_symlink=True)
    app.mount("/page", reads(Role.ANYONE, Lane.NONE)(files))

    @cache
    def contract() -> bytes:
        return bytes(JSONResponse(app.openapi()).body)

    @app.get("/openapi.json", include_in_schema=False)
    def document() -> Response:
        """The OpenAPI document, which takes half a second to make."""
        return Response(contract(), media_type="application/json")

    @app.get("/docs", include_in_schema=False, dependencies=PLAIN)
    @reads(Role.ANYONE)
    def reference() -> HTMLResponse:
        """The API reference."""
        return HTMLResponse(page(app.openapi()), headers=INERT)

    @app.get("/llms.txt", include_in_schema=False, dependencies=PLAIN)
    @reads(Role.ANYONE)
    def programs(request: Request) -> PlainTextResponse:
        """A summary of this service for programs."""
        return PlainTextResponse(brief(app.openapi(), str(request.base_url)))


@reads(Role.ANYONE, Lane.NONE)
async def _index() -> FileResponse:
    """The page without content; its scripts fill it."""
    return FileResponse(FILES / "index.html", headers=HEADERS)
