"""The HTTP application: routes, problems, limits and API reference around an answering."""

import json
from collections.abc import Sequence
from functools import cache
from importlib import metadata, resources
from typing import Any

from fastapi import APIRouter, FastAPI

from sourcebook.service.adding.folders import Folders
from sourcebook.service.answering import Answering
from sourcebook.service.http import pages, problems
from sourcebook.service.http.mcp import mcp_router
from sourcebook.service.http.origins import Guard
from sourcebook.service.http.reception import Reception
from sourcebook.service.http.routes import PLAIN, router
from sourcebook.service.http.routes_citing import citing_router
from sourcebook.service.http.routes_doors import DIALECTS
from sourcebook.service.http.routes_doors import router as doors
from sourcebook.service.http.routes_importing import importing_router
from sourcebook.service.http.routes_judging import judging_router
from sourcebook.service.http.uploads import Uploads
from sourcebook.service.notation.responses import Health, Problem, UpgradeOut
from sourcebook.service.settings import Settings

TITLE = "Sourcebook"
DESCRIPTION = """\
Answers policy questions with verbatim passages and citations that anyone can check, or an honest
"not in the library". Offsets count Unicode code points: `article.text[start:end] == exact`.

Errors are RFC 9457 problems (`application/problem+json`). Unknown fields and parameters are
rejected by name.
"""
TAGS = [
    {"name": "questions", "description": "Ask, search, and check quotations."},
    {"name": "articles", "description": "The articles in the library, with exact offsets."},
    {"name": "judgements", "description": "Readers' judgements of answers."},
    {"name": "library", "description": "The library as a whole."},
    {"name": "compatible", "description": "Endpoints compatible with OpenAI's and Cohere's APIs."},
    {"name": "health", "description": "Whether the server is up and able to answer."},
]


def create_app(
    answering: Answering, settings: Settings | None = None, *, routers: Sequence[APIRouter] = ()
) -> FastAPI:
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
    app.add_middleware(Reception, max_upload_bytes=max_bytes, wait=settings.max_wait_ms / 1_000)
    app.add_middleware(Guard, public_url=settings.public_url, host=settings.host)
    problems.install(app, DIALECTS)
    app.include_router(router(answering, Uploads(answering.library, max_bytes)))
    app.include_router(citing_router(answering))
    app.include_router(judging_router(answering))
    app.include_router(importing_router(answering, Folders(settings.import_folders)))
    app.include_router(doors(answering))
    app.include_router(_health(answering))
    app.include_router(mcp_router(answering, settings.public_url))
    for one in routers:
        app.include_router(one)
    pages.install(app)
    return app


class Documented(FastAPI):
    """An application whose OpenAPI document includes problems and examples."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, with the schema of problems, which no endpoint declares."""
        document = super().openapi()
        for operation, example in _examples().items():
            method, path = operation.split(" ")
            _exemplify(document["paths"].get(path, {}).get(method.lower(), {}), example)
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


def _health(answering: Answering) -> APIRouter:
    routes = APIRouter(tags=["health"], dependencies=PLAIN)

    @routes.get("/livez", summary="Is the server up?", response_model_exclude_none=True)
    async def livez() -> Health:
        """Return `alive` if the server is up."""
        return Health(status="alive")

    @routes.get(
        "/readyz",
        responses=problems.responses(503),
        response_model_exclude_none=True,
        summary="Can the server answer questions?",
    )
    def readyz() -> Health:
        """Return `ready` if the library is readable, and how far an upgrade of it is."""
        with answering.library.view() as view:
            upgrade = view.upgrade()
            return Health(
                status="ready",
                generation=view.generation,
                upgrade=UpgradeOut.model_validate(upgrade) if upgrade else None,
            )

    return routes
