"""The figures of a benchmark, saved and loaded as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sourcebook.eval.bench.answer_cost import AnswerCost
from sourcebook.eval.bench.load import Throughput
from sourcebook.eval.bench.peaks import Network, Peak
from sourcebook.eval.data.dataclass_json import from_json, to_json
from sourcebook.eval.data.files import json_object, load_text
from sourcebook.index.errors import InputError

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Adding all articles, from memory until they are committed and can be found.

    `last_passages_per_second` is the rate of the last batch alone.
    """

    seconds: float
    passages_per_second: float
    last_passages_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """Encoding a sample of the passages with the real network, and nothing else.

    `words` and `pieces` are means per passage; the pieces include context and special ones.
    """

    passages: int
    words: float
    pieces: float
    passages_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """Cosines between the vectors of the int8 encoder and those of float32.

    `pooled_least` is of the worst passage, `tokens_low` is the 1 % quantile over tokens.
    """

    passages: int
    pooled: float
    pooled_least: float
    tokens: float
    tokens_low: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCorpus:
    """All figures of one corpus; `build` is None if its library existed already.

    `standing_in` means that passages were encoded by a table and not by the network. `ask` is the
    time of `sourcebook ask` from start to exit, `ready` that of `sourcebook serve` until it can
    answer, both in seconds; `server` is the server's memory after the load, in bytes.
    """

    corpus: str
    synthetic: bool
    encoder: str
    standing_in: bool
    build: Build | None
    encoding: Encoding
    answering: AnswerCost
    ask: float
    ready: float
    server: int
    throughput: tuple[Throughput, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One run of the benchmark on one machine; `code` is the fingerprint of the code."""

    schema: int = SCHEMA
    machine: Mapping[str, Any]
    code: str
    settings: Mapping[str, Any]
    peaks: tuple[Peak, ...]
    network: Network | None
    fidelity: Fidelity | None = None
    corpora: tuple[MeasuredCorpus, ...] = field(default=())


def save_bench(bench: Bench, path: Path) -> None:
    """Write a run as JSON."""
    path.write_text(to_json(bench), encoding="utf-8")


def load_bench(path: Path) -> Bench:
    """Load a run. Raises InputError, naming the file, if it is something else."""
    try:
        return from_json(Bench, json_object(load_text(path), str(path)), "bench")
    except InputError as error:
        raise InputError(
            f"{path} is not a result of `sourcebook bench`: {error.message}"
        ) from error
