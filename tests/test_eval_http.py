"""Evaluations over HTTP: queued, followed, cancelled, read; and a running service measured."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from conftest import REPOSITORY
from fastapi.testclient import TestClient

from sourcebook.eval.data.dataclass_json import from_json
from sourcebook.eval.data.judged import judged_questions
from sourcebook.eval.data.question_set import Question, QuestionSet, judged_question_set
from sourcebook.eval.http.evaluation import Evaluation
from sourcebook.eval.http.routes import EXAMPLE, evaluations_router
from sourcebook.eval.report.document import Report
from sourcebook.eval.runs.observing import observe
from sourcebook.eval.runs.running_service import ServiceSubject
from sourcebook.eval.runs.scoring import report_of
from sourcebook.eval.runs.subject import EngineSubject, articles_of
from sourcebook.index.errors import BusyError, InputError, LibraryError, NotFoundError
from sourcebook.service.adding.jobs import REMEMBERED, Jobs, JobStatus
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app

GOLD = [
    json.loads(line)
    for line in (REPOSITORY / "eval/gold/seeds.jsonl").read_text("utf-8").splitlines()
]
ASKED = [row for row in GOLD if row["answerable"]][:4] + [r for r in GOLD if not r["answerable"]][
    :2
]
PATIENCE_S = 120


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app(Answering(engine), routers=[evaluations_router(engine)])) as client:
        yield client


def finished(client: TestClient, where: str) -> dict[str, Any]:
    """The evaluation once it is over."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found: dict[str, Any] = client.get(where).json()
        if found["status"] not in ("queued", "running"):
            return found
        time.sleep(0.05)
    raise TimeoutError(where)


def test_an_evaluation_is_queued_followed_and_read(client: TestClient, engine: Engine) -> None:
    begun = client.post("/v1/evaluations", json={"questions": ASKED, "name": "mine"})
    assert begun.status_code == 202
    where = begun.headers["Location"]
    assert where == f"/v1/evaluations/{begun.json()['id']}"
    assert begun.json()["status"] in ("queued", "running")
    found = finished(client, where)
    assert (found["status"], found["done"], found["total"]) == ("done", 6, 6)
    assert found["missing_gold"] == 0
    assert found["measures"]["Exact"] == {"mean": 1.0, "low": 1.0, "high": 1.0, "n": 6}
    assert client.get("/v1/evaluations").json()["evaluations"][0]["id"] == found["id"]

    answered = client.get(f"{where}/report")
    assert answered.headers["content-type"] == "application/json"
    report = from_json(Report, answered.json(), "report")
    question_set = judged_question_set(
        "mine", judged_questions([("here", r) for r in ASKED], "here"), articles_of(engine.library)
    )
    subject = EngineSubject(engine)
    expected = report_of(question_set, observe(subject, question_set.questions), subject)
    assert report.measures == expected.measures
    assert report.fingerprint == json.loads(expected.to_json())["fingerprint"]

    page = client.get(f"{where}/report.html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["content-type"].startswith("text/html")
    assert "mine" in page.text


def test_two_evaluations_are_compared_on_one_page(client: TestClient) -> None:
    wheres = [
        client.post("/v1/evaluations", json={"questions": ASKED, "method": method}).headers[
            "Location"
        ]
        for method in ("bm25", "full")
    ]
    first, second = (finished(client, where)["id"] for where in wheres)
    compared = client.get(f"/v1/evaluations/{first}/against/{second}")
    assert compared.headers["content-type"].startswith("text/html")
    assert "bm25" in compared.text
    assert "full" in compared.text
    assert client.get(f"/v1/evaluations/{first}/against/nope").status_code == 404


def test_a_method_and_a_limit_are_taken(client: TestClient) -> None:
    body = {"questions": ASKED, "method": "bm25", "limit": 2, "seed": 7}
    found = finished(client, client.post("/v1/evaluations", json=body).headers["Location"])
    assert (found["status"], found["method"], found["total"]) == ("done", "bm25", 2)


def test_the_example_in_the_reference_works(client: TestClient) -> None:
    found = finished(client, client.post("/v1/evaluations", json=EXAMPLE).headers["Location"])
    assert (found["status"], found["missing_gold"]) == ("done", 0)


def test_gold_that_the_library_does_not_hold_is_counted(client: TestClient) -> None:
    row = {"id": "q", "question": "why?", "evidence": [{"article": "gone", "quote": "x"}]}
    found = finished(
        client, client.post("/v1/evaluations", json={"questions": [row]}).headers["Location"]
    )
    assert (found["status"], found["missing_gold"]) == ("done", 1)
    assert found["measures"]["Hit@1"]["mean"] == 0


def test_cancelling_stops_and_then_forgets(client: TestClient) -> None:
    where = client.post("/v1/evaluations", json={"questions": GOLD}).headers["Location"]
    assert client.get(f"{where}/report").status_code == 422
    assert client.delete(where).json()["status"] == "cancelled"
    assert client.get(where).json()["status"] == "cancelled"
    assert client.get(where).json()["measures"] is None
    assert client.delete(where).status_code == 200
    assert client.get(where).status_code == 404


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"questions": []}, "questions"),
        ({"questions": [without(ASKED[0], "id")]}, "questions[0]: 'id' is None"),
        ({"questions": [ASKED[0], ASKED[0]]}, "questions[1]: the question id 'seed-001'"),
        ({"questions": [ASKED[0] | {"any": 1}]}, "questions[0]: 'any' is 1"),
        ({"questions": [without(ASKED[0], "evidence")]}, "answerable with 0 pieces of evidence"),
        ({"questions": ASKED, "method": "dance"}, "method is 'dance'"),
        ({"questions": ASKED, "limit": 0}, "limit"),
        ({"questions": ASKED, "metod": "full"}, "metod"),
    ],
)
def test_bad_requests_are_problems_that_name_what_is_wrong(
    client: TestClient, body: dict[str, Any], said: str
) -> None:
    refused = client.post("/v1/evaluations", json=body)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert said in json.dumps(refused.json(), ensure_ascii=False)


@pytest.mark.parametrize("path", ["", "/report", "/report.html"])
def test_an_unknown_evaluation_is_a_problem(client: TestClient, path: str) -> None:
    refused = client.get(f"/v1/evaluations/nothing{path}")
    assert refused.status_code == 404
    assert "There is no evaluation 'nothing'" in refused.json()["detail"]


class Slow(EngineSubject):
    """A subject that waits until it is told to go on."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def ask(self, question: str, without: tuple[str, ...] = ()) -> Any:
        self.asked.set()
        self.go_on.wait(PATIENCE_S)
        if question == "break":
            raise ZeroDivisionError
        if question == "refuse":
            raise LibraryError("The library is gone.", cure="Bring it back.")
        return super().ask(question, without)


def task_of(*texts: str) -> QuestionSet:
    questions = (Question(id=str(i), text=t, answerable=False) for i, t in enumerate(texts))
    return QuestionSet(name="slow", questions=tuple(questions))


def queue() -> Jobs[Evaluation]:
    return Jobs("evaluation", "/v1/evaluations")


def over(job: Evaluation) -> Evaluation:
    end = time.monotonic() + PATIENCE_S
    while job.finished is None and time.monotonic() < end:
        time.sleep(0.01)
    return job


def test_one_job_runs_at_a_time_and_a_running_one_can_be_cancelled(engine: Engine) -> None:
    jobs, first, second = queue(), Slow(engine), Slow(engine)
    running = jobs.add(lambda: Evaluation(question_set=task_of("one", "two"), subject=first))
    waiting = jobs.add(lambda: Evaluation(question_set=task_of("three"), subject=second))
    assert first.asked.wait(PATIENCE_S)
    assert (running.status, waiting.status) == (JobStatus.RUNNING, JobStatus.QUEUED)
    assert jobs.cancel(running.id).status == JobStatus.CANCELLED
    first.go_on.set()
    second.go_on.set()
    assert over(waiting).status == JobStatus.DONE
    assert (running.status, running.result, running.done) == (JobStatus.CANCELLED, None, 1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_is_told_and_the_next_job_runs(engine: Engine) -> None:
    jobs, subject = queue(), Slow(engine)
    subject.go_on.set()
    refused = jobs.add(lambda: Evaluation(question_set=task_of("refuse"), subject=subject))
    broken = jobs.add(lambda: Evaluation(question_set=task_of("break"), subject=subject))
    good = jobs.add(lambda: Evaluation(question_set=task_of("fine"), subject=subject))
    assert over(good).status == JobStatus.DONE
    assert refused.status == broken.status == JobStatus.FAILED
    assert refused.problem == "The library is gone. Bring it back."
    assert broken.problem is not None
    assert broken.problem.startswith("Something went wrong in Sourcebook")


def test_only_so_many_jobs_are_remembered(engine: Engine) -> None:
    jobs, subject = queue(), Slow(engine)
    made = [
        jobs.add(lambda: Evaluation(question_set=task_of("fine"), subject=subject))
        for _ in range(REMEMBERED)
    ]
    with pytest.raises(BusyError, match="50 evaluations are waiting"):
        jobs.add(lambda: Evaluation(question_set=task_of("fine"), subject=subject))
    jobs.cancel(made[3].id)
    newest = jobs.add(lambda: Evaluation(question_set=task_of("fine"), subject=subject))
    assert jobs.all()[0] is newest
    with pytest.raises(NotFoundError):
        jobs.get(made[3].id)
    for job in jobs.all():
        jobs.cancel(job.id)
    subject.go_on.set()


@pytest.fixture(scope="module")
def address(engine: Engine) -> Iterator[str]:
    """A real server on a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(Answering(engine)), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()


def test_a_running_service_is_measured_like_the_engine_in_it(address: str, engine: Engine) -> None:
    service, local = ServiceSubject(address + "/"), EngineSubject(engine)
    questions = judged_questions([("here", row) for row in ASKED], "here")
    reports = [
        report_of(question_set, observe(subject, question_set.questions), subject)
        for subject in (service, local)
        for question_set in [judged_question_set("mine", questions, subject.articles())]
    ]
    assert reports[0].measures == reports[1].measures
    assert reports[0].abstention == reports[1].abstention
    assert reports[0].missing_gold == ()
    assert reports[0].fingerprint["library"] == engine.library.fingerprint
    assert reports[0].cost["articles"] == 5
    assert {"encode", "total"} <= reports[0].latency.keys()


def test_a_question_that_the_service_refuses_scores_zero(address: str) -> None:
    asked = ServiceSubject(address).ask("coca " * 500)
    assert asked.status == "not_in_library"
    assert "422" in asked.problem
    assert "The question has 2,4" in asked.problem


@pytest.mark.parametrize("url", ["ftp://example.org", "localhost:8000", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="The service's address is"):
        ServiceSubject(url)


def test_an_address_where_nothing_or_something_else_answers_is_refused(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(LibraryError, match="No Sourcebook service responds at"):
        ServiceSubject(f"http://127.0.0.1:{port}")
    with pytest.raises(NotFoundError, match="404"):
        ServiceSubject(f"{address}/elsewhere")


def test_the_reference_lists_the_evaluations(client: TestClient) -> None:
    assert "/v1/evaluations/{evaluation_id}/report" in client.get("/docs").text
    paths = client.get("/openapi.json").json()["paths"]
    assert paths["/v1/evaluations"]["post"]["tags"] == ["evaluations"]
