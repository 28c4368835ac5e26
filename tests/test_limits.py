"""Limits: a slow, endless, greedy or absent client costs little, and the server always ends."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest
from attacks import floods, largest_requests, slow_clients, soak
from attacks.serving import Target, serving
from conftest import copy_library
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message

from sourcebook.index.article import article_id
from sourcebook.index.library import Library
from sourcebook.service.access.roles import Role
from sourcebook.service.documents.verify import normalise
from sourcebook.service.http import problems
from sourcebook.service.http.reception import AT_ONCE, LONG_AT_ONCE, WRITES_AT_ONCE, Reception
from sourcebook.service.http.rules import Lane, addresses, reads, writes
from sourcebook.service.http.watching import Watched
from sourcebook.service.notation.article_requests import MAX_WORDS
from sourcebook.service.notation.asking_requests import MAX_QUOTATIONS
from sourcebook.service.patience import CLIENT, Client, GoneError, OverloadedError, go_on
from sourcebook.service.workers import SEATS, Workers

FILES = 256


@pytest.fixture(scope="module")
def target(seed_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server that may open few files; the last test ends it."""
    folder = copy_library(seed_library, tmp_path_factory.mktemp("limits") / "library")
    with serving(folder, FILES) as target:
        yield target


def test_slow_clients_are_closed_and_others_answered(target: Target) -> None:
    assert slow_clients.attacked(target, 2).faults == ()


def test_more_connections_than_files(target: Target) -> None:
    assert slow_clients.silenced(target, FILES + 50).faults == ()


def test_a_flood_is_refused_politely(target: Target) -> None:
    outcome = floods.flooded(target, 1, AT_ONCE + 8)
    assert outcome.faults == ()
    assert outcome.tried > AT_ONCE


def test_large_requests_are_answered_or_refused(target: Target) -> None:
    assert largest_requests.attacked(target, 12).faults == ()


def test_ordinary_use_gets_no_error(target: Target) -> None:
    outcome = soak.soaked(target, 3, 1)
    assert outcome.tried > 3
    assert not [fault for fault in outcome.faults if " got " in fault]


def quotations(count: int) -> str:
    return "“one two three” " * count


@pytest.mark.parametrize(
    ("address", "body", "status", "says"),
    [
        (f"GET /v1/articles?words={'a+' * (MAX_WORDS + 1)}", None, 422, "at most 50 words"),
        (f"GET /v1/articles?authors={'a' * 2_001}", None, 422, "at most 2000 characters"),
        ("POST /v1/verify", {"draft": quotations(MAX_QUOTATIONS + 1)}, 413, "201 quotations"),
        ("POST /v1/articles", {"text": "x", "title": "t" * 2_001}, 422, "2000 characters"),
        (
            "POST /v1/judgements",
            {
                "question": "What?",
                "verdict": "passage",
                "quotes": [{"article_id": article_id("a"), "start": 0, "end": 10_001}] * 2,
            },
            422,
            "20,000 characters together, found 20,002",
        ),
        (
            "POST /v1/vector_stores/library/search",
            {"query": "x", "filters": {"type": "in", "key": "tag", "value": ["x"] * 101}},
            422,
            "at most 100 items",
        ),
    ],
)
def test_what_would_cost_too_much_is_refused(
    client: TestClient, address: str, body: Any, status: int, says: str
) -> None:
    method, path = address.split(" ", 1)
    found = client.request(method, path, json=body)
    assert (found.status_code, says in found.text) == (status, True), found.text[:500]


def test_a_list_is_searched_for_as_many_words_and_names_as_are_allowed(client: TestClient) -> None:
    names = "".join(f"&authors=a{number}&tags=t{number}" for number in range(100))
    found = client.get(f"/v1/articles?words={'a+' * MAX_WORDS}{names}")
    assert (found.status_code, found.json()["articles"]) == (200, [])


def test_normalising_a_long_text_keeps_every_position() -> None:
    text = "The “Plan”  \n\t cost ﬁfty—two ½ İ. " * 12_000
    normal, origins = normalise(text)
    once, first = normalise(text[: len(text) // 12_000])
    assert normal == once * 12_000
    assert np.array_equal(origins[: len(first)], first)


def received(path: str, method: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("localhost", 80),
    }


class Asking:
    """An application behind a reception, and clients that ask it and may leave."""

    def __init__(self, wait: float) -> None:
        """Refuse who waits longer than `wait` seconds for a place."""
        self.begun = 0
        self.open = asyncio.Event()
        app = FastAPI(openapi_url=None)
        problems.install(app)
        app.add_middleware(Reception, max_upload_bytes=1_000, wait=wait)

        def answers() -> Callable[[], Awaitable[str]]:
            async def answer() -> str:
                self.begun += 1
                await self.open.wait()
                go_on()
                return "answered"

            return answer

        app.get("/question")(reads(Role.ASKER)(answers()))
        app.get("/long")(reads(Role.ASKER, Lane.LONG)(answers()))
        app.get("/livez")(reads(Role.ANYONE, Lane.NONE)(answers()))
        app.delete("/write")(writes(Role.EDITOR)(answers()))
        self.app = Watched(app, addresses(app))

    async def ask(
        self,
        path: str,
        leaves: asyncio.Event | None = None,
        *,
        method: str = "GET",
        listens: bool = True,
    ) -> dict[str, Any]:
        """What a client is told; it leaves when `leaves` is set, and may read no answer."""
        leaves = leaves or asyncio.Event()
        messages = iter([{"type": "http.request", "body": b"", "more_body": False}])
        said: dict[str, Any] = {"body": b""}

        async def receive() -> Message:
            message = next(messages, None)
            if message is None:
                await leaves.wait()
                return {"type": "http.disconnect"}
            return message

        async def send(message: Message) -> None:
            if not listens:
                await leaves.wait()
            said["body"] += message.get("body", b"")
            said.update({name: message[name] for name in ("status", "headers") if name in message})

        await self.app(received(path, method), receive, send)
        return said

    async def until(self, begun: int) -> None:
        """Wait until so many requests are worked on, on a busy machine a while."""
        async with asyncio.timeout(20):
            while self.begun < begun:
                await asyncio.sleep(0.01)


def test_a_request_that_finds_no_place_is_told_to_come_again() -> None:
    async def use() -> None:
        asking = Asking(wait=0.2)
        many = [asyncio.create_task(asking.ask("/question")) for _ in range(AT_ONCE)]
        await asking.until(AT_ONCE)
        refused = await asking.ask("/question")
        assert (refused["status"], asking.begun) == (503, AT_ONCE)
        assert dict(refused["headers"])[b"retry-after"].isdigit()
        assert json.loads(refused["body"])["type"] == "/problems/overloaded"
        asking.open.set()
        assert (await asking.ask("/livez"))["status"] == 200
        assert {one["status"] for one in await asyncio.gather(*many)} == {200}

    asyncio.run(use())


def test_who_does_not_read_an_answer_takes_no_place() -> None:
    async def use() -> None:
        asking = Asking(wait=5)
        asking.open.set()
        unread = [
            asyncio.create_task(asking.ask("/question", listens=False)) for _ in range(2 * AT_ONCE)
        ]
        await asking.until(2 * AT_ONCE)
        assert (await asking.ask("/question"))["status"] == 200
        for one in unread:
            one.cancel()

    asyncio.run(use())


def test_long_requests_leave_places_to_others() -> None:
    async def use() -> None:
        asking = Asking(wait=5)
        many = [asyncio.create_task(asking.ask("/long")) for _ in range(AT_ONCE)]
        await asking.until(LONG_AT_ONCE)
        await asyncio.sleep(0.1)  # for one that should not begin
        assert asking.begun == LONG_AT_ONCE
        one = asyncio.create_task(asking.ask("/question"))
        await asking.until(LONG_AT_ONCE + 1)
        asking.open.set()
        assert {one["status"] for one in await asyncio.gather(one, *many)} == {200}

    asyncio.run(use())


def test_slow_writes_leave_places_to_questions_and_wait_longer() -> None:
    async def use() -> None:
        asking = Asking(wait=0.2)
        writing = [
            asyncio.create_task(asking.ask("/write", method="DELETE")) for _ in range(AT_ONCE)
        ]
        await asking.until(WRITES_AT_ONCE)
        many = [asyncio.create_task(asking.ask("/question")) for _ in range(AT_ONCE)]
        await asking.until(WRITES_AT_ONCE + AT_ONCE)
        await asyncio.sleep(0.3)  # longer than a question waits
        assert asking.begun == WRITES_AT_ONCE + AT_ONCE
        asking.open.set()
        assert {one["status"] for one in await asyncio.gather(*many, *writing)} == {200}

    asyncio.run(use())


def test_work_for_a_client_that_has_left_is_not_begun_or_stops() -> None:
    async def use() -> None:
        asking = Asking(wait=5)
        leaving = [asyncio.Event() for _ in range(LONG_AT_ONCE + 1)]
        many = [asyncio.create_task(asking.ask("/long", one)) for one in leaving]
        await asking.until(LONG_AT_ONCE)
        for one in leaving:
            one.set()
        await asyncio.sleep(0.05)
        asking.open.set()
        told = await asyncio.gather(*many)
        assert asking.begun == LONG_AT_ONCE  # not the one that waited
        assert [one.get("status") for one in told] == [400] * LONG_AT_ONCE + [None]

    asyncio.run(use())


class Engine:
    """A stand-in for an engine, in this process and in workers."""

    def ask(self, question: str) -> str:
        """The question."""
        return question


def test_a_question_waits_for_its_turn_only_so_long() -> None:
    """A job waits as long as it takes, and a client that has left has no turn."""
    with Workers(Engine, 1, wait=0.05) as workers:
        taken = [workers._take() for _ in range(SEATS)]
        token = CLIENT.set(Client())
        with pytest.raises(OverloadedError):
            workers.call(Engine().ask, "refused")
        for seat in taken:
            workers._leave(seat)
        assert workers.call(Engine().ask, "answered") == "answered"
        CLIENT.set(Client(left=True))
        with pytest.raises(GoneError):
            workers.call(Engine().ask, "gone")
        CLIENT.set(Client(arrived=-1e9))
        with pytest.raises(OverloadedError, match="more than 60 s"):
            go_on()
        CLIENT.reset(token)
        assert len(workers._free) == SEATS


def test_at_last_a_second_signal_ends_a_server_that_waits_for_an_upload(target: Target) -> None:
    head = b"POST /v1/articles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n{"
    with target.connection() as one:
        one.sendall(head)
        target.ask()
        target.process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):  # it waits for the upload
            target.process.wait(1)
        target.process.send_signal(signal.SIGTERM)
        assert target.process.wait(5) == 128 + signal.SIGTERM
