"""The addresses under `/v1/evaluations`: judged questions are asked of the live library."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from fastapi.responses import HTMLResponse
from pydantic import ConfigDict, Field

from sourcebook.eval.data.dataclass_json import to_json
from sourcebook.eval.data.judged import judged_questions
from sourcebook.eval.data.question_set import judged_question_set
from sourcebook.eval.http.evaluation import Evaluation
from sourcebook.eval.report.document import Report
from sourcebook.eval.report.page import render_page
from sourcebook.eval.runs.observing import sample
from sourcebook.eval.runs.subject import EngineSubject, articles_of, engine_for
from sourcebook.index.errors import InputError
from sourcebook.service.access.roles import Role
from sourcebook.service.adding.jobs import Jobs
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http import problems
from sourcebook.service.http.metrics import JobsRouter
from sourcebook.service.http.pages import INERT
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.http.rules import Lane, reads, writes
from sourcebook.service.notation.requests import StrictRequest
from sourcebook.service.notation.responses import Returned

MAX_QUESTIONS = 5_000  # use the command line for more
EXAMPLE: dict[str, Any] = {
    "name": "smoke",
    "questions": [
        {
            "id": "q1",
            "question": "By how much did coca planting grow between 2014 and 2023?",
            "type": "factoid-numeric",
            "evidence": [
                {
                    "article": "colombia-global-drug-reform",
                    "quote": "puts the rise in Colombian coca cultivation from 2014 to 2023 at "
                    "266 percent",
                }
            ],
            "any": True,
        },
        {"id": "q2", "question": "What does a kilo cost in Sydney?", "answerable": False},
    ],
}

Id = Annotated[str, Path(description="An evaluation's id.", examples=["7d1f0c2b9e34"])]


class EvaluationRequest(StrictRequest):
    """Judged questions, and the method to measure on them."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    questions: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=MAX_QUESTIONS,
        description="Judged questions: `id`, `question`, `type`, `answerable`, `evidence` (a list "
        "of `article` and `quote`), `any` (one quote is enough), `alternatives`.",
    )
    method: str = Field(
        "full", description="`full` is what is served; `dense`, `bm25`, `hybrid`, `late` are parts."
    )
    limit: int | None = Field(None, ge=1, description="Ask only this many, drawn at random.")
    seed: int = Field(0, description="The same seed draws the same questions.")
    name: str = Field("questions", min_length=1, max_length=100, description="A name for people.")


class IntervalOut(Returned):
    """A mean over `n` questions with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    n: int


class EvaluationOut(Returned):
    """An evaluation: its progress, and its measures when it is done."""

    id: str
    name: str
    method: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    done: int = Field(description="How many questions have been asked.")
    total: int
    created: str
    started: str | None
    finished: str | None
    problem: str | None = Field(description="Why it failed.")
    missing_gold: int | None = Field(description="Gold quotes that are not in the library.")
    measures: dict[str, IntervalOut] | None

    @classmethod
    def of(cls, job: Evaluation) -> "EvaluationOut":
        """The present state of a job."""
        report = job.result
        return cls(
            **{name: getattr(job, name) for name in _FACTS},
            missing_gold=len(report.missing_gold) if report else None,
            measures={
                name: IntervalOut.model_validate(interval)
                for name, interval in report.measures.items()
            }
            if report
            else None,
        )


_FACTS = (
    "id",
    "name",
    "method",
    "status",
    "done",
    "total",
    "created",
    "started",
    "finished",
    "problem",
)


class EvaluationsOut(Returned):
    """The evaluations since the server started, newest first."""

    evaluations: list[EvaluationOut]


def evaluations_router(engine: Engine) -> JobsRouter:
    """The addresses under `/v1/evaluations`, on the library of `engine`."""
    jobs: Jobs[Evaluation] = Jobs("evaluation", "/v1/evaluations")
    routes = JobsRouter(
        jobs,
        prefix="/v1/evaluations",
        tags=["evaluations"],
        dependencies=PLAIN,
        responses=problems.responses(422, 503),
    )
    _add_jobs(routes, engine, jobs)
    _add_reports(routes, jobs)
    return routes


def _add_jobs(routes: APIRouter, engine: Engine, jobs: Jobs[Evaluation]) -> None:
    @routes.post("", status_code=202, summary="Evaluate judged questions")
    @writes(Role.EDITOR)
    def begin(wanted: EvaluationRequest, response: Response) -> EvaluationOut:
        """Queue an evaluation; `Location` is its address. Gold is articles and verbatim quotes."""
        job = jobs.add(lambda: _job(wanted, engine))
        response.headers["Location"] = f"/v1/evaluations/{job.id}"
        return EvaluationOut.of(job)

    @routes.get("", summary="List evaluations")
    @reads(Role.ASKER)
    def list_evaluations() -> EvaluationsOut:
        """The evaluations since the server started, newest first."""
        return EvaluationsOut(evaluations=[EvaluationOut.of(job) for job in jobs.all()])

    @routes.get("/{evaluation_id}", responses=problems.responses(404), summary="Follow one")
    @reads(Role.ASKER)
    def follow(evaluation_id: Id) -> EvaluationOut:
        """Its progress, and its measures when it is done."""
        return EvaluationOut.of(jobs.get(evaluation_id))

    @routes.delete("/{evaluation_id}", responses=problems.responses(404), summary="Cancel one")
    @writes(Role.EDITOR)
    def cancel(evaluation_id: Id) -> EvaluationOut:
        """Stop an evaluation that is queued or running; delete one that has ended."""
        return EvaluationOut.of(jobs.cancel(evaluation_id))


def _add_reports(routes: APIRouter, jobs: Jobs[Evaluation]) -> None:
    @routes.get(
        "/{evaluation_id}/report",
        responses={
            200: {"content": {"application/json": {"schema": {"type": "object"}}}},
            **problems.responses(404),
        },
        response_class=Response,
        summary="Read the report",
    )
    @reads(Role.ASKER, Lane.LONG)
    def read_report(evaluation_id: Id) -> Response:
        """All measures, a row for each question, the fingerprint, and the machine."""
        return Response(to_json(_report(jobs, evaluation_id)), media_type="application/json")

    @routes.get(
        "/{evaluation_id}/report.html",
        responses=problems.responses(404),
        response_class=HTMLResponse,
        summary="Look at the report",
    )
    @reads(Role.ASKER, Lane.LONG)
    def show_report(evaluation_id: Id) -> HTMLResponse:
        """The report as one self-contained HTML page."""
        return HTMLResponse(render_page([_report(jobs, evaluation_id)]), headers=INERT)

    @routes.get(
        "/{evaluation_id}/against/{other_id}",
        responses=problems.responses(404),
        response_class=HTMLResponse,
        summary="Compare two",
    )
    @reads(Role.ASKER, Lane.LONG)
    def compare(evaluation_id: Id, other_id: Id) -> HTMLResponse:
        """Two reports on the same questions as one HTML page, with significance tests."""
        reports = [_report(jobs, one) for one in (evaluation_id, other_id)]
        return HTMLResponse(render_page(reports), headers=INERT)


def _job(wanted: EvaluationRequest, engine: Engine) -> Evaluation:
    rows = [(f"questions[{i}]", row) for i, row in enumerate(wanted.questions)]
    questions = judged_questions(rows, "questions")
    served = wanted.method == engine.method
    subject = EngineSubject(
        engine.fitting() if served else engine_for(engine.library, wanted.method)
    )
    question_set = judged_question_set(wanted.name, questions, articles_of(engine.library))
    return Evaluation(question_set=sample(question_set, wanted.limit, wanted.seed), subject=subject)


def _report(jobs: Jobs[Evaluation], wanted: str) -> Report:
    job = jobs.get(wanted)
    if job.result is None:
        raise InputError(
            f"The evaluation {wanted!r} is {job.status}; it has a report only when it is done.",
            cure=f"Follow it at /v1/evaluations/{wanted}.",
        )
    return job.result
