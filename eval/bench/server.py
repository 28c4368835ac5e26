"""A real server process on a library, started and stopped around a measurement."""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO
from urllib.request import urlopen

from sourcebook.eval.bench.place import Place, place_of
from sourcebook.eval.http.routes import evaluations_router
from sourcebook.index.encoding.reader import shipped_reader
from sourcebook.index.errors import SourcebookError
from sourcebook.index.library import Library
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.cli.context import logs_of
from sourcebook.service.cli.serving import serve_app
from sourcebook.service.http import server
from sourcebook.service.http.connections import limited
from sourcebook.service.settings import Settings
from sourcebook.service.workers import Workers

GRACE_S = 20  # seconds until a server that does not end is killed


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server: its address, its process id, and the seconds until it was ready."""

    url: str
    process: int
    ready: float


@contextmanager
def serving(place: Place) -> Iterator[Served]:
    """`sourcebook serve` on a free port. Raises SourcebookError with its errors if it ends."""
    with tempfile.TemporaryFile("w+") as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            place.command("serve", *([] if place.lookup else ["--port", "0"])),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield _ready(process, errors, begun)
        finally:
            process.terminate()
            try:
                process.communicate(timeout=GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def _ready(process: "subprocess.Popen[str]", errors: IO[str], begun: float) -> Served:
    assert process.stdout is not None  # it is a pipe
    found = re.search(r"http://\S+:\d+", process.stdout.readline())
    if not found:
        process.wait(GRACE_S)
        errors.seek(0)
        raise SourcebookError(f"The server did not start: {errors.read().strip()[-500:]}")
    # Nobody empties the pipe from here on, but what the server prints later does not fill it.
    with urlopen(f"{found[0]}/readyz", timeout=GRACE_S) as response:
        response.read()
    return Served(url=found[0], process=process.pid, ready=time.perf_counter() - begun)


def main() -> None:
    """Do what `sourcebook serve` does, on a free port and with a stand-in for the encoder."""
    place = place_of(sys.argv[2:])
    # A question waits for its turn however long that takes: the benchmark measures it.
    settings = Settings(library=place.folder, port=0, max_wait_ms=60_000)
    logs_of(settings).begin()
    with server.bind(settings.host, settings.port) as listening:
        address = server.address_of(listening)
        with (
            Library(place.folder, place.encoder()) as library,
            Workers(
                partial(_worker_engine, place),
                settings.processes,
                wait=settings.max_wait_ms / 1_000,
            ) as workers,
        ):
            answering = Answering(Engine.of(library, reader=shipped_reader()), workers=workers)
            server.run(
                serve_app(answering, settings, [evaluations_router]),
                listening,
                protocol=limited(settings.max_connections, settings.max_connections_per_address),
                log_level=settings.log_level,
                ready=lambda: print(address, flush=True),
                stopping=workers.close,
            )


def _worker_engine(place: Place) -> Engine:
    return Engine.of(Library(place.folder, place.encoder()), reader=shipped_reader())


if __name__ == "__main__":
    main()
