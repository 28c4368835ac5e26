"""What all measured systems share: the workload, the clock and the percentiles.

It also runs in the peers' environment, so it imports no package and little of Sourcebook.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence, Sized
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from sourcebook.eval.bench.processes import memory_of

TOP = 10  # results that every system is asked for
WARM_UP = 5  # questions that are asked once before the clock starts

Ask = Callable[[str], Sized]
Loaded = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the corpus."""

    id: str
    title: str
    text: str

    @property
    def whole(self) -> str:
        """The title and the text, for systems without a field for titles."""
        return f"{self.title}\n{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What every system gets: the same model, documents and questions.

    `passages` are the documents as Sourcebook cuts them; `library` is the folder of the library
    that Sourcebook builds. Most systems ignore these two.
    """

    model: str
    documents: tuple[Document, ...]
    questions: tuple[str, ...]
    passages: tuple[str, ...]
    library: str = ""

    def save(self, path: Path) -> None:
        """Write the workload to `path` as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @staticmethod
    def load(path: Path) -> "Workload":
        """Load what `save` wrote."""
        found = json.loads(path.read_text(encoding="utf-8"))
        return Workload(
            model=found["model"],
            documents=tuple(Document(**document) for document in found["documents"]),
            questions=tuple(found["questions"]),
            passages=tuple(found["passages"]),
            library=found["library"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """How to use one system; `package` is the distribution whose version is shown.

    `build` imports it, loads the model, calls `loaded`, makes the documents searchable, and returns
    the function that finds the best `TOP` for a question. `same_passages` means that it uses
    Sourcebook's passages, so that passages per second can be compared.
    """

    name: str
    package: str
    kind: str
    note: str
    build: Callable[[Workload, Loaded], Ask]
    same_passages: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSystem:
    """The figures of one system in one round; `rss_mb` is resident after the last question."""

    name: str
    version: str
    kind: str
    load_s: float
    index_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    rss_mb: float
    note: str
    same_passages: bool
    http: bool = False


def measure(system: System, job: Workload) -> MeasuredSystem:
    """Load the model, index the documents and ask the questions."""
    times = [time.perf_counter()]
    ask = system.build(job, lambda: times.append(time.perf_counter()))
    begun, loaded, searchable = *times, time.perf_counter()
    p50, p95, p99 = latencies(ask, job.questions)
    return MeasuredSystem(
        name=system.name,
        version=metadata.version(system.package),
        kind=system.kind,
        load_s=loaded - begun,
        index_s=searchable - loaded,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        rss_mb=resident_mb(os.getpid()),
        note=system.note,
        same_passages=system.same_passages,
    )


def latencies(ask: Ask, questions: Sequence[str]) -> tuple[float, float, float]:
    """The 50th, 95th and 99th percentile of asking each question once, in milliseconds.

    Raises RuntimeError if a question finds nothing, because then the times mean nothing.
    """
    for question in questions[:WARM_UP]:
        if not len(ask(question)):
            raise RuntimeError(f"Nothing was found for {question!r}.")
    taken = []
    for question in questions:
        begun = time.perf_counter()
        ask(question)
        taken.append(1_000 * (time.perf_counter() - begun))
    return percentile(taken, 50), percentile(taken, 95), percentile(taken, 99)


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile, linear between the two nearest values, as NumPy computes it."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def resident_mb(process: int) -> float:
    """The resident memory of a process in MB."""
    return memory_of(process)[0] / 1_000_000


def main(system: System) -> None:
    """Measure the system: `python -m sourcebook.eval.peers.run_NAME JOB RESULT`, JSON files."""
    job, result = map(Path, sys.argv[1:])
    measured = measure(system, Workload.load(job))
    result.write_text(json.dumps(asdict(measured)), encoding="utf-8")
