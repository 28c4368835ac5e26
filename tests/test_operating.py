"""What operators see: metrics, health, request ids, the log and traces, without any question."""

import io
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from conftest import FINES, REPOSITORY, MakeLibrary, article_from
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families
from test_server import COMMAND, ENVIRONMENT

from sourcebook.eval.http.routes import evaluations_router
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app
from sourcebook.service.http.health import LOW_BYTES, State, room
from sourcebook.service.http.traces import Traces
from sourcebook.service.http.watching import QUIET
from sourcebook.service.logs import Formatter, Logs, escaped, fields, inherited
from sourcebook.service.notation.requests import QUESTION
from sourcebook.service.settings import Settings

# A word that is in no article, and in no program either.
RARE = "zugzwangomatic"
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text("utf-8")
JSON = {"Content-Type": "application/json"}
MCP = JSON | {"Accept": "application/json, text/event-stream"}
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def numbers(text: str) -> dict[str, float]:
    """The numbers of a metrics page, by name and the values of the labels in their order."""
    return {
        " ".join(
            [sample.name, *(value for _, value in sorted(sample.labels.items()))]
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def starting(found: dict[str, float], name: str) -> dict[str, float]:
    """The numbers with that name, by their labels."""
    return {key[len(name) + 1 :]: one for key, one in found.items() if key.startswith(f"{name} ")}


@contextmanager
def logged(logs: Logs, level: int = logging.INFO) -> Iterator[io.StringIO]:
    """What is logged meanwhile, as a server writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Formatter(logs))
    ours = logging.getLogger("sourcebook")
    before = ours.level
    ours.addHandler(handler)
    ours.setLevel(level)
    try:
        yield written
    finally:
        ours.setLevel(before)
        ours.removeHandler(handler)


def test_requests_are_counted_by_the_template_of_their_address(client: TestClient) -> None:
    for address in ("a", "b", "c?x=1"):
        client.get(f"/v1/articles/{address}")
    for address in ("/wp-login.php", "/v1/nothing", f"/{RARE}"):
        client.get(address)
    client.get("/page/app.js")
    client.get("/mcp")
    client.request("BREW", "/v1/ask")
    client.post("/v1/ask", headers={"Origin": "http://evil.example"})
    found = numbers(client.get("/metrics").text)
    assert starting(found, "sourcebook_http_requests_total") == {
        "GET /v1/articles/{article_id} 404": 2,
        "GET /v1/articles/{article_id} 422": 1,
        "GET unknown 404": 3,
        "GET /page 200": 1,
        "GET /mcp 405": 1,
        "other /v1/ask 405": 1,
        "POST /v1/ask 403": 1,
    }
    assert found["sourcebook_http_request_seconds_count GET unknown"] == 3
    assert found["sourcebook_http_requests_open"] == 1  # this one


def test_questions_and_their_stages_are_counted_whatever_the_door(client: TestClient) -> None:
    client.post("/v1/ask", json={"question": QUESTION})
    client.get("/v1/ask", params={"q": RARE, "explain": "true"})
    client.post("/v1/search", json={"question": QUESTION})
    messages = [{"role": "user", "content": QUESTION}]
    client.post("/v1/chat/completions", json={"model": "sourcebook", "messages": messages})
    client.post("/mcp", json=tool_call(QUESTION), headers=MCP)
    found = numbers(client.get("/metrics").text)
    outcomes = {"answered": 3, "not_in_library": 1, "related": 0, "found": 1}
    assert starting(found, "sourcebook_questions_total") == outcomes
    for stage in ("plan", "encode", "dense", "lexical", "rank", "read", "wait"):
        assert found[f"sourcebook_stage_seconds_count {stage}"] == 5
    assert found["sourcebook_stage_seconds_count explain"] == 1


def test_the_library_the_jobs_and_the_process_are_measured(
    engine: Engine, client: TestClient
) -> None:
    described = client.get("/v1/library").json()
    app = create_app(Answering(engine), routers=[evaluations_router(engine)])
    found = numbers(TestClient(app).get("/metrics").text)
    for name in ("articles", "passages", "generation", "failures"):
        assert found[f"sourcebook_library_{name}"] == described[name]
    for part, size in described["bytes"].items():
        assert found[f"sourcebook_library_bytes {part}"] == size
    assert found["sourcebook_library_upgrading"] == 0
    for kind in ("import", "evaluation"):
        assert found[f"sourcebook_jobs {kind} running"] == 0
    assert found["sourcebook_processes"] == 1
    assert found["sourcebook_questions_waiting"] == 0
    assert found["sourcebook_check_ok library"] == 1
    assert found["sourcebook_threads"] > 0
    [model] = [name for name in found if name.startswith("sourcebook_model_info")]
    assert engine.library.encoder.name in model
    if sys.platform == "linux":
        assert found["process_resident_memory_bytes"] > 0
        assert found["process_open_fds"] > 0


def test_every_metric_and_check_is_documented(client: TestClient) -> None:
    page = (REPOSITORY / "docs/operating.md").read_text("utf-8")
    tables = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    families = text_string_to_metric_families(client.get("/metrics").text)
    ours = [one for one in families if one.name.startswith("sourcebook_")]
    counted = {one.name + "_total" * (one.type == "counter") for one in ours}
    assert set(re.findall(r"`(sourcebook_\w+)`", tables)) == counted
    assert {name for name in checks(client) if f"| `{name}` |" not in tables} == set()


def test_each_application_counts_for_itself(engine: Engine) -> None:
    one, other = (TestClient(create_app(Answering(engine))) for _ in range(2))
    one.get("/livez")
    sample = "sourcebook_http_requests_total GET /livez 200"
    assert numbers(one.get("/metrics").text)[sample] == 1
    assert sample not in numbers(other.get("/metrics").text)


def test_metrics_survive_a_library_that_cannot_be_read(make_library: MakeLibrary) -> None:
    library = make_library(fines=FINES)
    client = TestClient(create_app(Answering(Engine.of(library))))
    library.store.close()
    for file in library.folder.glob("sourcebook.db*"):
        file.write_bytes(b"\xa5" * file.stat().st_size)
    found = numbers(client.get("/metrics").text)
    assert found["sourcebook_check_ok library"] == 0
    assert "sourcebook_library_articles" not in found


def checks(client: TestClient) -> dict[str, tuple[str, str]]:
    return {
        one["name"]: (one["state"], one["reason"]) for one in client.get("/readyz").json()["checks"]
    }


def test_every_check_has_a_state_and_a_reason(make_library: MakeLibrary) -> None:
    library = make_library(fines=FINES)
    app = create_app(Answering(Engine.of(library)))
    client = TestClient(app)
    found = checks(client)
    assert found["library"] == ("ok", "Articles: 1.")
    assert found["model"] == ("ok", f"{library.encoder.name} is loaded.")
    assert found["indexes"] == ("ok", "")

    with library.store.write() as writer:
        writer.next_generation()
    state, reason = checks(client)["indexes"]
    assert state == "warning"
    assert "The dense index is 1 changes behind." in reason
    client.get("/v1/ask", params={"q": QUESTION})
    assert checks(client)["indexes"] == ("ok", "")

    app.operating.draining.set()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == "/problems/not-ready"
    assert problem["detail"] == "stopping: The server is stopping."
    assert client.get("/livez").status_code == 200


def test_an_encoder_that_is_not_at_hand_is_not_ready(make_library: MakeLibrary) -> None:
    library = make_library(fines=FINES)
    client = TestClient(create_app(Answering(Engine.of(library))))
    with library.store.write() as writer:
        writer.set_meta("encoder", "another")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "model: The encoder of the library is not at hand." in response.json()["detail"]


def test_a_disk_that_is_nearly_full_is_a_warning() -> None:
    assert room(LOW_BYTES).state is State.OK
    assert room(LOW_BYTES - 1).state is State.WARNING
    assert "319,999,999 bytes left" in room(LOW_BYTES - 1).reason


@pytest.mark.parametrize("sent", ["7f0c", "01J9Z3-a.b_c:d", "x" * 128])
def test_a_well_formed_request_id_is_kept(client: TestClient, sent: str) -> None:
    response = client.get("/v1/articles/none", headers={"X-Request-ID": sent})
    assert response.headers["x-request-id"] == sent
    assert response.json()["request_id"] == sent


@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sent=st.binary(max_size=150).filter(lambda sent: sent.strip() == sent))
def test_any_other_request_id_is_replaced(client: TestClient, sent: bytes) -> None:
    good = re.fullmatch(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", sent)
    found = client.get("/livez", headers=[(b"x-request-id", sent)]).headers["x-request-id"]
    assert found.encode() == sent if good else re.fullmatch("[0-9a-f]{32}", found)


@given(text=st.text())
def test_no_text_can_begin_a_line_of_the_log(text: str) -> None:
    assert escaped(text).isprintable()
    record = logging.makeLogRecord({"msg": text, "levelname": "INFO", **fields(key=text)})
    assert len(Formatter(Logs()).format(record).splitlines()) == 1
    line = Formatter(Logs(format="json")).format(record)
    assert len(line.splitlines()) == 1
    assert json.loads(line)["message"] == text.strip()
    assert json.loads(line).get("key", "") == text


def test_where_an_exception_was_raised_is_logged_but_not_what_it_says() -> None:
    def failed() -> logging.LogRecord:
        try:
            try:
                raise ValueError(RARE)
            except ValueError as error:
                raise RuntimeError(f"bad\n{RARE}") from error
        except RuntimeError:
            info = sys.exc_info()
        return logging.makeLogRecord({"msg": "it failed", "exc_info": info})

    for form in ("text", "json"):
        written = Formatter(Logs(format=form)).format(failed())
        assert "test_operating.py" in written
        assert written.index("builtins.ValueError") < written.index("builtins.RuntimeError")
        assert RARE not in written
        assert RARE in Formatter(Logs(format=form, questions=True)).format(failed())
    lines = Formatter(Logs(questions=True)).format(failed()).splitlines()
    assert lines[-1] == rf"builtins.RuntimeError: bad\n{RARE}"


def test_a_further_process_logs_like_the_first() -> None:
    logs = Logs(level=logging.ERROR, format="json", questions=True)
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(Formatter(logs))
    logging.getLogger().addHandler(handler)
    try:
        assert inherited() == logs
    finally:
        logging.getLogger().removeHandler(handler)
    assert inherited() == Logs(level=logging.getLogger().getEffectiveLevel())


def test_questions_are_logged_only_where_that_is_set(engine: Engine) -> None:
    for allowed in (False, True):
        settings = Settings(log_questions=allowed, slow_question_ms=1)
        client = TestClient(create_app(Answering(engine), settings))
        with logged(Logs(format="json", questions=allowed)) as written:
            client.get("/v1/ask", params={"q": f"Who is {RARE}?"})
        line, slow = (json.loads(one) for one in written.getvalue().splitlines())
        assert (line["message"], slow["message"]) == ("request", "slow question")
        assert line.get("questions") == ([f"Who is {RARE}?"] if allowed else None)
        assert slow.get("question") == (f"Who is {RARE}?" if allowed else None)
        assert slow["level"] == "warning"
        assert slow["ms"] >= slow["encode"] + slow["rank"]


def test_no_question_is_slow_where_that_is_off(engine: Engine) -> None:
    client = TestClient(create_app(Answering(engine), Settings(slow_question_ms=0)))
    with logged(Logs()) as written:
        client.get("/v1/ask", params={"q": QUESTION})
        client.get("/livez")
    [line] = written.getvalue().splitlines()
    assert re.fullmatch(
        r"\S+\+00:00 info request method=GET route=/v1/ask status=200 ms=[\d.]+ bytes=\d+ "
        r"outcome=answered request_id=[0-9a-f]{32}",
        line,
    )


def test_traces_without_their_extra_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)  # as if it were not there
    with pytest.raises(InputError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT.*not installed") as caught:
        Traces("http://127.0.0.1:4318")
    assert "sourcebook[traces]" in caught.value.cure


def tool_call(question: str) -> dict[str, Any]:
    params = {"name": "ask", "arguments": {"question": question}}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def doors(word: str) -> Iterator[Request]:
    """Requests to every door that takes a text, and some that are refused, with the word in it."""
    asked = f"Who is {word}?"
    messages = [{"role": "user", "content": asked}]
    search = {"query": asked, "max_num_results": 1}
    judged = {"id": "q1", "question": asked, "answerable": False}
    bodies: list[tuple[str, Any]] = [
        ("/v1/ask", {"question": asked}),
        ("/v1/ask", {"question": f"{word} " * 900}),
        ("/v1/ask", {"question": asked, word: 1}),
        ("/v1/search", {"question": asked}),
        ("/v1/verify", {"draft": f"He said “{word} is the best that there is”."}),
        ("/v1/judgements", {"question": asked, "verdict": "unanswerable"}),
        ("/v1/evaluations", {"questions": [judged]}),
        ("/v1/imports", {"folder": f"/{word}"}),
        ("/v1/articles", {"text": f"The chess club bought a {word}.", "source": word}),
        ("/v1/chat/completions", {"model": "sourcebook", "messages": messages}),
        ("/v1/chat/completions", {"model": word, "messages": messages}),
        ("/v1/vector_stores/library/search", search),
        ("/v2/rerank", {"model": "sourcebook", "query": asked, "documents": [asked, "No."]}),
        ("/mcp", tool_call(asked)),
        ("/mcp", {"jsonrpc": "2.0", "id": 1, "method": word, "params": {"a": word}}),
        ("/mcp", {"jsonrpc": word}),
    ]
    for path, body in bodies:
        yield Request(f"http://host{path}", json.dumps(body).encode(), MCP)
    yield Request("http://host/v1/ask", f'{{"question": "{word}'.encode(), JSON)
    yield Request("http://host/mcp", f'{{"question": "{word}'.encode(), MCP)
    for path in ("ask?q=", "ask?explain=true&q=", "export?q=", "articles?words=", "articles/"):
        yield Request(f"http://host/v1/{path}{word}", headers={"X-Request-ID": "rare-1"})
    yield Request(f"http://host/{word}?{word}={word}", headers={"X-Request-ID": f"{word} {word}"})
    yield Request("http://host/livez", headers={"Host": f"{word}.example"})


class Collector(BaseHTTPRequestHandler):
    """Takes traces as a collector of OpenTelemetry does."""

    spans: list[Span]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Operated:
    """All that a server told its operators, from its start to its end."""

    returncode: int = -1
    printed: str = ""
    metrics: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    notified: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    drained: dict[str, Any] = field(default_factory=dict)
    healthy: list[bool] = field(default_factory=list)


def send(address: str, request: Request) -> tuple[int, bytes]:
    """Send a request to the server at `address` in place of the host that it names."""
    full = Request(address + request.selector, request.data, dict(request.header_items()))
    try:
        with urlopen(full, timeout=60) as response:
            return response.status, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def container_is_healthy(port: str) -> bool:
    """What the check of the Dockerfile says, for a server on that port."""
    [command] = re.findall(r"HEALTHCHECK.*?CMD (\[.*?\])\n", DOCKERFILE, re.DOTALL)
    _, *words = json.loads(command)
    environment = os.environ | {"SOURCEBOOK_PORT": port}
    return (
        subprocess.run(
            [sys.executable, *words], env=environment, stderr=subprocess.DEVNULL, check=False
        ).returncode
        == 0
    )


@pytest.fixture(scope="module")
def operated(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Operated:
    """A server that was asked at every door with a rare word, and then told to stop."""
    folder = tmp_path_factory.mktemp("operated")
    with Library(folder / "library", encoder, create=True) as library:
        library.add([article_from(FINES, "fines")])
    found = Operated()
    collector = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Into", (Collector,), {"spans": found.spans})
    )
    Thread(target=collector.serve_forever, daemon=True).start()
    with collector, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(folder / "notify"))
        systemd.settimeout(30)
        environment = ENVIRONMENT | {
            "SOURCEBOOK_LOG_LEVEL": "debug",
            "SOURCEBOOK_LOG_FORMAT": "json",
            "SOURCEBOOK_SLOW_QUESTION_MS": "1",
            "SOURCEBOOK_DRAIN_SECONDS": "2",
            "SOURCEBOOK_READER": "none",
            "SOURCEBOOK_PROCESSES": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
            "NOTIFY_SOCKET": str(folder / "notify"),
        }
        process = subprocess.Popen(
            [*COMMAND, "--library", str(folder / "library"), "serve", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        try:
            found.notified.append(systemd.recv(100).decode())
            assert process.stdout is not None
            found.printed = process.stdout.readline()
            operate(re.findall(r"http://\S+:\d+", found.printed)[0], process, found)
            found.notified.append(systemd.recv(100).decode())
        finally:
            process.kill() if process.poll() is None and not found.drained else None
            output, errors = process.communicate(timeout=60)
            collector.shutdown()
    found.healthy.append(container_is_healthy(re.findall(r":(\d+) ", found.printed)[0]))
    found.returncode = process.returncode
    found.printed += output
    found.lines = [json.loads(line) for line in errors.splitlines()]
    return found


def operate(address: str, process: "subprocess.Popen[str]", found: Operated) -> None:
    """Ask at every door, read the metrics, and stop the server while it drains."""
    for request in doors(RARE):
        found.statuses.append(send(address, request)[0])
    traced = Request("http://host/v1/ask?q=Who+doubled+the+fines", headers={"traceparent": PARENT})
    found.statuses.append(send(address, traced)[0])
    found.metrics = send(address, Request("http://host/metrics"))[1].decode()
    port = address.rsplit(":", 1)[1]
    found.healthy.append(container_is_healthy(port))
    assert send(address, Request("http://host/readyz"))[0] == 200
    process.terminate()
    end = time.monotonic() + 20
    while not found.drained and time.monotonic() < end:
        status, body = send(address, Request("http://host/readyz"))
        if status == 503:
            found.drained = json.loads(body)


def test_nothing_that_operators_see_holds_a_question(operated: Operated) -> None:
    assert set(operated.statuses) == {200, 201, 202, 400, 403, 404, 422}
    seen = [operated.printed, operated.metrics, json.dumps(operated.lines), repr(operated.spans)]
    assert [text for text in seen if RARE in text.lower()] == []
    assert len(operated.lines) > len(operated.statuses)


def test_each_request_is_logged_once(operated: Operated) -> None:
    requests = [line for line in operated.lines if line["message"] == "request"]
    quiet = [line for line in requests if line["level"] == "debug"]
    assert {line["route"] for line in quiet} == {*QUIET} - {"/page"}
    others = [line for line in requests if line not in quiet and line["route"] != "/readyz"]
    assert [line["status"] for line in others] == operated.statuses
    assert {line["level"] for line in others} == {"info"}
    assert not [line for line in operated.lines if line["logger"] == "uvicorn.access"]
    assert sum(line["request_id"] == "rare-1" for line in others) == 5
    asked = [line for line in others if "outcome" in line]
    assert {line["route"] for line in asked} >= {"/v1/ask", "/v1/search", "/mcp", "/v1/export"}
    assert sum(line["message"] == "slow question" for line in operated.lines) == len(asked)


def test_a_request_is_a_trace(operated: Operated) -> None:
    by_id = {span.span_id: span for span in operated.spans}
    assert len(by_id) == len(operated.spans)
    [request] = [
        span
        for span in operated.spans
        if span.trace_id.hex() == PARENT.split("-")[1] and span.name == "GET /v1/ask"
    ]
    assert request.parent_span_id.hex() == PARENT.split("-")[2]
    attributes = {one.key: one.value for one in request.attributes}
    assert attributes["http.response.status_code"].int_value == 200
    [question] = [span for span in operated.spans if span.parent_span_id == request.span_id]
    stages = [span for span in operated.spans if span.parent_span_id == question.span_id]
    assert [span.name for span in stages][:3] == ["wait", "catch_up", "plan"]
    for inner, outer in [(question, request), *((stage, question) for stage in stages)]:
        assert outer.start_time_unix_nano - 10**6 <= inner.start_time_unix_nano
        assert inner.end_time_unix_nano <= outer.end_time_unix_nano + 10**6
    served = [span for span in operated.spans if not span.parent_span_id or span is request]
    assert {span.name for span in served} >= {"POST /mcp", "GET unknown", "POST /v2/rerank"}


def test_a_server_that_is_told_to_stop_says_so_before_it_does(operated: Operated) -> None:
    assert operated.notified == ["READY=1", "STOPPING=1"]
    assert operated.drained["detail"] == "stopping: The server is stopping."
    assert operated.returncode == 0


def test_the_container_is_healthy_as_long_as_the_server_answers(operated: Operated) -> None:
    assert operated.healthy == [True, False]
