"""The HTTP application: routes, problems, limits and API reference around an answering."""

import json
import threading
from collections.abc import Sequence
from functools import cache
from importlib import metadata, resources
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from sourcebook.service.access.file import AccessFile
from sourcebook.service.access.gate import Gate
from sourcebook.service.adding.folders import Folders
from sourcebook.service.answering import Answering
from sourcebook.service.http import pages, problems
from sourcebook.service.http.doorkeeper import Doorkeeper
from sourcebook.service.http.mcp import mcp_router
from sourcebook.service.http.operating import Operating
from sourcebook.service.http.origins import Guard
from sourcebook.service.http.reception import Reception
from sourcebook.service.http.routes import router
from sourcebook.service.http.routes_access import access_router
from sourcebook.service.http.routes_citing import citing_router
from sourcebook.service.http.routes_correcting import correcting_router
from sourcebook.service.http.routes_doors import DIALECTS
from sourcebook.service.http.routes_doors import router as doors
from sourcebook.service.http.routes_importing import importing_router
from sourcebook.service.http.routes_judging import judging_router
from sourcebook.service.http.routes_trash import trash_router
from sourcebook.service.http.rules import addresses, describe
from sourcebook.service.http.uploads import Uploads
from sourcebook.service.notation.responses import Problem
from sourcebook.service.settings import Settings

TITLE = "Sourcebook"
DESCRIPTION = """\
Answers policy questions with verbatim passages and citations that anyone can check, or an honest
"not in the library". Offsets count Unicode code points: `article.text[start:end] == exact`.

Errors are RFC 9457 problems (`application/problem+json`). Unknown fields and parameters are
rejected by name.

Where keys are needed, send yours as `Authorization: Bearer sbk_...`. Every address may then answer
401 (no key, or a wrong one), 403 (the role of the key is too low) and 429 (used up; see
`Retry-After`).
"""
TAGS = [
    {"name": "questions", "description": "Ask, search, and check quotations."},
    {"name": "articles", "description": "The articles in the library, with exact offsets."},
    {"name": "judgements", "description": "Readers' judgements of answers."},
    {"name": "library", "description": "The library as a whole."},
    {"name": "compatible", "description": "Endpoints compatible with OpenAI's and Cohere's APIs."},
    {"name": "access", "description": "Signing in with a key, and the log of what was changed."},
    {"name": "health", "description": "Whether the server is up and able to answer."},
]


def create_app(
    answering: Answering, settings: Settings | None = None, *, routers: Sequence[APIRouter] = ()
) -> "Documented":
    """Make the application that serves `answering`; `routers` add further endpoints.

    The caller keeps its library open while the application runs, and closes it.
    """
    settings = settings or Settings()
    max_bytes = settings.max_upload_bytes
    app = Documented(
        title=TITLE,
        version=metadata.version("sourcebook"),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        openapi_url=None,  # `pages` serves it
        docs_url=None,  # Swagger UI would be loaded from another server
        redoc_url=None,
    )
    app.operating = Operating(answering, settings)
    gate = Gate(AccessFile(answering.library.folder, settings.audit_days), settings)
    # The one that is added last is asked first.
    app.add_middleware(Reception, max_upload_bytes=max_bytes, wait=settings.max_wait_ms / 1_000)
    app.add_middleware(Doorkeeper, gate=gate)
    app.add_middleware(Guard, public_url=settings.public_url, host=settings.host)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)
    problems.install(app, DIALECTS)
    uploads = Uploads(answering.library, max_bytes)
    app.include_router(router(answering, uploads))
    app.include_router(correcting_router(answering, uploads))
    app.include_router(trash_router(answering, uploads))
    app.include_router(citing_router(answering))
    app.include_router(judging_router(answering))
    importing = importing_router(answering, Folders(settings.import_folders))
    app.include_router(importing)
    app.include_router(doors(answering))
    app.operating.install(app, [importing, *routers])
    app.include_router(access_router(gate, settings.public_url))
    app.include_router(mcp_router(answering, settings.public_url))
    for one in routers:
        app.include_router(one)
    pages.install(app)
    app.state.addresses = addresses(app)
    return app


_DESCRIBING = threading.Lock()


class Documented(FastAPI):
    """An application that is watched, and whose OpenAPI document has problems and examples."""

    operating: Operating
    described: dict[str, Any] | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """All of it watched, failures included; what watches also finds each request's address."""
        return self.operating.watched(super().build_middleware_stack(), self.state.addresses)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document; one thread makes it, in half a second, and all others wait."""
        with _DESCRIBING:
            if self.described is None:
                self.described = self._described()
            return self.described

    def _described(self) -> dict[str, Any]:
        """With the schema of problems, which no endpoint declares."""
        document = super().openapi()
        for operation, example in _examples().items():
            method, path = operation.split(" ")
            _exemplify(document["paths"].get(path, {}).get(method.lower(), {}), example)
        describe(document, self.state.addresses)
        problems.describe_common(document)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= {**problem.pop("$defs"), "Problem": problem}
        return document


@cache
def _examples() -> dict[str, dict[str, Any]]:
    """Example requests and responses by operation; `python -m docs.generate` writes them."""
    text = resources.files("sourcebook.service.http").joinpath("examples.json").read_text("utf-8")
    return dict(json.loads(text))


def _exemplify(operation: dict[str, Any], example: dict[str, Any]) -> None:
    """Add the example to an operation: to its JSON body and its first successful response."""
    if "request" in example and operation:
        operation["requestBody"]["content"]["application/json"]["example"] = example["request"]
    answers = [one for status, one in operation.get("responses", {}).items() if status[0] == "2"]
    if "response" in example and answers:
        content = answers[0]["content"]
        next(iter(content.values()))["example"] = example["response"]
