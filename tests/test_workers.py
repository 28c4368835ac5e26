"""Workers: a server that many ask at once answers in several processes, as if it were one."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from calling import Caller
from conftest import REPOSITORY, copy_library

from sourcebook.eval.bench.processes import family
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import LibraryError
from sourcebook.index.library import Library
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.server import GRACE_S
from sourcebook.service.notation.requests import QUESTION
from sourcebook.service.workers import SEATS, Workers

ENVIRONMENT = os.environ | {"PYTHONPATH": str(REPOSITORY), "SOURCEBOOK_LOG_LEVEL": "info"}
TOO_LONG = {"question": "coca " * 900}
TRAIN = "The ministry will reopen the night train to the coast in spring."
ASKED = "Will the night train to the coast be reopened?"


class Server(Caller):
    """A running server with its process and the file that it logs to."""

    def __init__(self, address: str, process: "subprocess.Popen[str]", log: Path) -> None:
        self.address = address
        self.process = process
        self.log = log

    def others(self) -> set[int]:
        """The further processes that answer."""
        lines = {one: Path(f"/proc/{one}/cmdline").read_text() for one in family(self.process.pid)}
        return {one for one, line in lines.items() if "spawn_main" in line}

    def at_once(self, path: str, body: dict[str, Any], times: int = 16) -> list[dict[str, Any]]:
        """What eight people get who ask the same again and again."""
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(self.post, path, body) for _ in range(times)]
            return [one.result() for one in asked]

    def ask_at_once(self, question: str) -> list[dict[str, Any]]:
        """The answers to a question that eight people ask again and again."""
        return self.at_once("/v1/ask", {"question": question})

    def ask_until(self, begun: int) -> int:
        """Ask until another process answers, the last of so many; which it is."""
        for _ in range(400):
            self.ask_at_once(QUESTION)
            if self.log.read_text().count("2 processes answer now") == begun:
                [found] = self.others()
                return found
        pytest.fail(self.log.read_text())


@contextmanager
def serving(seed_library: Library, folder: Path) -> Iterator[Server]:
    """`sourcebook serve` with two processes on a copy of the seed library."""
    copied = copy_library(seed_library, folder / "library")
    log = folder / "log"
    options = ["--library", str(copied), "serve", "--port", "0"]
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", "from sourcebook.eval.cli.app import main; main()", *options],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=ENVIRONMENT | {"SOURCEBOOK_PROCESSES": "2"},
        )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+:\d+", process.stdout.readline())
        assert found, log.read_text()
        yield Server(found[0], process, log)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def server(seed_library: Library, tmp_path: Path) -> Iterator[Server]:
    """One that the test may change or end."""
    with serving(seed_library, tmp_path) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Busy:
    """A server whose second process, `other`, has begun; `alone` is what the first one answered."""

    server: Server
    other: int
    alone: list[dict[str, Any]]


@pytest.fixture(scope="module")
def busy(seed_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    """One for tests that only ask."""
    with serving(seed_library, tmp_path_factory.mktemp("busy")) as server:
        alone = [server.post(path, body) for path, body in REQUESTS]
        assert server.others() == set()
        yield Busy(server, server.ask_until(1), alone)


def cpu(process: int) -> int:
    """The processor time that a process has taken, in ticks."""
    return sum(map(int, Path(f"/proc/{process}/stat").read_text().rsplit(")")[-1].split()[11:13]))


def said(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer but for the time that it took."""
    return {name: value for name, value in answer.items() if name != "seconds"}


REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/ask", {"question": QUESTION}),
    ("/v1/ask", {"question": QUESTION, "published_to": "1999"}),
    ("/v1/search", {"question": QUESTION, "limit": 3, "languages": ["en"]}),
]


@pytest.mark.parametrize("number", range(len(REQUESTS)))
def test_several_processes_answer_as_one(busy: Busy, number: int) -> None:
    spent = cpu(busy.other)
    answers = busy.server.at_once(*REQUESTS[number], 40)
    assert [said(each) for each in answers] == [said(busy.alone[number])] * len(answers)
    assert cpu(busy.other) > spent


def test_what_is_refused_is_refused_everywhere(busy: Busy) -> None:
    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(busy.server.post, "/v1/ask", TOO_LONG) for _ in range(24)]
        for one in asked:
            refused = one.exception()
            assert isinstance(refused, HTTPError)
            with refused:
                assert refused.code == 422
    busy.server.ask_at_once(QUESTION)
    assert busy.server.others() == {busy.other}


def test_what_is_added_is_found_and_what_is_removed_is_not(server: Server) -> None:
    server.ask_until(1)
    added = server.post("/v1/articles", {"text": TRAIN})["outcomes"][0]["article"]
    for answer in server.ask_at_once(ASKED):
        assert answer["citations"][0]["exact"] == TRAIN
    server.delete(f"/v1/articles/{added['id']}")
    for answer in server.ask_at_once(ASKED):
        cited = [*answer["citations"], *answer["nearest"]]
        assert TRAIN not in {each["exact"] for each in cited}


def test_a_process_that_is_killed_is_replaced(server: Server) -> None:
    first = server.ask_until(1)
    os.kill(first, signal.SIGKILL)
    assert {each["status"] for each in server.ask_at_once(QUESTION)} == {"answered"}
    assert server.ask_until(2) != first


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left(server: Server, number: signal.Signals) -> None:
    other = server.ask_until(1)
    server.process.send_signal(number)
    server.process.wait(30)
    for _ in range(300):
        try:
            if not Path(f"/proc/{other}/cmdline").read_bytes():  # ended, though not buried yet
                return
        except FileNotFoundError:
            return
        time.sleep(0.1)
    pytest.fail(f"process {other} is left")


def test_the_server_answers_and_ends_beside_a_worker_that_is_stopped(server: Server) -> None:
    """SIGTERM reaches no stopped process, and its questions must not keep the server."""
    worker = server.ask_until(1)
    os.kill(worker, signal.SIGSTOP)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(server.post, "/v1/ask", {"question": QUESTION}) for _ in range(8)]
        done, stuck = wait(asked, timeout=5)
        assert done  # those that the server itself answers
        assert stuck
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(GRACE_S) == 0
        assert {one.result()["status"] for one in asked} == {"answered"}
    assert not Path(f"/proc/{worker}").exists()


class Sleeper:
    """A stand-in for an engine that never answers in a worker."""

    def __init__(self, here: bool = False) -> None:
        self.here = here

    def ask(self, question: str) -> str:
        """The question, at once in this process; in a worker only after a minute."""
        time.sleep(0.02 if self.here else 60)
        return question


def test_a_worker_that_hangs_is_ended_and_its_question_answered_here(
    caplog: pytest.LogCaptureFixture,
) -> None:
    here = Sleeper(here=True)
    with Workers(Sleeper, 2, answer_timeout=0.2) as workers, ThreadPoolExecutor(8) as pool:
        for _ in range(300):
            asked = [str(number) for number in range(8)]
            assert list(pool.map(partial(workers.call, here.ask), asked)) == asked
            if "a worker has ended: TimeoutError" in caplog.text:
                return
    pytest.fail(caplog.text)


def cannot_start() -> Engine:
    """What a worker makes of a library that it cannot open."""
    raise LibraryError("nothing there")


def test_one_process_answers_where_no_worker_can_start(
    seed_library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    with Workers(cannot_start, 2) as workers:
        answering = Answering(Engine.of(seed_library), workers=workers)
        with ThreadPoolExecutor(4 * SEATS) as pool:
            for _ in range(100):
                answers = list(pool.map(answering.ask, [QUESTION] * 20))
                assert len({answer.sentences for answer in answers}) == 1
                if "no further worker could start" in caplog.text:
                    return
    pytest.fail(caplog.text)


def test_a_worker_answers_with_the_engine_that_it_is_handed(
    seed_library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    """Also with another method than the usual one."""
    caplog.set_level("INFO")
    engine = Engine.of(seed_library, "bm25")
    make = partial(engine_on, seed_library.folder, "bm25")
    with Workers(make, 2) as workers, ThreadPoolExecutor(8) as pool:
        answering = Answering(engine, workers=workers)
        expected = engine.find(QUESTION).hits
        for _ in range(200):
            found = list(pool.map(answering.find, [QUESTION] * 16))
            assert {each.hits == expected for each in found} == {True}
            if caplog.text.count("2 processes answer now"):
                break
        found = list(pool.map(answering.find, [QUESTION] * 32))
        assert {each.hits == expected for each in found} == {True}
        explained = list(pool.map(answering.explain, [QUESTION] * 32))
        assert {each.explanation for each in explained} == {engine.explain(QUESTION).explanation}
    assert "2 processes answer now" in caplog.text


def engine_on(folder: Path, method: str) -> Engine:
    return Engine.of(Library(folder, Encoder()), method)
