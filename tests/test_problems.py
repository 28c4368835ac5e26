"""Every way to fail over HTTP: a clear problem, the right status, and nothing lost."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import MakeLibrary, article_from
from fastapi import APIRouter
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from made import JSON_VALUES

from sourcebook.index.article import article_id
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import BusyError, LibraryError, SourcebookError, StorageError
from sourcebook.index.library import Library
from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app
from sourcebook.service.http.problems import KINDS
from sourcebook.service.http.reception import ENVELOPE_BYTES, MAX_BODY_BYTES
from sourcebook.service.http.rules import reads
from sourcebook.service.logs import Formatter, Logs
from sourcebook.service.settings import Settings

TEXT = "The council voted on Tuesday to double the fines for dumping waste in the river."
LIMIT = 200_000  # bytes of articles in one request, small enough to go beyond it quickly

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def library(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """One library for all failures: they leave it as it is."""
    with Library(tmp_path_factory.mktemp("problems") / "lib", encoder, create=True) as library:
        assert len(library.add([article_from(TEXT, "fines")])) == 1
        yield library


@pytest.fixture(scope="module")
def client(library: Library) -> TestClient:
    return limited(library)


def limited(library: Library) -> TestClient:
    app = create_app(Answering(Engine.of(library)), Settings(max_upload_bytes=LIMIT))
    return TestClient(app, raise_server_exceptions=False)


def post(path: str, **how: Any) -> tuple[str, str, dict[str, Any]]:
    return "POST", path, how


def form(data: bytes, name: str = "a.txt", field: str = "file", **fields: str) -> dict[str, Any]:
    return {"files": [(field, (name, data))], "data": fields}


# name: (request, status, kind, what the detail says)
FAILURES: dict[str, tuple[tuple[str, str, dict[str, Any]], int, str, str]] = {
    "no such address": (("GET", "/v2/ask", {}), 404, "no-such-address", "/v2/ask"),
    "no such problem": (("GET", "/problems/none", {}), 404, "no-such-address", "none"),
    "wrong method": (("DELETE", "/v1/ask", {}), 405, "method-not-allowed", "GET, POST"),
    "wrong method with id": (
        ("POST", "/v1/articles/x", {}),
        405,
        "method-not-allowed",
        "DELETE, GET, PATCH, PUT",
    ),
    "unknown article to correct": (
        ("PATCH", "/v1/articles/nope", {"json": {"title": "Right"}}),
        404,
        "not-found",
        "'nope'",
    ),
    "unknown article": (("GET", "/v1/articles/nope", {}), 404, "not-found", "'nope'"),
    "unknown article to remove": (("DELETE", "/v1/articles/nope", {}), 404, "not-found", "'nope'"),
    "unknown article to replace": (
        ("PUT", "/v1/articles/nope", {"json": {"text": TEXT}}),
        404,
        "not-found",
        "'nope'",
    ),
    "unknown article's passages": (
        ("GET", "/v1/articles/nope/passages", {}),
        404,
        "not-found",
        "'nope'",
    ),
    "unknown passage": (("GET", "/v1/passages/nope", {}), 404, "not-found", "'nope'"),
    "unknown article to verify in": (
        post("/v1/verify", json={"quote": "x", "article": "nope"}),
        404,
        "not-found",
        "'nope'",
    ),
    "NUL in an id": (("GET", "/v1/articles/%00", {}), 404, "not-found", "\\x00"),
    "unknown failure": (
        ("DELETE", "/v1/library/failures?source=nope", {}),
        404,
        "not-found",
        "'nope'",
    ),
    "no question": (("GET", "/v1/ask", {}), 422, "bad-input", "query.q: is missing"),
    "no body": (post("/v1/ask", headers=JSON), 422, "bad-input", "body: is missing"),
    "empty question": (post("/v1/ask", json={"question": ""}), 422, "bad-input", "''"),
    "blank question": (post("/v1/ask", json={"question": " \n"}), 422, "bad-input", "one word"),
    "wordless question": (("GET", "/v1/ask?q=%3F%21", {}), 422, "bad-input", "'?!'"),
    "long question": (
        post("/v1/ask", json={"question": "ab " * 3_333 + "c"}),
        422,
        "bad-input",
        "10,000 characters",
    ),
    "question of many word pieces": (
        post("/v1/ask", json={"question": "x1y2 " * 300}),
        422,
        "bad-input",
        "word pieces",
    ),
    "half a character": (
        post("/v1/ask", content=b'{"question": "\\ud800 x"}', headers=JSON),
        422,
        "bad-input",
        "a lone surrogate",
    ),
    "question of another type": (
        post("/v1/ask", json={"question": ["x"]}),
        422,
        "bad-input",
        "body.question: Input should be a valid string",
    ),
    "question that is no number": (
        post("/v1/ask", content=b'{"question": NaN}', headers=JSON),
        422,
        "bad-input",
        "body.question",
    ),
    "unknown field": (
        post("/v1/ask", json={"question": "x", "temperature": 1}),
        422,
        "bad-input",
        "body.temperature: is not a known field",
    ),
    "unknown parameter": (
        ("GET", "/v1/ask?q=x&temperature=1", {}),
        422,
        "bad-input",
        "query.temperature: is not a known field",
    ),
    "unknown parameter where there is none": (
        ("GET", "/v1/library?verbose=1", {}),
        422,
        "bad-input",
        "'verbose'",
    ),
    "bad date": (
        post("/v1/ask", json={"question": "x", "published_from": "19.9.2025"}),
        422,
        "bad-input",
        "expected a date such as 2025, 2025-09 or 2025-09-19",
    ),
    "day that does not exist": (
        ("GET", "/v1/articles?published_to=2025-02-30", {}),
        422,
        "bad-input",
        "no such day",
    ),
    "too many hits": (
        post("/v1/search", json={"question": "x", "limit": 101}),
        422,
        "bad-input",
        "body.limit: Input should be less than or equal to 100",
    ),
    "huge offset": (("GET", f"/v1/articles?offset={10**30}", {}), 422, "bad-input", "query.offset"),
    "negative limit": (("GET", "/v1/articles?limit=-1", {}), 422, "bad-input", "query.limit"),
    "unknown order": (("GET", "/v1/articles?sort=rank", {}), 422, "bad-input", "query.sort"),
    "long list": (
        post("/v1/ask", json={"question": "x", "tags": ["t"] * 101}),
        422,
        "bad-input",
        "body.tags",
    ),
    "not JSON": (post("/v1/ask", content=b"{'", headers=JSON), 400, "malformed", "not JSON"),
    "not UTF-8": (post("/v1/ask", content=b'{"\xff', headers=JSON), 400, "malformed", "body"),
    "deep JSON": (post("/v1/ask", content=b"[" * 99_999, headers=JSON), 400, "malformed", "body"),
    "JSON of another shape": (post("/v1/ask", json=[1]), 422, "bad-input", "body"),
    "form instead of JSON": (
        post("/v1/ask", data={"question": "x"}),
        415,
        "unsupported-media-type",
        "'application/x-www-form-urlencoded'; expected application/json",
    ),
    "body without a type": (
        post("/v1/ask", content=b"{}"),
        415,
        "unsupported-media-type",
        "without a content type",
    ),
    "long body": (
        post("/v1/ask", content=b" " * (MAX_BODY_BYTES + 1), headers=JSON),
        413,
        "too-large",
        f"{MAX_BODY_BYTES:,} bytes",
    ),
    "nothing to verify": (post("/v1/verify", json={}), 422, "bad-input", "one of quote, quotes"),
    "two things to verify": (
        post("/v1/verify", json={"quote": "a", "draft": "b"}),
        422,
        "bad-input",
        "found quote and draft",
    ),
    "empty quote": (post("/v1/verify", json={"quotes": ["x", " "]}), 422, "bad-input", "empty"),
    "long draft": (
        post("/v1/verify", json={"draft": "x" * 100_001}),
        413,
        "too-large",
        "100,001 characters",
    ),
    "article as plain text": (
        post("/v1/articles", content=b"x", headers={"content-type": "text/plain"}),
        415,
        "unsupported-media-type",
        "'text/plain'; expected application/json or multipart/form-data",
    ),
    "article without a text": (post("/v1/articles", json={}), 422, "bad-input", "body.text"),
    "empty text": (post("/v1/articles", json={"text": " \n"}), 422, "unreadable", "empty"),
    "text with NUL": (post("/v1/articles", json={"text": "a\0b"}), 422, "unreadable", "NUL"),
    "unknown format": (
        post("/v1/articles", json={"text": TEXT, "format": "pdf"}),
        422,
        "bad-input",
        "body.format",
    ),
    "bad address": (
        post("/v1/articles", json={"text": TEXT, "url": "ftp://x"}),
        422,
        "bad-input",
        "'ftp://x'",
    ),
    "unknown field of an article": (
        post("/v1/articles", json={"text": TEXT, "body": "x"}),
        422,
        "bad-input",
        "body.body: is not a known field",
    ),
    "article that is not JSON": (
        post("/v1/articles", content=b"\xff{", headers=JSON),
        400,
        "malformed",
        "not JSON",
    ),
    "source of a replacement": (
        ("PUT", "/v1/articles/x", {"json": {"text": TEXT, "source": "y"}}),
        422,
        "bad-input",
        "body.source: is not a known field",
    ),
    "replacement by a form": (
        ("PUT", "/v1/articles/x", form(TEXT.encode())),
        415,
        "unsupported-media-type",
        "'multipart/form-data'; expected application/json",
    ),
    "empty file": (post("/v1/articles", **form(b"")), 422, "unreadable", "a.txt is empty"),
    "image named .txt": (
        post("/v1/articles", **form(b"\x89PNG\r\n\x1a\n" + bytes(99))),
        422,
        "unreadable",
        "a.txt is a PNG image",
    ),
    "binary named .txt": (
        post("/v1/articles", **form(bytes(range(256)) * 9)),
        422,
        "unreadable",
        "a.txt",
    ),
    "unknown suffix": (
        post("/v1/articles", **form(TEXT.encode(), "a.docx")),
        422,
        "unreadable",
        "'.docx'",
    ),
    "file without a name": (
        post("/v1/articles", **form(TEXT.encode(), "/")),
        422,
        "unreadable",
        "no suffix",
    ),
    "file in another field": (
        post("/v1/articles", **form(TEXT.encode(), field="upload")),
        422,
        "bad-input",
        "'upload'",
    ),
    "form without a file": (
        post("/v1/articles", files=[("title", (None, "x"))]),
        400,
        "malformed",
        "no file",
    ),
    "unknown field beside a file": (
        post("/v1/articles", **form(TEXT.encode(), headline="x")),
        422,
        "bad-input",
        "body.headline: is not a known field",
    ),
    "bad date beside a file": (
        post("/v1/articles", **form(TEXT.encode(), published="soon")),
        422,
        "bad-input",
        "body.published",
    ),
    "title of several files": (
        post(
            "/v1/articles",
            files=[("file", ("a.txt", b"One text.")), ("file", ("b.txt", b"Another."))],
            data={"title": "Both"},
        ),
        422,
        "bad-input",
        "'Both' for 2 files",
    ),
    "several unreadable files": (
        post("/v1/articles", files=[("file", ("a.txt", b"")), ("file", ("b.pdf", b"%PDF-1.7"))]),
        422,
        "bad-input",
        "b.pdf ends in '.pdf'",
    ),
    "broken form": (
        post(
            "/v1/articles",
            content=b"garbage",
            headers={"content-type": "multipart/form-data; boundary=x"},
        ),
        400,
        "malformed",
        "multipart",
    ),
    "form without a boundary": (
        post("/v1/articles", content=b"x", headers={"content-type": "multipart/form-data"}),
        400,
        "malformed",
        "boundary",
    ),
    "file one byte too large": (
        post("/v1/articles", **form(b"x" * (LIMIT + 1))),
        413,
        "too-large",
        f"a.txt is larger than the limit of {LIMIT:,} bytes",
    ),
    "files too large together": (
        post("/v1/articles", files=[("file", (f"{n}.txt", b"x" * LIMIT)) for n in range(2)]),
        413,
        "too-large",
        f"{LIMIT + ENVELOPE_BYTES:,} bytes",
    ),
    "text too large": (
        post("/v1/articles", json={"text": "x" * (LIMIT + ENVELOPE_BYTES)}),
        413,
        "too-large",
        f"{LIMIT + ENVELOPE_BYTES:,} bytes",
    ),
}

HERE = {"article_id": article_id("fines.txt"), "start": 0, "end": 4}
FINES = f"/v1/articles/{article_id('fines.txt')}"
FAILURES |= {
    "unknown article to cite": (("GET", "/v1/articles/nope/cite", {}), 404, "not-found", "'nope'"),
    "unknown style": (("GET", f"{FINES}/cite?style=bluebook", {}), 422, "bad-input", "query.style"),
    "quote without an end": (("GET", f"{FINES}/cite?start=3", {}), 422, "bad-input", "has no end"),
    "empty quote to cite": (("GET", f"{FINES}/cite?start=3&end=3", {}), 422, "bad-input", "[3, 3)"),
    "quote before the text": (
        ("GET", f"{FINES}/cite?start=-1&end=3", {}),
        422,
        "bad-input",
        "query.start",
    ),
    "quote beyond the text": (
        ("GET", f"{FINES}/cite?start=3&end={10**20}", {}),
        422,
        "bad-input",
        f"{len(TEXT)} characters",
    ),
    "bad date of access": (
        ("GET", f"{FINES}/cite?accessed=22.11.2026", {}),
        422,
        "bad-input",
        "expected a date",
    ),
    "unknown verdict": (
        post("/v1/judgements", json={"question": "x", "verdict": "meh"}),
        422,
        "bad-input",
        "body.verdict",
    ),
    "judgement without a question": (
        post("/v1/judgements", json={"verdict": "wrong"}),
        422,
        "bad-input",
        "body.question: is missing",
    ),
    "judgement of a wordless question": (
        post("/v1/judgements", json={"question": "?!", "verdict": "wrong"}),
        422,
        "bad-input",
        "'?!'",
    ),
    "right without quotes": (
        post("/v1/judgements", json={"question": "x", "verdict": "right"}),
        422,
        "bad-input",
        "at least one quote",
    ),
    "unanswerable with quotes": (
        post("/v1/judgements", json={"question": "x", "verdict": "unanswerable", "quotes": [HERE]}),
        422,
        "bad-input",
        "no quotes",
    ),
    "judged quote beyond the text": (
        post(
            "/v1/judgements",
            json={"question": "x", "verdict": "passage", "quotes": [HERE | {"end": 999}]},
        ),
        422,
        "bad-input",
        "[0, 999)",
    ),
    "judged quote of white space": (
        post(
            "/v1/judgements",
            json={"question": "x", "verdict": "passage", "quotes": [HERE | {"start": 3}]},
        ),
        422,
        "bad-input",
        "a span within the text that contains a word",
    ),
    "judged quote from an unknown article": (
        post(
            "/v1/judgements",
            json={
                "question": "x",
                "verdict": "passage",
                "quotes": [HERE, HERE | {"article_id": "nope"}],
            },
        ),
        404,
        "not-found",
        "'nope'",
    ),
    "long note": (
        post("/v1/judgements", json={"question": "x", "verdict": "wrong", "note": "x" * 10_001}),
        422,
        "bad-input",
        "body.note",
    ),
    "unknown judgement": (("DELETE", "/v1/judgements/nope", {}), 404, "not-found", "'nope'"),
    "annotation without a place": (
        ("GET", f"{FINES}/annotation", {}),
        422,
        "bad-input",
        "query.start: is missing",
    ),
    "annotation beyond the text": (
        ("GET", f"{FINES}/annotation?start=0&end=999", {}),
        422,
        "bad-input",
        "[0, 999)",
    ),
    "annotation of an unknown article": (
        ("GET", "/v1/articles/nope/annotation?start=0&end=1", {}),
        404,
        "not-found",
        "'nope'",
    ),
    "unknown format of a document": (
        ("GET", "/v1/export?q=x&format=docx", {}),
        422,
        "bad-input",
        "query.format",
    ),
    "style that is for programs": (
        ("GET", "/v1/export?q=x&style=bibtex", {}),
        422,
        "bad-input",
        "query.style",
    ),
    "document without a question": (
        ("GET", "/v1/export?format=html", {}),
        422,
        "bad-input",
        "query.q: is missing",
    ),
    "import where none is allowed": (
        post("/v1/imports", json={"folder": "/etc"}),
        403,
        "not-allowed",
        "'/etc' is not in a folder that this server may import from",
    ),
    "import of a relative path": (
        post("/v1/imports", json={"folder": "../etc"}),
        422,
        "bad-input",
        "expected an absolute path",
    ),
    "import of a path with NUL": (
        post("/v1/imports", json={"folder": "/etc\0"}),
        422,
        "bad-input",
        "expected an absolute path",
    ),
    "import of an endless path": (
        post("/v1/imports", json={"folder": "/" + "x" * 2_000}),
        422,
        "bad-input",
        "body.folder",
    ),
    "import of nothing": (post("/v1/imports", json={}), 422, "bad-input", "body.folder"),
    "unknown import": (("GET", "/v1/imports/nope", {}), 404, "not-found", "'nope'"),
    "unknown import to cancel": (("DELETE", "/v1/imports/nope", {}), 404, "not-found", "'nope'"),
    "unknown failure to retry": (
        post("/v1/library/failures/retry?source=nope"),
        404,
        "not-found",
        "'nope'",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_is_a_clear_problem(client: TestClient, name: str) -> None:
    (method, path, how), status, kind, said = FAILURES[name]
    before = everything(client)
    response = client.request(method, path, **how)
    problem = assert_problem(response)
    assert (response.status_code, problem["type"]) == (status, f"/problems/{kind}")
    assert said in problem["detail"]
    assert everything(client) == before


def everything(client: TestClient) -> list[Any]:
    """What a failure must leave as it was."""
    return [client.get(f"/v1/{name}").json() for name in ("articles", "judgements")]


def assert_problem(response: Any) -> dict[str, Any]:
    """The response is a problem with all that one has; which page explains it."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem: dict[str, Any] = response.json()
    kind = KINDS[problem["type"].removeprefix("/problems/")]
    assert problem["status"] == response.status_code
    assert problem["title"] == kind.title
    assert problem["detail"].strip()
    assert problem["instance"].startswith("/")
    assert len(response.content) < 2_000, "what was given is shortened"
    return problem


def test_each_refused_value_is_listed(client: TestClient) -> None:
    body = {"question": 5, "limit": 0, "colour": "x" * 500}
    errors = client.post("/v1/search", json=body).json()["errors"]
    assert {error["location"] for error in errors} == {"body.question", "body.limit", "body.colour"}
    given = {error["location"]: error["given"] for error in errors}
    assert (given["body.question"], given["body.limit"]) == ("5", "0")
    assert len(given["body.colour"]) <= 80


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_problem_has_a_page(client: TestClient, kind: str) -> None:
    page = client.get(f"/problems/{kind}")
    assert page.status_code == 200
    assert KINDS[kind].meaning in page.text


def test_every_kind_of_error_has_a_status() -> None:
    def kinds(error: type[SourcebookError]) -> Iterator[str]:
        yield error.kind
        for child in error.__subclasses__():
            yield from kinds(child)

    assert set(kinds(SourcebookError)) <= set(KINDS)


def failing(library: Library, error: Exception) -> TestClient:
    """A client of an application with an address that fails with `error`."""
    routes = APIRouter(tags=["library"])

    @routes.get("/fail")
    @reads(Role.ANYONE)
    def fail() -> None:
        """Fail."""
        raise error

    app = create_app(Answering(Engine.of(library)), routers=[routes])
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BusyError("Another process writes.", cure="Wait."), 503),
        (LibraryError("The database is damaged.", cure="Restore it."), 503),
        (StorageError("The disk is full.", cure="Free some space."), 507),
    ],
)
def test_errors_of_the_library(library: Library, error: SourcebookError, status: int) -> None:
    response = failing(library, error).get("/fail")
    problem = assert_problem(response)
    assert response.status_code == status
    assert (problem["detail"], problem["cure"]) == (error.message, error.cure)
    assert ("retry-after" in response.headers) == isinstance(error, BusyError)


def test_a_defect_tells_the_log_and_not_the_caller(
    library: Library, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caplog.handler, "formatter", Formatter(Logs()))  # pytest's own handler
    with caplog.at_level(logging.ERROR):
        response = failing(library, RuntimeError("secret of the house")).get("/fail")
    problem = assert_problem(response)
    assert response.status_code == 500
    assert "secret" not in response.text
    number = problem["detail"].removesuffix(".").rsplit(" ", 1)[-1]
    assert number == problem["request_id"] == response.headers["x-request-id"]
    assert f"error internal error: RuntimeError request_id={number}\n" in caplog.text
    assert "secret" not in caplog.text


def test_a_damaged_library_is_not_ready(make_library: MakeLibrary) -> None:
    library = make_library(fines=TEXT)
    client = limited(library)
    assert client.get("/readyz").status_code == 200
    database = library.folder / "sourcebook.db"
    library.store.close()
    for file in library.folder.glob("sourcebook.db*"):
        file.write_bytes(b"\xa5" * file.stat().st_size)
    response = client.get("/readyz")
    assert_problem(response)
    assert response.status_code == 503
    assert str(database) in response.json()["detail"]
    assert client.get("/livez").status_code == 200


def test_a_body_without_a_length_is_counted(client: TestClient) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 10_000
            yield b"x" * 10_000

    response = client.post("/v1/articles", content=chunks(), headers=JSON)
    assert_problem(response)
    assert response.status_code == 413


def test_a_file_just_within_the_limit_is_read(make_library: MakeLibrary) -> None:
    client = limited(make_library())
    text = (TEXT + "\n\n").encode() * 2
    data = text + b" " * (LIMIT - len(text))
    assert client.post("/v1/articles", **form(data)).status_code == 201


FIELDS = ("question", "limit", "publishers", "published_from", "quote", "quotes", "draft", "text")
bodies = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), JSON_VALUES, max_size=4)


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/search", "/v1/verify"])
@hypothesis_settings(max_examples=60, deadline=None)
@given(body=bodies)
def test_no_body_is_a_defect(client: TestClient, path: str, body: dict[str, Any]) -> None:
    check(client.post(path, content=json.dumps(body), headers=JSON))


@hypothesis_settings(max_examples=60, deadline=None)
@given(question=st.text(min_size=1, max_size=60))
def test_no_question_is_a_defect(client: TestClient, question: str) -> None:
    check(client.get("/v1/ask", params={"q": question}))
    check(client.post("/v1/verify", json={"quote": question}))
    check(client.get("/v1/articles", params={"tags": question, "limit": question}))


def check(response: Any) -> None:
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert_problem(response)
