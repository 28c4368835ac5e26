"""The addresses where readers judge answers."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from sourcebook.service.answering import Answering
from sourcebook.service.documents.judgements import exported, forget, judge, judgements
from sourcebook.service.http import problems
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.notation.answers import JudgementOut, JudgementsOut
from sourcebook.service.notation.requests import JudgementRequest

JSON_LINES = "application/x-ndjson"


def judging_router(engine: Answering) -> APIRouter:
    """The judgements kept in the library of `engine`."""
    library = engine.library
    routes = APIRouter(
        prefix="/v1/judgements",
        tags=["judgements"],
        dependencies=PLAIN,
        responses=problems.responses(422, 503),
    )

    @routes.post(
        "", status_code=201, responses=problems.responses(404, 507), summary="Judge an answer"
    )
    def keep(wanted: JudgementRequest) -> JudgementOut:
        """Say that an answer was right or wrong, what the right passage is, or that there is none.

        It is kept in the library and changes no answer; the library's generation stays as it is.
        """
        return JudgementOut.model_validate(judge(library, wanted))

    @routes.get("", summary="List judgements")
    def list_judgements() -> JudgementsOut:
        """All judgements, the newest first."""
        kept = [JudgementOut.model_validate(judgement) for judgement in judgements(library)]
        return JudgementsOut(judgements=kept)

    @routes.get(
        "/export",
        response_class=Response,
        responses={
            200: {
                "description": "Judged questions, one JSON object a line.",
                "content": {JSON_LINES: {"schema": {"type": "string"}}},
            }
        },
        summary="Export judged questions",
    )
    def export() -> Response:
        """The judgements as `sourcebook eval run` reads them, one JSON object a line.

        What was only called wrong is left out: it does not say what would be right. Of several
        judgements on one question the newest that says so counts.
        """
        return Response(
            exported(judgements(library)),
            media_type=JSON_LINES,
            headers={"Content-Disposition": 'attachment; filename="judged.jsonl"'},
        )

    @routes.delete(
        "/{judgement_id}",
        status_code=204,
        responses=problems.responses(404, 507),
        summary="Forget a judgement",
    )
    def remove(
        judgement_id: Annotated[
            str, Path(description="A judgement's id.", examples=["7d1f0c2b9e34"])
        ],
    ) -> None:
        """Take a judgement back."""
        forget(library, judgement_id)

    return routes
