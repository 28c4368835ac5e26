"""Measures Sourcebook over HTTP: a real server on the library, asked over one connection."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from http.client import OK, HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from sourcebook.eval.bench.place import Place
from sourcebook.eval.bench.server import serving
from sourcebook.eval.peers.measuring import TOP, Ask, MeasuredSystem, latencies, resident_mb
from sourcebook.index.encoding.model_files import DEFAULT_MODEL
from sourcebook.index.errors import SourcebookError

TIMEOUT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to ask, what to send with the question, and which fields contain the results."""

    path: str
    beside: Mapping[str, int]
    found: Sequence[str]
    note: str


ADDRESSES = (
    Address(
        path="/v1/ask",
        beside={},
        found=("citations", "nearest"),
        note="Over HTTP: the answer with its citations.",
    ),
    Address(
        path="/v1/search",
        beside={"limit": TOP},
        found=("hits",),
        note="Over HTTP: every passage with a citation of its best sentences.",
    ),
)


def measure_served(
    library: Path, built: MeasuredSystem, questions: Sequence[str]
) -> Iterator[MeasuredSystem]:
    """The figures at each address; `load_s` is the time from the command until it is ready.

    Figures of ingest are copied from `built`, the run that built the library. Raises
    SourcebookError if the server does not start or refuses a question.
    """
    place = Place(folder=library, model=DEFAULT_MODEL)
    with serving(place) as served:
        for address in ADDRESSES:
            connection = HTTPConnection(urlsplit(served.url).netloc, timeout=TIMEOUT_S)
            with closing(connection):
                p50, p95, p99 = latencies(_asker(connection, address), questions)
            yield replace(
                built,
                name=f"{built.name}, {address.path}",
                load_s=served.ready,
                p50_ms=p50,
                p95_ms=p95,
                p99_ms=p99,
                rss_mb=resident_mb(served.process),
                note=address.note,
                http=True,
            )


def _asker(connection: HTTPConnection, address: Address) -> Ask:
    def ask(question: str) -> list[object]:
        body = json.dumps({"question": question, **address.beside}).encode()
        connection.request("POST", address.path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.load(response)
        if response.status != OK:
            raise SourcebookError(f"{address.path} answered {question!r} with {answer}")
        return [each for name in address.found for each in answer[name]]

    return ask
