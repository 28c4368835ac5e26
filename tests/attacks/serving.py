"""A server process under attack: its addresses, its memory, and whether it still answers."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import DEFAULT_MODEL
from sourcebook.index.library import Library
from sourcebook.index.parsing.parse import find_files, parse
from sourcebook.service.notation.requests import QUESTION

REPOSITORY = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from sourcebook.eval.cli.app import main; main()"]
# A normal question is answered within a second, or within so many times what it took before the
# attack: who attacks shares the processors of this machine.
NORMAL_S, NORMAL_TIMES = 1.0, 10


@dataclass(slots=True)
class Target:
    """A server under attack; `normal` is how many seconds a normal question may take.

    `key` is what its requests are sent with, if it needs one.
    """

    address: str
    process: "subprocess.Popen[str]"
    key: str = ""
    normal: float = NORMAL_S

    def warm_up(self) -> float:
        """Ask a few times, and set what is normal; the seconds that one question takes alone."""
        alone = sorted(self.ask() for _ in range(5))[2]
        self.normal = max(NORMAL_S, NORMAL_TIMES * alone)
        return alone

    def connection(self) -> socket.socket:
        """A new connection to it."""
        parts = urlsplit(self.address)
        assert parts.hostname
        assert parts.port
        return socket.create_connection((parts.hostname, parts.port), timeout=60)

    def ask(self) -> float:
        """The seconds that it takes to answer a normal question; raises where it does not."""
        began = time.perf_counter()
        self.call("GET", f"/v1/ask?q={quote(QUESTION)}")
        return time.perf_counter() - began

    def call(self, method: str, path: str, body: object = None) -> Any:
        """What it answers; raises where that is an error, or no answer comes in time."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        request = Request(self.address + path, data, headers, method=method)
        with urlopen(request, timeout=60) as response:
            return json.load(response)

    def answers(self) -> str:
        """What is wrong with how it answers a normal question; empty if nothing is."""
        try:
            taken = self.ask()
        except HTTPError as error:
            with error:
                return f"a normal question got {error.code}"
        except OSError as error:
            return f"a normal question got {error!r}"
        return f"a normal question took {taken:.1f} s" if taken > self.normal else ""

    def memory(self) -> int:
        """The most memory that the process has had since `forget_memory`, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def forget_memory(self) -> int:
        """Measure the most memory from now on; what it has now, in bytes."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.memory()


@contextmanager
def serving(
    library: Path, files: int | None = None, key: str = "", **environment: str
) -> Iterator[Target]:
    """`sourcebook serve` on the library and a free port, with at most so many open files."""
    limit = ["prlimit", f"--nofile={files}"] if files else []
    process = subprocess.Popen(
        [*limit, *COMMAND, "--library", str(library), "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=_environment(environment),
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+:\d+", process.stdout.readline())
        assert found, "the server did not start"
        target = Target(found[0], process, key)
        target.warm_up()
        yield target
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.communicate()


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    settings = {name: value for name, value in os.environ.items() if "SOURCEBOOK" not in name}
    return {**settings, "PYTHONPATH": str(REPOSITORY), "SOURCEBOOK_LOG_LEVEL": "warning", **more}


def seeds(folder: Path, encoder: str = DEFAULT_MODEL) -> Path:
    """A library of the seeds made with this encoder, in a folder."""
    articles = [
        article
        for path in find_files([REPOSITORY / "seeds"])
        for article in parse(path.read_bytes(), name=path.name, source=f"seeds/{path.name}")
    ]
    with Library(folder / "library", Encoder(encoder), create=True) as library:
        library.add(articles)
    return folder / "library"
