"""The endpoint that corrects an article's metadata."""

from fastapi import APIRouter, Request

from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.documents import catalogue
from sourcebook.service.http import problems
from sourcebook.service.http.routes import PLAIN, Id
from sourcebook.service.http.rules import note_subject, writes
from sourcebook.service.http.uploads import Uploads
from sourcebook.service.notation.article_requests import MetadataPatch
from sourcebook.service.notation.articles import CorrectedOut

MERGE_PATCH = "application/merge-patch+json"


def correcting_router(answering: Answering, uploads: Uploads) -> APIRouter:
    """The endpoint; it waits in the queue of `uploads`."""
    routes = APIRouter(
        prefix="/v1/articles",
        tags=["articles"],
        dependencies=PLAIN,
        responses=problems.responses(404, 415, 422, 503, 507),
    )
    schema = {"$ref": f"#/components/schemas/{MetadataPatch.__name__}"}

    @routes.patch(
        "/{article_id}",
        openapi_extra={"requestBody": {"content": {MERGE_PATCH: {"schema": schema}}}},
        summary="Correct an article's metadata",
    )
    @writes(Role.EDITOR)
    async def correct_article(
        article_id: Id, wanted: MetadataPatch, request: Request
    ) -> CorrectedOut:
        """Correct title, authors, publisher, dates, address, language or tags.

        Corrections are kept apart from what the page says: they stay when the article is added
        again or replaced, and `corrected` shows what they stand in place of. Null takes one back;
        an empty value says that there is none. Searches, filters and references follow at once.
        The text and its SHA-256 stay the same, so citations hold.
        """
        note_subject(request, f"{request.url.path} {', '.join(wanted.changes())}".strip())
        return await uploads.writing(
            lambda: catalogue.correct(answering.library, article_id, wanted)
        )

    return routes
