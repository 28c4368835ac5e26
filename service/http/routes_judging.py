"""Endpoints for judgements of answers."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.documents.judgements import (
    exported,
    forget,
    judge,
    judgements,
    page_of_judgements,
)
from sourcebook.service.http import problems
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.http.rules import reads, writes
from sourcebook.service.notation.answers import JudgementOut, JudgementsOut
from sourcebook.service.notation.asking_requests import JudgementRequest, JudgementsQuery

JSON_LINES = "application/x-ndjson"


def judging_router(answering: Answering) -> APIRouter:
    """The endpoints; judgements are stored in the library of `answering`."""
    library = answering.library
    routes = APIRouter(
        prefix="/v1/judgements",
        tags=["judgements"],
        responses=problems.responses(422, 503),
    )

    @routes.post(
        "",
        status_code=201,
        dependencies=PLAIN,
        responses=problems.responses(404, 507),
        summary="Judge an answer",
    )
    @writes(Role.ASKER)
    def keep(wanted: JudgementRequest) -> JudgementOut:
        """Record that an answer is right or wrong, which passage is right, or that there is none.

        The judgement is stored in the library. It changes no answer, nor the library's generation.
        """
        return JudgementOut.model_validate(judge(library, wanted))

    @routes.get("", summary="List judgements")
    @reads(Role.ASKER)
    def list_judgements(wanted: Annotated[JudgementsQuery, Query()]) -> JudgementsOut:
        """Return judgements, newest first, a page at a time."""
        return page_of_judgements(library, wanted.limit, wanted.offset)

    @routes.get(
        "/export",
        dependencies=PLAIN,
        response_class=Response,
        responses={
            200: {
                "description": "Judged questions, one JSON object per line.",
                "content": {JSON_LINES: {"schema": {"type": "string"}}},
            }
        },
        summary="Export judged questions",
    )
    @reads(Role.ASKER)
    def export() -> Response:
        """Return judged questions for `sourcebook eval run`, one JSON object per line.

        `wrong` judgements are left out, because they do not say what is right. If a question has
        several other judgements, the newest counts.
        """
        return Response(
            exported(judgements(library)),
            media_type=JSON_LINES,
            headers={"Content-Disposition": 'attachment; filename="judged.jsonl"'},
        )

    @routes.delete(
        "/{judgement_id}",
        status_code=204,
        dependencies=PLAIN,
        responses=problems.responses(404, 507),
        summary="Delete a judgement",
    )
    @writes(Role.EDITOR)
    def remove(
        judgement_id: Annotated[
            str, Path(description="A judgement's id.", examples=["7d1f0c2b9e34"])
        ],
    ) -> None:
        """Delete a judgement."""
        forget(library, judgement_id)

    return routes
