"""What pages of elsewhere can make a browser send changes nothing here, and reads nothing."""

from collections.abc import Callable

import httpx2
import pytest
from conftest import FINES, MakeLibrary
from fastapi.testclient import TestClient

from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app
from sourcebook.service.settings import Settings

PUBLIC = "https://sourcebook.example.org"
WRITES = (
    ("POST", "/v1/articles"),
    ("PUT", "/v1/articles/abc"),
    ("DELETE", "/v1/articles/abc"),
    ("POST", "/v1/imports"),
    ("POST", "/v1/judgements"),
    ("DELETE", "/v1/judgements/abc"),
    ("POST", "/v1/library/failures/retry?source=a"),
    ("DELETE", "/v1/library/failures?source=a"),
    ("POST", "/v1/ask"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/mcp"),
    ("POST", "/no/such/address"),
)
READS = ("/", "/page/app.js", "/docs", "/openapi.json", "/livez", "/v1/articles", "/problems/busy")

Serve = Callable[..., TestClient]


@pytest.fixture
def serve(make_library: MakeLibrary) -> Serve:
    """Makes a client of an application with these settings on a library of one article."""
    engine = Engine.of(make_library(fines=FINES))
    return lambda **settings: TestClient(
        create_app(Answering(engine), Settings(**settings)), raise_server_exceptions=False
    )


def is_refused(answered: httpx2.Response) -> bool:
    if answered.status_code != 403:
        return False
    problem = answered.json()
    assert answered.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == "/problems/foreign"
    assert "SOURCEBOOK_PUBLIC_URL" in problem["cure"]
    return True


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:8000", "Origin": "http://evil.example:8000"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "127.0.0.1:8000", "Origin": "https://evil.example"},
        {"Host": "127.0.0.1:8000", "Origin": "http://127.0.0.1:9000"},
        {"Host": "127.0.0.1:8000", "Origin": "null"},
    ],
)
def test_no_foreign_page_writes(
    client: TestClient, method: str, path: str, headers: dict[str, str]
) -> None:
    assert is_refused(client.request(method, path, headers=headers))


def test_a_form_of_a_foreign_page_adds_nothing(serve: Serve) -> None:
    """Browsers send forms across origins without asking; and no file has to be chosen."""
    client = serve()
    file = {"file": ("a.txt", b"The ministry invents a flood.")}
    sent = client.post("/v1/articles", files=file, headers={"Origin": "https://evil.example"})
    assert is_refused(sent)
    assert client.get("/v1/articles").json()["total"] == 1


@pytest.mark.parametrize("path", READS)
def test_rebinding_reads_nothing(client: TestClient, path: str) -> None:
    assert is_refused(client.get(path, headers={"Host": "evil.example"}))
    assert client.get(path).status_code == 200
    # A link from elsewhere; what it leads to, no page of elsewhere can read.
    assert client.get(path, headers={"Origin": "https://evil.example"}).status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "sourcebook:8000", "192.168.1.7", "[::1]:8000", ""]
)
def test_names_that_nobody_else_can_own_are_ours(serve: Serve, host: str) -> None:
    """Also none at all, as some health checks come: every browser names a host."""
    client = serve()
    headers = {"Host": host, "Origin": f"http://{host}"} if host else {"Host": host}
    body = {"text": "The night train returns."}
    assert client.post("/v1/articles", json=body, headers=headers).status_code == 201


@pytest.mark.parametrize("host", ["[::1", "a.b:c:d", "1.2.3", "..."])
def test_a_host_that_is_none_is_foreign(client: TestClient, host: str) -> None:
    assert is_refused(client.get("/livez", headers={"Host": host}))


def test_an_error_of_a_door_speaks_its_dialect(client: TestClient) -> None:
    answered = client.post("/v1/chat/completions", headers={"Origin": "https://evil.example"})
    assert answered.json()["error"]["message"].startswith("The request comes from a page of")


@pytest.mark.parametrize("host", ["sourcebook.example.org", "127.0.0.1:8000"])
def test_behind_a_proxy_the_public_address_is_ours(serve: Serve, host: str) -> None:
    """Whether the proxy hands on the name that it was asked under, or puts its own."""
    headers = {"Host": host, "Origin": PUBLIC}
    body = {"text": "The night train returns."}
    client = serve(public_url=PUBLIC, open=True)
    assert client.post("/v1/articles", json=body, headers=headers).status_code == 201
    assert is_refused(serve().post("/v1/articles", json=body, headers=headers))


def test_the_name_that_the_server_listens_on_is_ours(serve: Serve) -> None:
    client = serve(host="Sourcebook.lan")
    assert client.get("/livez", headers={"Host": "sourcebook.lan:8000"}).status_code == 200
    assert is_refused(client.get("/livez", headers={"Host": "other.lan:8000"}))
