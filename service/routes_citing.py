"""The addresses that turn articles and quotes into references."""

from typing import Annotated

from fastapi import APIRouter, Query

from service import problems
from service.bibliography import cited
from service.engine import Engine
from service.requests import CiteQuery
from service.routes import Id
from service.schemas import CitedOut


def citing_router(engine: Engine) -> APIRouter:
    """References to the articles of the library of `engine`."""
    routes = APIRouter(prefix="/v1", responses=problems.responses(422, 503))

    @routes.get(
        "/articles/{article_id}/cite",
        tags=["articles"],
        responses=problems.responses(404),
        summary="Cite an article or a quote",
    )
    def cite(article_id: Id, wanted: Annotated[CiteQuery, Query()]) -> CitedOut:
        """A reference in APA, Chicago (notes) or MLA style, or as BibTeX, RIS or CSL-JSON.

        With `start` and `end` the quote comes with it: `article.text[start:end]`, exactly.
        """
        return cited(
            engine.library,
            article_id,
            wanted.style,
            start=wanted.start,
            end=wanted.end,
            accessed=wanted.accessed,
        )

    return routes
