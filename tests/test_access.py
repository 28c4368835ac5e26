"""Who may do what: keys, roles, sessions, limits, proxies, and the log of what was changed."""

import asyncio
import logging
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any

import cohere
import openai
import pytest
from attacks.every_address_every_role import attack
from cohere.core.api_error import ApiError
from conftest import FINES, Locked, MakeLibrary
from fastapi import APIRouter
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient
from typer.main import get_command
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app as command_line
from sourcebook.eval.http.routes import evaluations_router
from sourcebook.index.errors import InputError, LibraryError, NotAllowedError, NotFoundError
from sourcebook.index.library import Library
from sourcebook.service.access.file import SESSION_S, AccessFile, Entry
from sourcebook.service.access.gate import Gate, Shown, is_reachable, warn_if_open
from sourcebook.service.access.limits import WRONG_PER_MINUTE, Buckets
from sourcebook.service.access.roles import KeyNeededError, Role, TooManyError
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.doors.client import Client
from sourcebook.service.http.app import create_app
from sourcebook.service.http.doorkeeper import COOKIE
from sourcebook.service.http.rules import Lane, writes
from sourcebook.service.key_format import KEY
from sourcebook.service.logs import LOG_FORMATS, Formatter, Logs, fields
from sourcebook.service.settings import MIN_AUDIT_DAYS, Settings

ASK = {"question": "What did the council vote on?"}
TEXT = {"text": "The night train returns to the coast in spring.", "title": "Trains"}
MANY = 10**6

Serve = Callable[..., TestClient]


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    return make_library(fines=FINES)


@pytest.fixture
def file(library: Library) -> AccessFile:
    return AccessFile(library.folder, audit_days=400)


@pytest.fixture
def serve(library: Library) -> Serve:
    """Makes a client of an application with these settings; `client=` is where it calls from."""

    def make(*, base_url: str = "http://localhost", **how: Any) -> TestClient:
        client = how.pop("client", ("192.0.2.7", 50_000))
        application = create_app(Answering(Engine.of(library)), Settings(**how))
        return TestClient(
            application, base_url=base_url, client=client, raise_server_exceptions=False
        )

    return make


def made(file: AccessFile, role: Role = Role.ASKER, name: str = "", minute: int = MANY) -> str:
    return file.add_key(name or role.word, role, minute, MANY)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# --- every address has a rule --------------------------------------------------------------------


def test_every_address_answers_every_role_as_its_rule_says(tmp_path: Path) -> None:
    outcome = attack(1, tmp_path)
    assert outcome.faults == ()
    assert outcome.tried > 500


def test_who_may_do_what(library: Library) -> None:
    """Written by hand, so that a rule that is changed by mistake is noticed."""
    engine = Engine.of(library)
    application = create_app(Answering(engine), routers=[evaluations_router(engine)])
    rules = {
        f"{method} {one.path}": one.rule
        for one in application.state.addresses
        for method in one.methods
    }
    assert {name for name, rule in rules.items() if rule.role is Role.ADMIN} == {"GET /v1/audit"}
    anyone = {name.split()[1] for name, rule in rules.items() if rule.role is Role.ANYONE}
    assert anyone == {
        *("/", "/articles/{article_id}", "/library", "/judge", "/evaluate", "/page"),
        *("/docs", "/llms.txt", "/openapi.json", "/problems/{kind}", "/livez", "/readyz"),
        "/v1/session",
    }
    written = {name for name, rule in rules.items() if rule.writes}
    asked = {
        *("POST /v1/ask", "POST /v1/search", "POST /v1/verify", "POST /v1/chat/completions"),
        *("POST /v1/vector_stores/{store_id}/search", "POST /v2/rerank", "POST /mcp"),
    }
    others = {name for name in rules if name.split()[0] not in ("GET", "HEAD")} - written
    assert {name for name in others if rules[name].role is not Role.ANYONE} == asked
    assert {name for name in written if rules[name].role is Role.ASKER} == {"POST /v1/judgements"}
    assert {rules[name].role for name in written} == {Role.ASKER, Role.EDITOR}
    lanes = {lane: {name for name, rule in rules.items() if rule.lane is lane} for lane in Lane}
    report = "GET /v1/evaluations/{evaluation_id}/"
    assert lanes[Lane.LONG] == {
        *("POST /v1/verify", "POST /v2/rerank", f"{report}report", f"{report}report.html"),
        f"{report}against/{{other_id}}",
    }
    assert lanes[Lane.UPLOAD] == {"POST /v1/articles", "PUT /v1/articles/{article_id}"}
    assert lanes[Lane.WRITE] == written - lanes[Lane.UPLOAD]
    at_once = {name.split()[1] for name in lanes[Lane.NONE]} - {"/page"}
    assert at_once == {
        *("/", "/articles/{article_id}", "/library", "/judge", "/evaluate"),
        *("/livez", "/readyz", "/metrics", "/problems/{kind}"),
    }


def test_an_address_without_a_rule_stops_the_start(library: Library) -> None:
    routes = APIRouter(tags=["library"])
    routes.get("/forgotten")(lambda: None)
    with pytest.raises(LookupError, match="/forgotten has no rule"):
        create_app(Answering(Engine.of(library)), routers=[routes])

    changing = APIRouter(tags=["library"])
    changing.get("/empty")(writes(Role.ADMIN)(lambda: None))
    with pytest.raises(LookupError, match="/empty writes, but answers GET"):
        create_app(Answering(Engine.of(library)), routers=[changing])


def test_the_api_document_tells_roles(serve: Serve) -> None:
    document = serve().get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    told = {
        f"{method.upper()} {path}": (operation["x-role"], bool(operation["security"]))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert told["GET /livez"] == ("anyone", False)
    assert told["POST /v1/ask"] == ("asker", True)
    assert told["DELETE /v1/articles/{article_id}"] == ("editor", True)


# --- when keys are needed ------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"])
def test_on_this_machine_no_key_is_needed(host: str) -> None:
    assert not is_reachable(Settings(host=host))


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "192.168.1.7"},
        {"host": "sourcebook.lan"},
        {"public_url": "https://sourcebook.example.org"},
        {"trusted_proxies": "127.0.0.1"},
    ],
)
def test_where_others_reach_the_server_a_key_is_needed(
    serve: Serve, elsewhere: dict[str, Any], library: Library
) -> None:
    assert serve(**elsewhere).post("/v1/ask", json=ASK).status_code == 401
    assert serve(**elsewhere, open=True).post("/v1/ask", json=ASK).status_code == 200
    started = CliRunner().invoke(
        command_line,
        ["--library", str(library.folder), "serve"],
        env={f"SOURCEBOOK_{name.upper()}": value for name, value in elsewhere.items()},
    )
    assert started.exit_code == 1
    assert "Others can reach this server at" in started.stderr
    assert "keys add NAME --role admin" in started.stderr
    assert "SOURCEBOOK_OPEN=1" in started.stderr


def test_the_first_key_closes_a_running_server_and_the_last_does_not_open_it(
    serve: Serve, file: AccessFile
) -> None:
    client = serve()
    assert client.post("/v1/ask", json=ASK, headers=bearer("any")).status_code == 200
    key = made(file)
    refused = client.post("/v1/ask", json=ASK)
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/key-needed")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.post("/v1/ask", json=ASK, headers=bearer(key)).status_code == 200
    file.revoke("asker")
    assert client.post("/v1/ask", json=ASK, headers=bearer(key)).status_code == 401
    assert client.get("/v1/session").json() == {"needed": True, "name": None, "role": None}


def test_an_open_server_says_so_in_its_log(caplog: pytest.LogCaptureFixture) -> None:
    warn_if_open(Settings(open=True))
    assert caplog.messages == []
    warn_if_open(Settings(open=True, host="0.0.0.0"))
    assert "everyone who can reach this server" in caplog.text


def test_a_damaged_file_of_keys_lets_nobody_in(serve: Serve, file: AccessFile) -> None:
    key = made(file)
    file.path.write_bytes(b"\xa5" * file.path.stat().st_size)
    refused = serve().post("/v1/ask", json=ASK, headers=bearer(key))
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/library")
    assert "sourcebook keys add" in refused.json()["cure"]


# --- keys ----------------------------------------------------------------------------------------


def test_a_key_is_random_and_only_its_hash_is_kept(file: AccessFile) -> None:
    keys = [made(file, name=f"key {number}") for number in range(3)]
    assert len(set(keys)) == 3
    assert all(KEY.fullmatch(key) for key in keys)
    kept = b"".join(each.read_bytes() for each in file.path.parent.glob("access*"))
    assert not any(key.removeprefix("sbk_").encode() in kept for key in keys)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a ", "x" * 65, "\x1b[2J"])
def test_a_bad_name_is_refused(file: AccessFile, name: str) -> None:
    with pytest.raises(InputError, match="expected 1 to 64 visible characters"):
        file.add_key(name, Role.ASKER, 1, 1)


def test_names_are_used_once_because_the_log_tells_keys_apart_by_them(file: AccessFile) -> None:
    made(file, name="ana")
    file.revoke("ana")
    with pytest.raises(InputError, match="There is, or was, a key named 'ana'"):
        made(file, name="ana")
    with pytest.raises(NotFoundError, match="no key named 'bo'"):
        file.revoke("bo")


def test_a_newer_file_is_refused(file: AccessFile) -> None:
    made(file)
    with closing(sqlite3.connect(file.path)) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(LibraryError, match="has the version 9"):
        file.has_keys()


def test_a_key_in_an_address_is_refused_and_never_logged(
    serve: Serve, file: AccessFile, caplog: pytest.LogCaptureFixture
) -> None:
    key = made(file, Role.ADMIN)
    client = serve()
    for path in (f"/v1/library?key={key}", f"/v1/articles/{key}", f"/{key}"):
        refused = client.get(path, headers=bearer(key))
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/bad-input")
        assert key not in refused.json()["detail"]
    said = logging.getLogger("some")
    try:
        raise ValueError(key)
    except ValueError:
        said.exception('"GET %s"', f"/v1/library?key={key}", extra=fields(sent=key, more=[key]))
    for form in LOG_FORMATS:
        line = Formatter(Logs(format=form, questions=True)).format(caplog.records[-1])
        assert key not in line
        assert line.count("sbk_...") == 4


# --- limits --------------------------------------------------------------------------------------


def test_a_key_has_so_many_requests_a_minute(serve: Serve, file: AccessFile) -> None:
    client, key = serve(), made(file, minute=3)
    statuses = [client.get("/v1/library", headers=bearer(key)).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = client.get("/v1/library", headers=bearer(key))
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    assert "3 requests a minute" in refused.json()["detail"]
    assert client.get("/livez", headers=bearer(key)).status_code == 200


def test_a_minute_fills_up_again() -> None:
    buckets = Buckets(2)
    assert [buckets.take("a", 60_000) for _ in range(60_000)][-1] == 0
    assert [buckets.take(name, 1) for name in ("b", "c", "c")] == [0, 0, 60]
    assert buckets.take("a", 1) == 0  # forgotten: only two are remembered


def test_a_key_has_so_many_requests_a_day_also_after_a_restart(file: AccessFile) -> None:
    key = file.add_key("ana", Role.ASKER, MANY, 5)
    shown = Shown(key=key, address="192.0.2.7")
    for _ in range(2):
        gate = Gate(file, Settings())
        for _ in range(2):
            gate.admit(shown, Role.ASKER, "GET /v1/library")
    gate.admit(shown, Role.ASKER, "GET /v1/library")
    with pytest.raises(TooManyError, match="5 requests of today") as caught:
        Gate(file, Settings()).admit(shown, Role.ASKER, "GET /v1/library")
    assert 0 < caught.value.retry_after <= 24 * 3600
    [known] = file.all_keys()
    assert known.used == 5
    assert known.last_used == known.created[:10]


def test_requests_are_written_now_and_then(file: AccessFile) -> None:
    """The first of a day, for `last used`; then in steps of a hundredth."""
    key = file.add_key("ana", Role.ASKER, MANY, 1_000)
    gate = Gate(file, Settings())
    written = []
    for _ in range(12):
        gate.admit(Shown(key=key), Role.ASKER, "GET /v1/library")
        written.append(file.all_keys()[0].used)
    assert written == [1] * 10 + [11, 11]


def test_wrong_keys_are_limited_and_right_ones_are_not(serve: Serve, file: AccessFile) -> None:
    client, key = serve(), made(file)
    statuses = [
        client.get("/v1/library", headers=bearer(f"wrong {number}")).status_code
        for number in range(WRONG_PER_MINUTE + 1)
    ]
    assert statuses == [401] * WRONG_PER_MINUTE + [429]
    assert client.get("/v1/library", headers=bearer(key)).status_code == 200
    assert client.post("/v1/session", json={"key": "wrong"}).status_code == 429


def test_a_network_of_ipv6_is_one_sender(file: AccessFile) -> None:
    made(file)
    gate = Gate(file, Settings())
    for number in range(WRONG_PER_MINUTE):
        with pytest.raises(KeyNeededError):
            gate.admit(Shown(key="x", address=f"2001:db8::{number:x}"), Role.ASKER, "it")
    with pytest.raises(TooManyError):
        gate.admit(Shown(key="x", address="2001:db8::ffff"), Role.ASKER, "it")
    with pytest.raises(KeyNeededError):
        gate.admit(Shown(key="x", address="2001:db8:0:1::1"), Role.ASKER, "it")


# --- sessions ------------------------------------------------------------------------------------


def test_signing_in_gives_a_cookie_that_scripts_and_other_sites_do_not_have(
    serve: Serve, file: AccessFile
) -> None:
    client, key = serve(), made(file, Role.EDITOR)
    signed = client.post("/v1/session", json={"key": key})
    assert signed.json() == {"needed": True, "name": "editor", "role": "editor"}
    cookie = signed.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    secret = client.cookies[COOKIE]
    assert secret.encode() not in file.path.read_bytes()
    assert client.post("/v1/ask", json=ASK).status_code == 200
    # Another site's page can make the browser send a form; the browser tells where it is from.
    evil = {"Origin": "http://evil.example"}
    assert client.post("/v1/articles", json=TEXT, headers=evil).status_code == 403
    assert client.post("/v1/articles", json=TEXT).status_code == 201

    assert client.delete("/v1/session").status_code == 204
    assert client.post("/v1/ask", json=ASK).status_code == 401
    client.cookies.set(COOKIE, secret)
    assert "signed in no longer" in client.post("/v1/ask", json=ASK).json()["detail"]


def test_over_https_the_cookie_is_secure(serve: Serve, file: AccessFile) -> None:
    key = made(file)
    for client in (
        serve(base_url="https://localhost"),
        serve(public_url="https://sourcebook.example.org"),
    ):
        signed = client.post("/v1/session", json={"key": key})
        assert "Secure" in signed.headers["Set-Cookie"].split("; ")


def test_sessions_end(file: AccessFile) -> None:
    made(file)
    moment = int(time.time())
    now, later = file.begin_session("asker", moment - SESSION_S), file.begin_session("asker")
    assert file.key_of_session(now) is None
    assert file.key_of_session(later)
    ahead = file.begin_session("asker", moment + 10**9)  # the clock was wrong, and is set back
    assert file.key_of_session(ahead) is None
    for _ in range(100):
        file.begin_session("asker", moment + 60)
    assert file.key_of_session(later) is None  # the oldest makes room
    last = file.begin_session("asker")
    file.revoke("asker")
    assert file.key_of_session(last) is None


# --- proxies -------------------------------------------------------------------------------------


def test_only_a_named_proxy_says_where_a_request_is_from(serve: Serve, file: AccessFile) -> None:
    claimed = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    proxy = ("10.0.0.1", 1)
    for client in (
        serve(client=proxy, trusted_proxies="127.0.0.1, 10.0.0.0/8", open=True),
        serve(client=proxy, trusted_proxies="10.0.0.2", open=True),
        serve(client=proxy, open=True),
    ):
        assert client.post("/v1/articles", json=TEXT, headers=claimed).is_success
    who = [entry.who for entry in file.entries(3)]
    assert who == ["anyone at 10.0.0.1", "anyone at 10.0.0.1", "anyone at 203.0.113.9"]


# --- the audit log -------------------------------------------------------------------------------


def test_writes_are_recorded_without_words(serve: Serve, file: AccessFile) -> None:
    client = serve()
    keys = {role: bearer(made(file, role)) for role in (Role.ASKER, Role.EDITOR, Role.ADMIN)}
    question = {"question": "What of the trains?", "verdict": "unanswerable"}
    added = client.post("/v1/articles", json=TEXT, headers=keys[Role.EDITOR]).json()
    article = added["outcomes"][0]["article"]["id"]
    client.post("/v1/judgements", json=question, headers=keys[Role.ASKER])
    client.post("/v1/ask", json=ASK, headers=keys[Role.ASKER])
    client.delete(f"/v1/articles/{article}", headers=keys[Role.ASKER])
    client.delete(f"/v1/articles/{article}", headers=keys[Role.EDITOR])
    client.delete(f"/v1/articles/{article}", headers=keys[Role.EDITOR])
    client.delete(f"/v1/articles/{article}")

    found = client.get("/v1/audit", headers=keys[Role.ADMIN]).json()
    template, path = "/v1/articles/{article_id}", f"/v1/articles/{article}"
    assert [
        (one["who"], one["what"], one["subject"], one["outcome"]) for one in found["entries"]
    ] == [
        ("editor", f"DELETE {template}", path, "404"),
        ("editor", f"DELETE {template}", path, "200"),
        ("asker", f"DELETE {template}", path, "403"),
        ("asker", "POST /v1/judgements", "/v1/judgements", "201"),
        ("editor", "POST /v1/articles", path, "201"),
    ]
    kept = file.path.read_bytes()
    assert not any(word in kept for word in (b"night train", b"What of", b"council"))


def test_what_fails_or_is_stopped_is_recorded_too(library: Library, file: AccessFile) -> None:
    routes, begun = APIRouter(tags=["library"]), asyncio.Event()

    @routes.post("/fails")
    @writes(Role.EDITOR)
    def fail() -> None:
        library.record_failure("a source", InputError("It failed."))
        raise RuntimeError("after it was written")

    @routes.post("/waits")
    @writes(Role.EDITOR)
    async def wait() -> None:
        begun.set()
        await asyncio.Event().wait()

    app = create_app(Answering(Engine.of(library)), routers=[routes])
    client = TestClient(app, raise_server_exceptions=False)
    assert client.post("/fails").status_code == 500

    async def stopped() -> None:
        transport = ASGITransport(app)
        async with AsyncClient(transport=transport, base_url="http://localhost") as other:
            asked = asyncio.create_task(other.post("/waits"))
            await begun.wait()
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked

    asyncio.run(stopped())
    told = [(one.what, one.outcome) for one in file.entries(9)]
    assert told == [("POST /waits", "stopped"), ("POST /fails", "500")]


def test_who_is_slow_to_be_recorded_keeps_nobody_out(library: Library, file: AccessFile) -> None:
    """Another process writes to the file meanwhile: it can be read, and not be written to."""
    keys = {role: bearer(made(file, role)) for role in (Role.ASKER, Role.EDITOR)}
    question = {"question": "What of the trains?", "verdict": "unanswerable"}
    with (
        closing(sqlite3.connect(file.path, isolation_level=None)) as other,
        TestClient(create_app(Answering(Engine.of(library)))) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("BEGIN IMMEDIATE")
        judged = pool.submit(
            client.post, "/v1/judgements", json=question, headers=keys[Role.EDITOR]
        )
        begun = time.monotonic()
        while not client.get("/v1/judgements", headers=keys[Role.ASKER]).json()["judgements"]:
            assert time.monotonic() < begun + 5
        time.sleep(0.2)  # its line in the audit log waits by now
        assert client.get("/v1/library", headers=keys[Role.ASKER]).status_code == 200
        assert time.monotonic() < begun + 5
        assert not judged.done()
        other.execute("ROLLBACK")
        assert judged.result().status_code == 201
    assert [one.outcome for one in file.entries(9)] == ["201"]


def test_a_failed_source_is_named(serve: Serve, file: AccessFile) -> None:
    client = serve()
    client.delete("/v1/library/failures", params={"source": f"{'a/' * 100}b.txt"})
    client.post("/v1/library/failures/retry", params={"source": "a.txt"})
    client.delete("/v1/articles/none", params={"": "forged"})
    subjects = [one.subject for one in file.entries(9)]
    assert subjects == ["/v1/articles/none", "a.txt", "a/" * 100]


def test_the_log_is_kept_as_long_as_a_setting_may_say() -> None:
    schema = resources.files("sourcebook.service.access").joinpath("schema.sql").read_text()
    assert set(re.findall(r"(\d+) days", schema)) == {str(MIN_AUDIT_DAYS)}


def test_the_log_is_read_in_pages(serve: Serve, file: AccessFile) -> None:
    for number in range(5):
        file.record(entry(str(number)))
    client, key = serve(), bearer(made(file, Role.ADMIN))
    subjects, before = [], ""
    while True:
        page = client.get(f"/v1/audit?limit=2{before}", headers=key).json()
        subjects.append([one["subject"] for one in page["entries"]])
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert subjects == [["4", "3"], ["2", "1"], ["0"]]


def entry(subject: str) -> Entry:
    return Entry(who="ana", via="http", what="DELETE /x", subject=subject, outcome="200")


def test_the_log_is_only_added_to_and_forgets_what_is_old(file: AccessFile) -> None:
    file.record(entry("new"))
    with closing(sqlite3.connect(file.path)) as connection:
        for change in ("UPDATE audit SET who = 'bo'", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="the audit log is"):
                connection.execute(change)
        old = "INSERT INTO audit (at, who, via, what, subject, outcome) VALUES "
        connection.execute(old + "('2020-01-01T00:00:00Z', 'ana', 'http', 'x', 'old', '200')")
        connection.commit()
    assert [one.subject for one in file.entries(9)] == ["old", "new"]
    file.record(entry("newer"))
    assert [one.subject for one in file.entries(9)] == ["newer", "new"]


# --- the command line ----------------------------------------------------------------------------


@pytest.fixture
def run(library: Library) -> Callable[..., tuple[int, str]]:
    """Runs a command on the library; its exit code, and what it printed."""

    def call(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(command_line, ["--library", str(library.folder), *words])
        return done.exit_code, done.output

    return call


def test_keys_on_the_command_line(run: Callable[..., tuple[int, str]], file: AccessFile) -> None:
    code, said = run("keys", "add", "ana", "--role", "editor", "--per-minute", "9")
    assert code == 0
    found = KEY.search(said)
    assert found
    known = file.key_of(found[0])
    assert known
    assert (known.name, known.role, known.per_minute) == ("ana", Role.EDITOR, 9)
    code, said = run("keys", "list")
    assert (code, said.split("\t")[:3]) == (0, ["ana", "editor", "9"])
    assert not KEY.search(said)
    assert run("keys", "revoke", "ana")[0] == 0
    assert file.key_of(found[0]) is None
    assert run("keys", "revoke", "bo")[0] == 2
    code, said = run("audit")
    told = [line.split("\t")[3:] for line in said.splitlines()]
    assert told == [
        ["command line", "keys revoke", "bo", "not-found"],
        ["command line", "keys revoke", "ana", "done"],
        ["command line", "keys add", "ana", "done"],
    ]


def test_only_what_changes_the_library_is_recorded(
    run: Callable[..., tuple[int, str]], library: Library, file: AccessFile, tmp_path: Path
) -> None:
    with library.view() as view:
        [article] = view.records()[:1]
    assert run("check")[0] == run("list")[0] == 0
    assert file.entries(9) == []
    assert run("check", "--repair")[0] == 0
    assert run("remove", article.id)[0] == 0
    assert run("remove", article.id)[0] == 2
    told = [(one.what, one.subject, one.outcome) for one in file.entries(9)]
    assert told == [
        ("remove", article.id, "not-found"),
        ("remove", article.id, "done"),
        ("check", "", "done"),
    ]
    (tmp_path / "a file").write_text("")
    code, said = run("--library", str(tmp_path / "a file"), "keys", "add", "x", "--role", "asker")
    assert (code, "expected a folder" in said) == (2, True)


# What only shows something, answers, or works on other files than the library's.
READING = {
    *("list", "show", "search", "ask", "cite", "verify", "judgements", "info", "serve", "mcp"),
    *("keys list", "audit", "bench", "backup", "export", "trash list"),
}


def test_every_command_that_writes_is_recorded() -> None:
    def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from commands(command, f"{before}{name} ")
            else:
                yield f"{before}{name}", command

    silent = {
        name
        for name, command in commands(get_command(command_line))
        if not getattr(command.callback, "__wrapped__", command.callback).__dict__.get("recorded")
        and not command.callback.__dict__.get("recorded")
        and not name.startswith("eval ")
    }
    assert silent - {"reembed"} == READING  # which calls `upgrade`


# --- other tools ---------------------------------------------------------------------------------


def test_other_tools_send_a_key_in_their_own_way(
    locked: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = locked.keys["asker"]
    with openai.OpenAI(base_url=f"{locked.url}/v1", api_key=key, max_retries=0) as client:
        assert client.models.list().data[0].id == "sourcebook"
    with (
        openai.OpenAI(base_url=f"{locked.url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        client.models.list()
    assert refused.value.code == "invalid_api_key"

    texts = ["Fines are doubled.", "Trains run."]
    with cohere.ClientV2(api_key=key, base_url=locked.url) as ranker:
        assert ranker.rerank(model="sourcebook", query="fines", documents=texts).results
    with (
        cohere.ClientV2(api_key="wrong", base_url=locked.url) as ranker,
        pytest.raises(ApiError) as failed,
    ):
        ranker.rerank(model="sourcebook", query="fines", documents=texts)
    assert failed.value.status_code == 401
    assert "unknown" in failed.value.body["message"]

    monkeypatch.delenv("SOURCEBOOK_KEY", raising=False)
    with pytest.raises(NotAllowedError, match="returned 401") as unknown:
        Client(locked.url).search("fines", 1)
    assert "SOURCEBOOK_KEY" in unknown.value.cure
    monkeypatch.setenv("SOURCEBOOK_KEY", key)
    assert Client(locked.url).search("fines", 1)[0].text == FINES
