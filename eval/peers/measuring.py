"""What all measured systems share: the job, the clock, percentiles and resident memory.

It runs in the peers' environment too, so it imports nothing of Sourcebook and no package.
"""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence, Sized
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

TOP = 10  # what every system is asked for
WARM_UP = 5  # the first questions are asked once before the clock runs

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
        """The title and the text, as a system sees it that knows of no titles."""
        return f"{self.title}\n{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What every system gets: the same model, documents and questions.

    `passages` are the documents as Sourcebook cuts them; `library` is the folder where Sourcebook
    leaves what it built. Nobody else reads these two.
    """

    model: str
    documents: tuple[Document, ...]
    questions: tuple[str, ...]
    passages: tuple[str, ...]
    library: str = ""

    def save(self, path: Path) -> None:
        """Write it to `path`."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @staticmethod
    def load(path: Path) -> "Job":
        """Read what `save` wrote."""
        found = json.loads(path.read_text(encoding="utf-8"))
        return Job(
            model=found["model"],
            documents=tuple(Document(**document) for document in found["documents"]),
            questions=tuple(found["questions"]),
            passages=tuple(found["passages"]),
            library=found["library"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """How one system is used; `package` is the distribution that its version is read from.

    `build` imports it, loads the model, calls what it is handed, then makes the documents
    searchable and gives the function that finds the best `TOP` for a question. `same_passages`
    says that it takes Sourcebook's passages, so that passages a second can be compared.
    """

    name: str
    package: str
    kind: str
    note: str
    build: Callable[[Job, Loaded], Ask]
    same_passages: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one system took in one round; memory is what is resident after the last question."""

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


def measure(system: System, job: Job) -> Measured:
    """Load, index and ask."""
    times = [time.perf_counter()]
    ask = system.build(job, lambda: times.append(time.perf_counter()))
    begun, loaded, searchable = *times, time.perf_counter()
    p50, p95, p99 = latencies(ask, job.questions)
    return Measured(
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

    Raises RuntimeError where a question finds nothing: then something else would be measured.
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
    """Linear between the two values that are nearest, as NumPy has it."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def resident_mb(process: int) -> float:
    """The resident memory of a process in MB."""
    status = Path(f"/proc/{process}/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        kib = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
    else:
        kib = subprocess.check_output(["ps", "-o", "rss=", "-p", str(process)], text=True)
    return int(kib) * 1_024 / 1_000_000


def main(system: System) -> None:
    """Measure the system: `python -m sourcebook.eval.peers.run_NAME JOB RESULT`, JSON files."""
    job, result = map(Path, sys.argv[1:])
    measured = measure(system, Job.load(job))
    result.write_text(json.dumps(asdict(measured)), encoding="utf-8")
