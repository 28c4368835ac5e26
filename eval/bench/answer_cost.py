"""What a new process needs to open a library and to answer: time, memory and recall."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np

from sourcebook.eval.bench.place import Place, place_of
from sourcebook.eval.bench.processes import memory_of
from sourcebook.eval.data.dataclass_json import from_json, to_json
from sourcebook.eval.measures.spread import Spread, spread_of
from sourcebook.index.article import Article, Block, BlockKind, Metadata
from sourcebook.index.encoding.reader import shipped_reader
from sourcebook.index.encoding.tokens import Vectors
from sourcebook.index.errors import SourcebookError
from sourcebook.index.library import Library
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.engine import Engine
from sourcebook.service.cli import printing
from sourcebook.service.cli.context import SILENT
from sourcebook.service.notation.answers import AnswerOut

Result = TypeVar("Result")
RECALL_AT = 100  # about as many candidates as a question needs
RECALL_QUESTIONS = 100  # not all of them, because exact search is slow on large libraries
FILTERED_QUESTIONS = 50
PROBES = 3  # additions whose median counts
SHELL_RUNS = 3  # processes whose median counts
BLOCK = 2_000  # stored vectors that are compared at once
# Sums in another order differ by less; neighbours as near as the last one count as found.
ROUNDING = 1e-5
PROBE = "bench:probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCost:
    """One process that opened a library and answered; times in seconds, sizes in bytes.

    `latency` is by stage; `total` is the wall time and `unexplained` what no stage accounts for.
    `filtered` is the wall time of questions to the articles of one publisher, `encode` the time to
    encode a question alone. `resident` and `peak` are memory after the questions. `recall`
    compares the dense index with exact search over the stored vectors. `found` is the time from
    the call that adds an article until a search finds it.
    """

    articles: int
    passages: int
    disk: Mapping[str, int]
    encoder: float
    open: float
    first: float
    latency: Mapping[str, Spread]
    filtered: Spread | None
    encode: Spread
    question_pieces: float
    resident: int
    peak: int
    recall: float
    found: float


def answer_afresh(place: Place, warm_up: Sequence[str], questions: Sequence[str]) -> AnswerCost:
    """Open the library in a new process and answer the questions there; raises SourcebookError."""
    done = subprocess.run(
        [sys.executable, "-m", "sourcebook.eval.bench.answer_cost", "observe", *place.words()],
        input=json.dumps([list(warm_up), list(questions)]),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SourcebookError(f"The process that answers ended with {done.returncode}.")
    return from_json(AnswerCost, json.loads(done.stdout), "answer cost")


def ask_in_shell(place: Place, question: str, runs: int = SHELL_RUNS) -> float:
    """The seconds of `sourcebook ask` from start to exit; the median of `runs`."""
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        done = subprocess.run(
            place.command("ask", question), capture_output=True, text=True, check=False
        )
        seconds.append(time.perf_counter() - begun)
        if done.returncode not in (0, SILENT):
            raise SourcebookError(f"`sourcebook ask` failed: {done.stderr.strip()[-500:]}")
    return statistics.median(seconds)


def observe(place: Place, warm_up: Sequence[str], questions: Sequence[str]) -> AnswerCost:
    """Open the library in this process, answer the questions, and measure both."""
    encoder, encoder_seconds = _timed(place.encoder)
    library, open_seconds = _timed(partial(Library, place.folder, encoder))
    with library:
        engine = Engine.of(library, reader=shipped_reader())
        _, first = _timed(partial(engine.ask, questions[0]))
        for question in warm_up:
            engine.ask(question)
        latency = _latency(engine, questions)
        resident, peak = memory_of()
        facts = library.info()
        return AnswerCost(
            articles=facts["articles"],
            passages=facts["passages"],
            disk=facts["bytes"],
            encoder=encoder_seconds,
            open=open_seconds,
            first=first,
            latency=latency,
            filtered=_filtered(engine, questions),
            encode=_encode(library, questions),
            question_pieces=statistics.mean(map(len, map(encoder.piece_offsets, questions))) + 2,
            resident=resident,
            peak=peak,
            recall=recall(library, questions[:RECALL_QUESTIONS]),
            found=statistics.median(_until_found(engine, number) for number in range(PROBES)),
        )


def _timed(call: Callable[[], Result]) -> tuple[Result, float]:
    """The result of the call, and the seconds that it took."""
    begun = time.perf_counter()
    found = call()
    return found, time.perf_counter() - begun


def _latency(engine: Engine, questions: Sequence[str]) -> dict[str, Spread]:
    rows: list[dict[str, float]] = []
    for question in questions:
        answer, wall = _timed(partial(engine.ask, question))
        explained = sum(answer.seconds.values())
        rows.append({**answer.seconds, "unexplained": wall - explained, "total": wall})
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: spread_of([row.get(name, 0.0) for row in rows]) for name in names}


def _filtered(engine: Engine, questions: Sequence[str]) -> Spread | None:
    """Questions to the articles of one publisher, if any article has one."""
    publishers = engine.library.info()["publishers"]
    if not publishers:
        return None
    chosen = Filter(publishers=(publishers[0],))
    asked = questions[:FILTERED_QUESTIONS]
    return spread_of([_timed(partial(engine.ask, question, chosen))[1] for question in asked])


def _encode(library: Library, questions: Sequence[str]) -> Spread:
    encode = library.encoder.encode_question
    calls = (partial(encode, question, library.codec) for question in questions)
    return spread_of([_timed(call)[1] for call in calls])


def recall(library: Library, questions: Sequence[str]) -> float:
    """The share of the 100 nearest passages that the dense index finds, over all questions."""
    encoded = (library.encoder.encode_question(each, library.codec) for each in questions)
    asked = np.stack([each.pooled for each in encoded])
    with library.view() as view:
        found = [
            view.search(question, dense_count=RECALL_AT, lexical_count=0) for question in questions
        ]
    nearest = np.full((len(asked), 0), -np.inf, np.float32)
    for vectors in _stored(library):
        merged = np.concatenate([nearest, asked @ vectors.T], axis=1)
        kept = min(RECALL_AT, merged.shape[1])
        nearest = -np.partition(-merged, kept - 1, axis=1)[:, :kept]
    last = nearest.min(axis=1) - ROUNDING
    hits = [
        min(nearest.shape[1], sum(item.dense >= bound for item in each.items))
        for each, bound in zip(found, last.tolist(), strict=True)
    ]
    return float(sum(hits) / nearest.size)


def _stored(library: Library) -> Iterator[Vectors]:
    """The pooled vectors of all searchable passages, in blocks of (passages, dimensions)."""
    with library.view() as view:
        pooled = view.pooled(view.added_since(0))
        while block := list(islice(pooled, BLOCK)):
            data = b"".join(vector for _, vector in block)
            yield np.frombuffer(data, dtype="<f4").reshape(len(block), -1)


def _until_found(engine: Engine, number: int) -> float:
    """The seconds from the call that adds an article until a search finds it; removes it again."""
    library = engine.library
    # No other article contains these words, and no two probes are the same article.
    text = f"Quillon vexbarrow {library.info()['generation']} trades zoftigram for plimthorn."
    probe = Article(
        source=f"{PROBE}:{number}",
        text=text,
        blocks=(Block(BlockKind.PARAGRAPH, 0, len(text)),),
        metadata=Metadata(title="Quillon vexbarrow", language="en"),
        raw=text.encode(),
    )
    begun = time.perf_counter()
    try:
        library.add([probe])
        found = engine.find("Who trades zoftigram for plimthorn?")
        spent = time.perf_counter() - begun
    finally:
        library.remove(probe.id)
    if not any(hit.citation.article.id == probe.id for hit in found.hits):
        raise SourcebookError("An added article was not found by the words that only it has.")
    return spent


def main() -> None:
    """Run the command line of `answer_afresh`, or of `ask` on a `Place` with a stand-in."""
    name, *words = sys.argv[1:]
    place = place_of(words[:3])
    if name == "observe":
        print(to_json(observe(place, *json.load(sys.stdin))))
    else:
        with Library(place.folder, place.encoder()) as library:
            printing.answer(
                AnswerOut.model_validate(Engine.of(library, reader=shipped_reader()).ask(words[3]))
            )


if __name__ == "__main__":
    main()
