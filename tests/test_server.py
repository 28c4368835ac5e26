"""The server as a process: it answers over HTTP, ends cleanly, and says when it cannot start."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from calling import Caller
from conftest import REPOSITORY, copy_library

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.library import Library
from sourcebook.service.notation.requests import QUESTION

COMMAND = [sys.executable, "-c", "from sourcebook.eval.cli.app import main; main()"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(REPOSITORY), "SOURCEBOOK_LOG_LEVEL": "warning"}


@dataclass
class Server(Caller):
    """A running server and the folder of its library."""

    process: subprocess.Popen[str]
    address: str
    library: Path
    printed: list[str]


@pytest.fixture
def server(seed_library: Library, tmp_path: Path) -> Iterator[Server]:
    """`sourcebook serve` on a copy of the seed library and on a port that is free."""
    folder = copy_library(seed_library, tmp_path / "library")
    process = subprocess.Popen(
        [*COMMAND, "--library", str(folder), "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert process.stdout is not None
    printed = [process.stdout.readline(), process.stdout.readline()]
    found = re.search(r"http://\S+:\d+", printed[0])
    if not found:
        process.kill()
        pytest.fail(f"the server printed {printed} and {process.communicate()}")
    yield Server(process, found[0], folder, printed)
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_a_server_answers_and_ends_cleanly(server: Server, encoder: Encoder) -> None:
    assert server.get("/readyz")["status"] == "ready"
    answer = server.get(f"/v1/ask?q={quote(QUESTION)}")
    assert answer["status"] == "answered"

    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: server.post("/v1/ask", {"question": QUESTION}), range(16))
        )
    assert {one["citations"][0]["exact"] for one in answers} == {answer["citations"][0]["exact"]}

    text = "The ministry will reopen the night train to the coast in spring."
    added = server.post("/v1/articles", {"text": text})["outcomes"][0]
    with pytest.raises(HTTPError) as caught:
        server.get("/v1/articles/nope")
    assert caught.value.headers["content-type"] == "application/problem+json"
    caught.value.close()

    server.process.send_signal(signal.SIGTERM)
    _, errors = server.process.communicate(timeout=30)
    assert (server.process.returncode, errors) == (0, "")
    with Library(server.library, encoder) as library:
        assert library.article(added["article"]["id"]).text == text
        assert library.drift() == []


def test_the_command_that_is_printed_works(server: Server) -> None:
    found = re.search(r"'(http://[^']+)'", server.printed[1])
    assert found
    with urlopen(found[1], timeout=30) as response:
        answer = json.load(response)
    assert answer["status"] == "answered"
    server.process.send_signal(signal.SIGINT)
    _, errors = server.process.communicate(timeout=30)
    assert (server.process.returncode, errors) == (0, "")


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, "--library", str(tmp_path / "library"), "serve", "--port", str(port)],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: The server cannot listen on 127.0.0.1, port {port}: ")
    assert "the port is in use by another program" in done.stderr
    assert not (tmp_path / "library").exists()
