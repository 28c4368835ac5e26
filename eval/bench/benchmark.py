"""Runs a benchmark: builds libraries of several sizes and measures each of them."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from sourcebook.eval.bench.answer_cost import answer_afresh, ask_in_shell
from sourcebook.eval.bench.corpora import Corpus, FolderCorpus
from sourcebook.eval.bench.load import measure_load
from sourcebook.eval.bench.lookup_encoder import LookupEncoder
from sourcebook.eval.bench.peaks import measure_peaks, network_of
from sourcebook.eval.bench.place import Place
from sourcebook.eval.bench.processes import family, memory_of
from sourcebook.eval.bench.results import Bench, Build, Encoding, Fidelity, MeasuredCorpus
from sourcebook.eval.bench.server import serving
from sourcebook.eval.bench.synthetic import SyntheticCorpus, vocabulary
from sourcebook.eval.data.code_hash import code_sha256
from sourcebook.eval.runs.machine import machine
from sourcebook.eval.runs.subject import code_fingerprint
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.tokens import TokenCodec
from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.index.passages import Passage, cut

WARM_UP = 20  # questions before the clock starts
SAMPLE_PASSAGES = 512  # encoded alone: some seconds of work
FIDELITY_PASSAGES = 300  # encoded twice, once in float32
CHUNK_ARTICLES = 2_000  # articles in memory at once while a library is built
BUILT = "bench.json"
# The code that decides the rows of a library. Derived indexes are rebuilt if their format changes.
STORED = (
    "sourcebook.index.passages",
    "sourcebook.index.encoding.tokens",
    "sourcebook.index.storage.writer",
    "sourcebook.eval.bench.synthetic",
)
# Opens a progress bar with (title, total); each call of what it yields is one step.
Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSettings:
    """The options of a benchmark; `real` encodes synthetic passages with the network, too.

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
        """The settings that decide the figures."""
        return {
            "model": self.model,
            "questions": self.questions,
            "concurrency": list(self.concurrency),
            "real": self.real,
            "seed": self.seed,
        }


def run_bench(
    folders: Sequence[FolderCorpus],
    sizes: Sequence[int],
    settings: BenchSettings,
    progress: Progress,
    *,
    fidelity: bool = False,
) -> Iterator[Bench]:
    """Measure the folders, then synthetic corpora of these sizes.

    Yields all figures so far after each corpus, so that a failure does not lose the earlier ones.
    Raises InputError if there is nothing to measure.
    """
    encoder = Encoder(settings.model)
    words = tuple(vocabulary(encoder)) if sizes else ()
    synthetic = [SyntheticCorpus(words, size, settings.seed) for size in dict.fromkeys(sizes)]
    standing = (
        LookupEncoder(settings.cache, settings.model) if sizes and not settings.real else None
    )
    corpora: list[tuple[Corpus, Encoder]] = [(folder, encoder) for folder in folders]
    corpora += [(corpus, standing or encoder) for corpus in synthetic]
    if not corpora:
        raise InputError("There is nothing to measure; expected --corpus or --size.")
    for corpus, _ in corpora:
        len(corpus)  # fails now and not after hours if a folder cannot be loaded
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
) -> MeasuredCorpus:
    """Build the library if it does not exist, then measure it in separate processes."""
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
    return MeasuredCorpus(
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
    """The folder name of a corpus's library: a hash of all that decides its content."""
    known = f"{encoder.fingerprint} {corpus.identity} {code_sha256(STORED)}"
    digest = hashlib.sha256(known.encode())
    return f"{corpus.name.replace(' ', '-').replace(',', '')}-{digest.hexdigest()[:12]}"


def _build(corpus: Corpus, folder: Path, encoder: Encoder, progress: Progress) -> Build | None:
    """Build the library if it does not exist; None if nothing or only a rest had to be built."""
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
    """The first passages of a corpus, each after its context: the title and the headings."""
    cuts = (
        (". ".join(part for part in (article.metadata.title, *passage.above) if part), passage)
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
    # With this projection the codec only scales token vectors to unit length.
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
