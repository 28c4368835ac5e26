"""Runs Sourcebook and its peers in turn, in several rounds, and compares them."""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sourcebook.eval.data.articles import plain_articles
from sourcebook.eval.data.beir import BeirSet
from sourcebook.eval.peers.measuring import Document, MeasuredSystem, Workload
from sourcebook.eval.peers.serving import measure_served
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import published_model
from sourcebook.index.errors import NotFoundError, SourcebookError
from sourcebook.index.passages import cut

ROOT = Path(__file__).resolve().parents[2]  # the module may be a link to the file in the checkout
PEERS = ("encode", "txtai", "langchain", "llamaindex", "haystack")
SOURCEBOOK = "sourcebook"
# The names of the systems that the ratios refer to.
INGESTED, ASKED = "Sourcebook", "Sourcebook, /v1/ask"
# Nothing is fetched or reported while the clock runs.
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LANGSMITH_TRACING": "false",
    "DO_NOT_TRACK": "1",
}
TIMEOUT_S = 3_600
SHOWN_ERRORS = 1_000  # characters, from the end of a failed program's errors

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFigures:
    """One system over all rounds: medians, and medians of the ratios within rounds.

    `ingest_ratio` is Sourcebook's documents per second divided by this system's; `question_ratio`
    is the median time of a question to Sourcebook's server divided by this system's.
    """

    name: str
    version: str
    kind: str
    load_s: float
    index_s: float
    documents_per_s: float
    passages_per_s: float | None
    p50_ms: float
    p95_ms: float
    p99_ms: float
    rss_mb: float
    http: bool
    note: str
    ingest_ratio: float
    question_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerComparison:
    """A comparison as it is saved: all systems in one run, on one corpus and one machine.

    `load` is the machine's load average before and after.
    """

    machine: Mapping[str, Any]
    load: Mapping[str, float]
    corpus: str
    documents: int
    passages: int
    questions: int
    rounds: int
    systems: tuple[SystemFigures, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The systems that finished every round, and the errors of the others by name."""

    rows: tuple[SystemFigures, ...]
    failures: Mapping[str, str]


def draw(data: BeirSet, encoder: Encoder, *, documents: int, questions: int, seed: int) -> Workload:
    """Random questions, their relevant documents, and random others up to `documents`.

    The same seed draws the same. Documents without text are left out. `encoder` limits the length
    of the passages.
    """
    chance = random.Random(seed)
    asked = chance.sample(sorted(data.queries), min(questions, len(data.queries)))
    relevant = {key for query in asked for key, grade in data.qrels[query].items() if grade > 0}
    usable = sorted(key for key, each in data.documents.items() if each.text.strip())
    chance.shuffle(usable)
    chosen = sorted(usable, key=lambda key: key not in relevant)[:documents]
    drawn = [data.documents[key] for key in sorted(chosen)]
    found = tuple(Document(each.id, each.title, each.text) for each in drawn)
    return Workload(
        model=str(published_model().folder),
        documents=found,
        questions=tuple(data.queries[query] for query in asked),
        passages=tuple(_passages(found, encoder)),
    )


def _passages(documents: Iterable[Document], encoder: Encoder) -> Iterator[str]:
    """The passages that Sourcebook cuts the documents into."""
    for article in plain_articles((each.id, each.title, each.text) for each in documents):
        for passage in cut(article, encoder.piece_offsets, encoder.passage_pieces):
            yield passage.text


def python_of(environment: Path) -> str:
    """The interpreter of the peers' environment. Raises NotFoundError if it does not exist."""
    python = environment / "bin" / "python"
    if not python.exists():
        raise NotFoundError(
            f"The peers' environment {environment} is missing.",
            cure="Run `make bench-peers`, which creates it.",
        )
    return str(python.absolute())


def compare_with_peers(
    job: Workload, peers: Sequence[str], python: str, rounds: int, log: Log
) -> Compared:
    """Measure Sourcebook and the peers in turn, `rounds` times.

    A peer that fails is logged and left out from then on. Raises SourcebookError if Sourcebook
    itself fails.
    """
    failures: dict[str, str] = {}
    measured: list[dict[str, MeasuredSystem]] = []
    for number in range(1, rounds + 1):
        log(f"round {number} of {rounds}: {SOURCEBOOK}")
        one = {each.name: each for each in _sourcebook(job)}
        for peer in peers:
            if peer in failures:
                continue
            log(f"round {number} of {rounds}: {peer}")
            try:
                found = run_program(peer, job, python)
            except SourcebookError as error:
                failures[peer] = error.message
                log(error.message)
            else:
                one[found.name] = found
        measured.append(one)
    finished = [name for name in measured[0] if all(name in one for one in measured)]
    rows = tuple(figures_of([one[name] for one in measured], measured, job) for name in finished)
    return Compared(rows=rows, failures=failures)


def _sourcebook(job: Workload) -> Iterator[MeasuredSystem]:
    """Sourcebook in process, then over HTTP."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "library"
        built = run_program(SOURCEBOOK, replace(job, library=str(library)), sys.executable)
        yield built
        yield from measure_served(library, built, job.questions)


def run_program(name: str, job: Workload, python: str) -> MeasuredSystem:
    """Measure one system in a new process: `eval/peers/run_NAME.py` under the interpreter `python`.

    Raises SourcebookError with its name and its errors if it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder) / "job.json", Path(folder) / "result.json"
        job.save(given)
        # The peers' environment does not have Sourcebook: it only sees this folder of it.
        (Path(folder) / "sourcebook").mkdir()
        (Path(folder) / "sourcebook" / "eval").symlink_to(ROOT / "eval")
        try:
            done = subprocess.run(
                [python, "-m", f"sourcebook.eval.peers.run_{name}", given, result],
                cwd=ROOT,
                env=os.environ | OFFLINE | {"PYTHONPATH": folder},
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SourcebookError(f"{name} did not finish in {TIMEOUT_S} s.") from error
        if done.returncode:
            errors = done.stderr.strip()[-SHOWN_ERRORS:]
            raise SourcebookError(f"{name} ended with {done.returncode}: {errors}")
        return MeasuredSystem(**json.loads(result.read_text(encoding="utf-8")))


def figures_of(
    own: Sequence[MeasuredSystem], rounds: Sequence[Mapping[str, MeasuredSystem]], job: Workload
) -> SystemFigures:
    """The figures of a system: its own rounds, and all systems' rounds by name for the ratios."""
    index_s = statistics.median(each.index_s for each in own)
    pairs = list(zip(own, rounds, strict=True))
    return SystemFigures(
        name=own[0].name,
        version=own[0].version,
        kind=own[0].kind,
        load_s=statistics.median(each.load_s for each in own),
        index_s=index_s,
        documents_per_s=len(job.documents) / index_s,
        passages_per_s=len(job.passages) / index_s if own[0].same_passages else None,
        p50_ms=statistics.median(each.p50_ms for each in own),
        p95_ms=statistics.median(each.p95_ms for each in own),
        p99_ms=statistics.median(each.p99_ms for each in own),
        rss_mb=statistics.median(each.rss_mb for each in own),
        http=own[0].http,
        note=own[0].note,
        ingest_ratio=statistics.median(each.index_s / one[INGESTED].index_s for each, one in pairs),
        question_ratio=statistics.median(one[ASKED].p50_ms / each.p50_ms for each, one in pairs),
    )
