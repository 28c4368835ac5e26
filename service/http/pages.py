"""What people open in a browser: the page with its files, and the reference at `/docs`."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from sourcebook.service.http.reference import brief, page
from sourcebook.service.http.routes import PLAIN

FILES = Path(__file__).parents[1] / "page"
# The page reads its own address, so each of these is answered with the same shell.
VIEWS = ("/", "/articles/{article_id}", "/library", "/judge", "/evaluate")
# Articles come from anywhere. The page inserts them as text; should it ever fail to, nothing runs.
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
    "Cache-Control": "no-cache",  # asked for again, and answered with 304 as long as it is the same
}

# A document without scripts, with the words of others, is not to do anything where it is shown.
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
    """Serve the page and its files, the reference at `/docs`, and what `/llms.txt` says."""
    for view in VIEWS:
        app.add_api_route(view, _shell, include_in_schema=False, response_class=FileResponse)
    app.mount("/page", _Guarded(directory=FILES))

    @app.get("/docs", include_in_schema=False, dependencies=PLAIN)
    def reference() -> HTMLResponse:
        """The reference page."""
        return HTMLResponse(page(app.openapi()), headers=INERT)

    @app.get("/llms.txt", include_in_schema=False, dependencies=PLAIN)
    def programs(request: Request) -> PlainTextResponse:
        """What this service is and answers, for programs."""
        return PlainTextResponse(brief(app.openapi(), str(request.base_url)))


async def _shell() -> FileResponse:
    """The page without content; its scripts read the address."""
    return FileResponse(FILES / "index.html", headers=HEADERS)
