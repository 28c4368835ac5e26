"""Endpoints for the trash: removed articles, which can be brought back for a while."""

from fastapi import APIRouter

from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.documents import catalogue
from sourcebook.service.http import problems
from sourcebook.service.http.routes import PLAIN, Id
from sourcebook.service.http.rules import reads, writes
from sourcebook.service.http.uploads import Uploads
from sourcebook.service.notation.library import PurgedOut, RestoredOut, TrashOut


def trash_router(answering: Answering, uploads: Uploads) -> APIRouter:
    """The endpoints; writes wait in the queue of `uploads`."""
    library = answering.library
    routes = APIRouter(
        prefix="/v1/trash",
        tags=["articles"],
        dependencies=PLAIN,
        responses=problems.responses(422, 503),
    )

    @routes.get("", summary="List the trash")
    @reads(Role.EDITOR)
    def list_trash() -> TrashOut:
        """Return the removed articles that can be brought back; nothing searches or quotes them."""
        return catalogue.trashed(library)

    @routes.post(
        "/{article_id}/restore",
        responses=problems.responses(404, 507),
        summary="Restore an article from the trash",
    )
    @writes(Role.EDITOR)
    async def restore(article_id: Id) -> RestoredOut:
        """Bring an article back, with its id and metadata."""
        return await uploads.writing(lambda: catalogue.restore(library, [article_id]))

    @routes.delete(
        "/{article_id}",
        responses=problems.responses(404, 507),
        summary="Delete an article from the trash",
    )
    @writes(Role.EDITOR)
    async def purge(article_id: Id) -> PurgedOut:
        """Delete an article for good, and its words from judgements as well."""
        return await uploads.writing(lambda: catalogue.purge(library, [article_id]))

    return routes
