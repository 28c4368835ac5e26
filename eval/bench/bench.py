"""The benchmark: how fast, how large and how exact a library is, over corpora of several sizes."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sourcebook.eval.bench.ceiling import Network, Peak, measure_peaks, network_of
from sourcebook.eval.bench.fresh import AnswerCost, Place, answer_afresh, ask_in_shell, memory_of
from sourcebook.eval.bench.load import Throughput, measure_load
from sourcebook.eval.bench.lookup import LookupEncoder
from sourcebook.eval.bench.served import family, serving
from sourcebook.eval.bench.synthetic import SyntheticCorpus, vocabulary
from sourcebook.eval.data.code import code_sha256
from sourcebook.eval.data.document import decode, encode
from sourcebook.eval.data.records import json_object, read_text
from sourcebook.eval.data.task import corpus_task
from sourcebook.eval.runs.run import machine
from sourcebook.eval.runs.subject import code_fingerprint
from sourcebook.index.article import Article
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.tokens import TokenCodec
from sourcebook.index.errors import InputError
from sourcebook.index.ingest import content_sha256
from sourcebook.index.library import Library
from sourcebook.index.passages import Passage, cut

SCHEMA = 1
WARM_UP = 20
SAMPLE_PASSAGES = 512
FIDELITY_PASSAGES = 300
# So many articles are in memory at once while a library is built.
CHUNK_ARTICLES = 2_000
BUILT = "bench.json"
# What decides the rows of a library. The derived indexes are rebuilt when their format changes.
STORED = (
    "sourcebook.index.passages",
    "sourcebook.index.encoding.tokens",
    "sourcebook.index.storage.store",
    "sourcebook.eval.bench.synthetic",
)

# A progress bar's context for (title, total): each call of what it yields is a step.
Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]


class Corpus(Protocol):
    """Articles to build a library from, and questions for it: a BEIR folder's or synthetic."""

    @property
    def name(self) -> str:
        """What the corpus is called in tables."""

    @property
    def identity(self) -> str:
        """What decides its articles."""

    def __len__(self) -> int:
        """How many articles there are."""

    def articles(self) -> Iterator[Article]:
        """All articles, in order."""

    def questions(self, count: int) -> list[str]:
        """So many questions, or all where there are fewer."""


@dataclass(frozen=True)
class FolderCorpus:
    """The corpus and the questions of a BEIR folder."""

    path: Path
    split: str = ""

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.resolve().name

    @cached_property
    def identity(self) -> str:
        """The hash of all articles."""
        digest = hashlib.sha256()
        for article in self.articles():
            digest.update(content_sha256(article).encode())
        return digest.hexdigest()

    def __len__(self) -> int:
        """How many articles there are."""
        return len(self._read[1])

    def articles(self) -> Iterator[Article]:
        """All articles, in the order of the file."""
        return iter(self._read[1])

    def questions(self, count: int) -> list[str]:
        """The first questions of the split."""
        return self._read[0][:count]

    @cached_property
    def _read(self) -> tuple[list[str], list[Article]]:
        task, articles = corpus_task(self.path, self.split)
        return [question.text for question in task.questions], articles


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSettings:
    """How a benchmark is run; `real` encodes synthetic passages with the network, too.

    Raises InputError for counts below 1.
    """

    model: str
    cache: Path
    questions: int = 200
    concurrency: tuple[int, ...] = (1, 4, 16)
    real: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        counts = {"--questions": [self.questions], "--concurrency": self.concurrency}
        for name, values in counts.items():
            for value in values:
                if value < 1:
                    raise InputError(f"{name} is {value}; expected at least 1.")

    @property
    def facts(self) -> dict[str, Any]:
        """What of it decides figures."""
        return {
            "model": self.model,
            "questions": self.questions,
            "concurrency": list(self.concurrency),
            "real": self.real,
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """An addition of all articles, from memory until all is committed and can be found.

    `last_passages_per_second` is the rate of the last part alone.
    """

    seconds: float
    passages_per_second: float
    last_passages_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """A sample of the passages encoded by the real network, and nothing else done.

    `words` and `pieces` are means of a passage, the pieces with context and special ones.
    """

    passages: int
    words: float
    pieces: float
    passages_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """Cosines between the int8 encoder and float32, of pooled and of token vectors.

    `pooled_least` is that of the worst passage, `tokens_low` the lowest of a hundred tokens.
    """

    passages: int
    pooled: float
    pooled_least: float
    tokens: float
    tokens_low: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All about one corpus; `build` is None where its library was there already.

    `standing_in` says that passages were encoded by a table and not by the network.

    `ask` is `sourcebook ask` from its start to its exit, `ready` the start of `sourcebook serve`
    until it can answer, both in seconds; `server` is the server's memory after the load, in bytes.
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
    """One run of the benchmark on one machine."""

    schema: int = SCHEMA
    machine: Mapping[str, Any]
    code: str
    settings: Mapping[str, Any]
    peaks: tuple[Peak, ...]
    network: Network | None
    fidelity: Fidelity | None = None
    corpora: tuple[Measured, ...] = field(default=())


def run_bench(
    folders: Sequence[FolderCorpus],
    sizes: Sequence[int],
    settings: BenchSettings,
    progress: Progress,
    *,
    fidelity: bool = False,
) -> Iterator[Bench]:
    """Measure the folders and synthetic corpora of these sizes, one after the other.

    Yields what is known after each, so that a failure in the last loses none of the others.
    """
    encoder = Encoder(settings.model)
    words = vocabulary(encoder) if sizes else ()
    synthetic = [SyntheticCorpus(words, size, settings.seed) for size in dict.fromkeys(sizes)]
    standing = (
        LookupEncoder(settings.cache, settings.model) if sizes and not settings.real else None
    )
    corpora: list[tuple[Corpus, Encoder]] = [(folder, encoder) for folder in folders]
    corpora += [(corpus, standing or encoder) for corpus in synthetic]
    if not corpora:
        raise InputError("There is nothing to measure; expected --corpus or --size.")
    for corpus, _ in corpora:
        len(corpus)  # a folder that cannot be read is refused now and not after hours
    exactness = _fidelity(corpora[0][0], encoder, settings.model) if fidelity else None
    peaks = measure_peaks()
    bench = Bench(
        machine=machine(),
        code=code_fingerprint(),
        settings=settings.facts,
        peaks=peaks,
        network=network_of(settings.model),
        fidelity=exactness,
    )
    for corpus, maker in corpora:
        measured = _measure(corpus, maker, encoder, settings, progress)
        bench = replace(bench, corpora=(*bench.corpora, measured))
        yield bench


def _measure(
    corpus: Corpus, maker: Encoder, encoder: Encoder, settings: BenchSettings, progress: Progress
) -> Measured:
    """Build the library if need be, then measure it in processes that know nothing of this one."""
    texts = corpus.questions(settings.questions + WARM_UP)
    questions = texts[: settings.questions]
    warm_up = texts[settings.questions :] or texts[:WARM_UP]
    folder = settings.cache / _key(corpus, maker)
    lookup = settings.cache if isinstance(maker, LookupEncoder) else None
    place = Place(folder=folder, model=settings.model, lookup=lookup)
    build = _build(corpus, folder, maker, progress)
    encoding = _encoding(corpus, encoder)
    with progress(f"{corpus.name}: measured", 3 + len(settings.concurrency)) as advance:
        answering = answer_afresh(place, warm_up, questions)
        advance()
        ask = ask_in_shell(place, questions[0])
        advance()
        with serving(place) as served:
            advance()
            throughput = []
            for concurrency in settings.concurrency:
                throughput.append(measure_load(served.url, questions, concurrency))
                advance()
            server = sum(memory_of(one)[0] for one in family(served.process))
    return Measured(
        corpus=corpus.name,
        synthetic=isinstance(corpus, SyntheticCorpus),
        encoder=maker.name,
        standing_in=lookup is not None,
        build=build,
        encoding=encoding,
        answering=answering,
        ask=ask,
        ready=served.ready,
        server=server,
        throughput=tuple(throughput),
    )


def _key(corpus: Corpus, encoder: Encoder) -> str:
    """The folder of a corpus's library: named by all that decides what it holds."""
    known = f"{encoder.fingerprint} {corpus.identity} {code_sha256(STORED)}"
    digest = hashlib.sha256(known.encode())
    return f"{corpus.name.replace(' ', '-').replace(',', '')}-{digest.hexdigest()[:12]}"


def _build(corpus: Corpus, folder: Path, encoder: Encoder, progress: Progress) -> Build | None:
    """Build the library, if it is not there; a build that goes on with another is not measured."""
    mark = folder / BUILT
    if mark.exists():
        return None
    rates = []
    passages, spent = 0, 0.0
    with (
        Library(folder, encoder, create=True) as library,
        progress(f"{corpus.name}: built", len(corpus)) as advance,
    ):
        whole = not library.info()["articles"]
        articles = corpus.articles()
        while chunk := list(islice(articles, CHUNK_ARTICLES)):
            begun = time.perf_counter()
            added = 0
            for outcome in library.adding(chunk):
                added += outcome.record.passages
                advance()
            seconds = time.perf_counter() - begun
            rates.append(added / seconds)
            passages, spent = passages + added, spent + seconds
    mark.write_text(json.dumps({"passages": passages}), encoding="utf-8")
    if not whole:
        return None
    return Build(
        seconds=spent, passages_per_second=passages / spent, last_passages_per_second=rates[-1]
    )


def _sample(corpus: Corpus, encoder: Encoder, count: int) -> list[tuple[str, Passage]]:
    """The first passages of a corpus, each with what the encoder reads before it."""
    cuts = (
        (". ".join(part for part in (article.metadata.title, *passage.headings) if part), passage)
        for article in corpus.articles()
        for passage in cut(article, encoder.piece_offsets, encoder.passage_pieces)
    )
    return list(islice(cuts, count))


def _encoding(corpus: Corpus, encoder: Encoder) -> Encoding:
    sample = _sample(corpus, encoder, SAMPLE_PASSAGES)
    texts = [(context, passage.text) for context, passage in sample]
    codec = encoder.codec
    begun = time.perf_counter()
    encoder.encode_passages(texts, codec)
    seconds = time.perf_counter() - begun
    pieces = [len(encoder.piece_offsets(f"{context} {text}")) + 2 for context, text in texts]
    return Encoding(
        passages=len(texts),
        words=float(np.mean([len(text.split()) for _, text in texts])),
        pieces=float(np.mean(pieces)),
        passages_per_second=len(texts) / seconds,
    )


def _fidelity(corpus: Corpus, encoder: Encoder, model: str) -> Fidelity:
    texts = [passage.text for _, passage in _sample(corpus, encoder, FIDELITY_PASSAGES)]
    # With this projection the codec changes nothing but the length of token vectors.
    whole = TokenCodec(np.eye(encoder.dimensions, dtype=np.float32))
    precise = Encoder(model, convert=False)
    pairs = [[each.encode_question(text, whole) for each in (encoder, precise)] for text in texts]
    pooled = np.array([one.pooled @ other.pooled for one, other in pairs])
    tokens = np.concatenate([np.einsum("td,td->t", o.tokens, e.tokens) for o, e in pairs])
    return Fidelity(
        passages=len(texts),
        pooled=float(pooled.mean()),
        pooled_least=float(pooled.min()),
        tokens=float(tokens.mean()),
        tokens_low=float(np.quantile(tokens, 0.01)),
    )


def save_bench(bench: Bench, path: Path) -> None:
    """Write the JSON of a run."""
    path.write_text(encode(bench), encoding="utf-8")


def load_bench(path: Path) -> Bench:
    """Read a run back. Raises InputError, file named, where it is something else."""
    try:
        return decode(Bench, json_object(read_text(path), str(path)), "bench")
    except InputError as error:
        raise InputError(f"{path} is no result of `sourcebook bench`: {error.message}") from error
