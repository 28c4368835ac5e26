"""Endpoints that return references to articles and quotes, and answers as documents."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.documents.annotation import MEDIA_TYPE, AnnotationOut, annotation
from sourcebook.service.documents.export import export
from sourcebook.service.documents.references import cited
from sourcebook.service.http import problems
from sourcebook.service.http.pages import INERT
from sourcebook.service.http.routes import Id
from sourcebook.service.http.rules import reads
from sourcebook.service.notation.answers import CitedOut
from sourcebook.service.notation.asking_requests import AnnotationQuery, CiteQuery, ExportQuery

FILES = {"markdown": ("text/markdown", "answer.md"), "html": ("text/html", "answer.html")}


class AnnotationResponse(JSONResponse):
    """A JSON-LD response."""

    media_type = MEDIA_TYPE


def citing_router(answering: Answering) -> APIRouter:
    """The endpoints, for the library of `answering`."""
    routes = APIRouter(prefix="/v1", responses=problems.responses(422, 503))

    @routes.get(
        "/articles/{article_id}/cite",
        tags=["articles"],
        responses=problems.responses(404),
        summary="Cite an article or a quote",
    )
    @reads(Role.ASKER)
    def cite(article_id: Id, wanted: Annotated[CiteQuery, Query()]) -> CitedOut:
        """Return a reference in APA, Chicago (notes) or MLA style, or as BibTeX, RIS or CSL-JSON.

        With `start` and `end`, the quote `article.text[start:end]` is included, after the header,
        introduction or heading that it is not understood without.
        """
        return cited(
            answering.library,
            article_id,
            wanted.style,
            start=wanted.start,
            end=wanted.end,
            accessed=wanted.accessed,
            context=wanted.places(),
        )

    @routes.get(
        "/articles/{article_id}/annotation",
        tags=["articles"],
        response_class=AnnotationResponse,
        responses=problems.responses(404),
        summary="Get a quote as a Web Annotation",
    )
    @reads(Role.ASKER)
    def annotate(
        article_id: Id, wanted: Annotated[AnnotationQuery, Query()], request: Request
    ) -> AnnotationOut:
        """Return a quote in JSON-LD (W3C Web Annotation Data Model), for other programs to anchor.

        The first target is the article on this server, by position and by its words. The second is
        the publisher's page, by its words. Targets of the class `context` follow for each header,
        introduction or heading that the quote is not understood without.
        """
        return annotation(
            answering.library,
            article_id,
            wanted.start,
            wanted.end,
            str(request.base_url),
            context=wanted.places(),
        )

    @routes.get(
        "/export",
        tags=["questions"],
        response_class=Response,
        responses={
            200: {
                "description": "A document.",
                "content": {media: {"schema": {"type": "string"}} for media, _ in FILES.values()},
            }
        },
        summary="Export an answer",
    )
    @reads(Role.ASKER)
    def export_answer(wanted: Annotated[ExportQuery, Query()], request: Request) -> Response:
        """Return a complete answer as Markdown or HTML, with a footnote for each passage.

        A footnote has the reference, the offsets and the hash, a permanent link to the quote on
        this server, and a link to the publisher.
        """
        answer = answering.ask(wanted.q, wanted.filter(), write=wanted.write)
        media_type, name = FILES[wanted.format]
        base = str(request.base_url)
        return Response(
            export(answer, wanted.format, wanted.style, accessed=wanted.accessed, base=base),
            media_type=media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"', **INERT},
        )

    return routes
