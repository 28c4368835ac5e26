"""Load on a running server, from a separate process that uses little of the processor."""

import http.client
import itertools
import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sourcebook.eval.measures.spread import Spread, spread_of
from sourcebook.index.errors import SourcebookError

TIMEOUT_S = 60
WARM_UP = 2  # questions of each connection before the clock starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """What `concurrency` clients, each with one connection, got from a server in `seconds`.

    `latency` is of the questions that were answered; `errors` counts the others.
    """

    concurrency: int
    questions: int
    errors: int
    seconds: float
    questions_per_second: float
    latency: Spread


def measure_load(url: str, questions: Sequence[str], concurrency: int) -> Throughput:
    """Ask the server at `url` from a separate process.

    All questions are asked; with several clients more than once, so that the tail shows. Raises
    SourcebookError if none is answered.
    """
    count = len(questions) * math.isqrt(concurrency)
    command = [
        sys.executable,
        "-m",
        "sourcebook.eval.bench.load",
        url,
        str(concurrency),
        str(count),
    ]
    done = subprocess.run(
        command, input=json.dumps(list(questions)), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SourcebookError(f"The load on {url} failed: {done.stderr.strip()[-500:]}")
    found = json.loads(done.stdout)
    if not found["latencies"]:
        raise SourcebookError(f"{url} answered none of {count} questions.")
    return Throughput(
        concurrency=concurrency,
        questions=count,
        errors=count - len(found["latencies"]),
        seconds=found["seconds"],
        questions_per_second=len(found["latencies"]) / found["seconds"],
        latency=spread_of(found["latencies"]),
    )


class Clients:
    """Threads that ask one server, each over one connection that stays open."""

    def __init__(self, url: str, questions: Sequence[str], concurrency: int, count: int) -> None:
        """Ask `count` times in total, the questions in turn."""
        self._address = urlsplit(url).netloc
        self._bodies = [json.dumps({"question": question}).encode() for question in questions]
        self._turns = iter(range(count))
        self._begin = threading.Barrier(concurrency + 1)
        self._threads = [threading.Thread(target=self._ask_all) for _ in range(concurrency)]
        self.latencies: list[float] = []

    def run(self) -> float:
        """Ask, and return the seconds from the first question to the last answer."""
        for thread in self._threads:
            thread.start()
        self._begin.wait()
        begun = time.perf_counter()
        for thread in self._threads:
            thread.join()
        return time.perf_counter() - begun

    def _ask_all(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_S)
        for body in itertools.islice(itertools.cycle(self._bodies), WARM_UP):
            self._ask(connection, body)
        self._begin.wait()
        for turn in self._turns:
            begun = time.perf_counter()
            if self._ask(connection, self._bodies[turn % len(self._bodies)]):
                self.latencies.append(time.perf_counter() - begun)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, body: bytes) -> bool:
        """Whether the server answered."""
        try:
            connection.request("POST", "/v1/ask", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            connection.close()  # the next request opens it again
            return False
        return response.status == http.client.OK


def main() -> None:
    """Ask the questions on standard input (JSON); print seconds and latencies as JSON."""
    url, concurrency, count = sys.argv[1:]
    clients = Clients(url, json.load(sys.stdin), int(concurrency), int(count))
    seconds = clients.run()
    print(json.dumps({"seconds": seconds, "latencies": clients.latencies}))


if __name__ == "__main__":
    main()
