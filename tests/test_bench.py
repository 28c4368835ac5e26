"""The benchmark, run whole with real parts on small corpora; no test asserts a time."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import REPOSITORY, MakeLibrary
from typer.testing import CliRunner, Result

from sourcebook.eval.bench.answer_cost import ask_in_shell, observe, recall
from sourcebook.eval.bench.load import measure_load
from sourcebook.eval.bench.lookup_encoder import LookupEncoder
from sourcebook.eval.bench.peaks import Network, network_of
from sourcebook.eval.bench.place import Place
from sourcebook.eval.bench.results import Bench, load_bench, save_bench
from sourcebook.eval.bench.server import serving
from sourcebook.eval.bench.synthetic import SyntheticCorpus, vocabulary
from sourcebook.eval.bench.tables import PEERS, blocks, plots
from sourcebook.eval.cli.app import app
from sourcebook.eval.measures.spread import Spread, spread_of
from sourcebook.eval.peers.table import peers_table
from sourcebook.index.article import Article, BlockKind
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import DEFAULT_MODEL, MINILM
from sourcebook.index.errors import InputError, SourcebookError
from sourcebook.index.library import Library
from sourcebook.service.cli import context

PASSAGES = 150


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the stand-in's table and of libraries."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The smaller encoder: its table is made in a quarter of the time."""
    return Encoder(MINILM)


@pytest.fixture(scope="module")
def stand_in(cache: Path) -> LookupEncoder:
    return LookupEncoder(cache, MINILM)


@pytest.fixture(scope="module")
def corpus(encoder: Encoder) -> SyntheticCorpus:
    return SyntheticCorpus(tuple(vocabulary(encoder)), PASSAGES)


@pytest.fixture(scope="module")
def place(cache: Path, stand_in: LookupEncoder, corpus: SyntheticCorpus) -> Place:
    """A synthetic library, built with the stand-in."""
    with Library(cache / "library", stand_in, create=True) as library:
        library.add(corpus.articles())
    return Place(folder=cache / "library", model=MINILM, lookup=cache)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, seed_articles: list[Article]) -> Path:
    """A BEIR folder of the seeds' paragraphs."""
    folder = tmp_path_factory.mktemp("beir") / "briefs"
    folder.mkdir()
    texts = [
        article.text[block.start : block.end]
        for article in seed_articles[:2]
        for block in article.blocks
        if block.kind is BlockKind.PARAGRAPH
    ]
    write_lines(folder / "corpus.jsonl", ({"_id": f"d{i}", "text": t} for i, t in enumerate(texts)))
    asked = [{"_id": f"q{i}", "text": f"What of {text[:60]}?"} for i, text in enumerate(texts[:8])]
    write_lines(folder / "queries.dev.jsonl", asked)
    qrels = "".join(f"q{i}\td{i}\t1\n" for i in range(len(asked)))
    (folder / "qrels.dev.tsv").write_text(qrels, "utf-8")
    return folder


def write_lines(path: Path, rows: Iterable[object]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def report(cache: Path, folder: Path) -> tuple[Result, Path]:
    """`sourcebook bench` on the BEIR folder: what it printed and what it wrote."""
    path = cache / "briefs.json"
    arguments = ["--corpus", folder, "--split", "dev", "--questions", 6, "--json", path]
    return run(*arguments, "--cache", cache, "--concurrency", 1, "--concurrency", 4), path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def ordered(spread: Spread) -> bool:
    return 0 < spread.p50 <= spread.p95 <= spread.p99 <= spread.max


def test_a_folder_is_measured_whole(report: tuple[Result, Path]) -> None:
    done, path = report
    assert done.exit_code == 0, done.output
    assert "What it costs" in done.stdout
    assert "recall@100 of the dense index" in done.stdout
    found = load_bench(path)
    [measured] = found.corpora
    answering = measured.answering
    assert (measured.corpus, measured.standing_in, measured.synthetic) == ("briefs", False, False)
    assert measured.build is not None
    assert measured.build.passages_per_second > 0
    assert measured.encoding.passages == answering.passages
    assert answering.recall == 1.0
    assert answering.filtered is None  # its articles have no publisher
    assert all(size > 0 for size in answering.disk.values())
    assert 0 < answering.resident <= answering.peak
    assert measured.server > 0
    assert min(answering.open, answering.first, answering.found, measured.ask, measured.ready) > 0
    assert ordered(answering.latency["total"])
    assert {"plan", "encode", "load", "rank", "compose", "unexplained"} <= answering.latency.keys()
    assert answering.latency["total"].n == 6
    assert [t.concurrency for t in measured.throughput] == [1, 4]
    assert [t.questions for t in measured.throughput] == [6, 12]
    assert all(t.errors == 0 and ordered(t.latency) for t in measured.throughput)
    assert found.peaks[0].threads == 1
    assert all(peak.flops > 0 and peak.bytes_per_second > 0 for peak in found.peaks)
    assert found.network == Network(layers=12, dimensions=384, inner=1536)


def test_a_synthetic_library_is_measured_with_the_stand_in(
    place: Place, corpus: SyntheticCorpus
) -> None:
    questions = corpus.questions(12)
    found = observe(place, questions[:2], questions[2:])
    assert (found.articles, found.passages) == (len(corpus), PASSAGES)
    assert found.recall == 1.0
    assert found.filtered is not None
    assert (found.filtered.n, found.encode.n) == (10, 10)
    assert 8 <= found.question_pieces <= 24
    with Library(place.folder, place.encoder()) as library:
        assert library.info()["articles"] == len(corpus)  # the probe is gone
        assert library.drift() == []


def test_a_server_with_the_stand_in_answers_several_clients(
    place: Place, corpus: SyntheticCorpus
) -> None:
    assert ask_in_shell(place, corpus.questions(1)[0], runs=1) > 0
    with serving(place) as served:
        found = measure_load(served.url, corpus.questions(4), 4)
        refused = measure_load(served.url, ["What is it?", "x" * 100_000], 1)
    assert (found.questions, found.errors, found.latency.n) == (8, 0, 8)
    assert found.questions_per_second == pytest.approx(8 / found.seconds)
    assert (refused.questions, refused.errors) == (2, 1)
    with pytest.raises(SourcebookError, match="answered none"):
        measure_load(served.url, ["Is anybody there?"], 1)


def test_recall_counts_what_the_dense_index_misses(make_library: MakeLibrary) -> None:
    texts = {name: f"The ministry of {name} reports on {name}." for name in ("coca", "rice", "tin")}
    library = make_library(**texts)
    assert recall(library, ["What of coca?", "What of tin?"]) == 1.0


def test_the_stand_in_gives_unit_vectors_that_tell_topics_apart(
    encoder: Encoder, stand_in: LookupEncoder
) -> None:
    assert stand_in.fingerprint != encoder.fingerprint
    assert stand_in.name != encoder.name
    corpus = SyntheticCorpus(tuple(vocabulary(encoder)), 60)
    texts, owners = [], []
    for number, article in enumerate(corpus.articles()):
        for block in article.blocks:
            if block.kind is BlockKind.PARAGRAPH:
                texts.append(("", article.text[block.start : block.end]))
                owners.append(number)
    pooled = np.stack([each.pooled for each in stand_in.encode_passages(texts, stand_in.codec)])
    assert np.linalg.norm(pooled, axis=1) == pytest.approx(1, abs=1e-5)
    cosines = pooled @ pooled.T
    same = np.equal.outer(owners, owners)
    assert np.median(cosines[same]) > np.median(cosines[~same]) + 0.1
    assert abs(cosines[~same].mean()) < 0.1


def test_results_come_back_from_disk_and_garbage_does_not(
    report: tuple[Result, Path], tmp_path: Path
) -> None:
    found = load_bench(report[1])
    save_bench(found, tmp_path / "again.json")
    assert load_bench(tmp_path / "again.json") == found
    for text in ("[]", "{}", "no JSON", report[1].read_text("utf-8").replace("p99", "p98")):
        (tmp_path / "garbage.json").write_text(text, "utf-8")
        with pytest.raises(InputError, match=r"garbage\.json"):
            load_bench(tmp_path / "garbage.json")


def test_the_page_is_made_of_results(report: tuple[Result, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no results"):
        blocks(tmp_path)
    found = load_bench(report[1])
    save_bench(found, tmp_path / "briefs.json")
    assert plots(tmp_path) == {}
    save_bench(grown(found), tmp_path / "growth.json")
    parts = blocks(tmp_path)
    count = found.corpora[0].answering.passages
    assert f"| passages | {count} | 1,000 | 1,000,000 |" in parts["costs"]
    assert "| added, passages/s |" in parts["costs"]
    assert "unexplained" in parts["stages"]
    assert "share of the peak" in parts["limits"]
    assert "GB/s" in parts["limits"]
    assert "make bench-peers" in peers_table(tmp_path / "peers.json")
    for name, drawing in plots(tmp_path).items():
        assert name.endswith(".svg")
        lines = ElementTree.fromstring(drawing).findall("{http://www.w3.org/2000/svg}polyline")
        assert [len(line.attrib["points"].split()) for line in lines] == [2, 2, 2]


def grown(found: Bench) -> Bench:
    """The same figures as those of two synthetic libraries, their additions not measured."""
    [measured] = found.corpora
    return replace(
        found,
        corpora=tuple(
            replace(
                measured,
                corpus=f"synthetic {size:,}",
                synthetic=True,
                build=None,
                answering=replace(measured.answering, passages=size),
            )
            for size in (1_000, 1_000_000)
        ),
    )


def test_peers_are_shown_as_they_were_measured(tmp_path: Path) -> None:
    system = {
        "name": "Elsewhere",
        "version": "1.2",
        "kind": "dense",
        "load_s": 2,
        "index_s": 30.0,
        "documents_per_s": 10.0,
        "passages_per_s": None,
        "p50_ms": 12.34,
        "p95_ms": 15.0,
        "p99_ms": 20.0,
        "rss_mb": 812.0,
        "http": False,
        "note": "",
        "ingest_ratio": 7.5,
        "question_ratio": 0.25,
    }
    peers = {
        "machine": {"processor": "Abacus", "cores": 2},
        "load": {"before": 0.1, "after": 1.0},
        "corpus": "scifact",
        "documents": 300,
        "passages": 610,
        "questions": 100,
        "rounds": 3,
        "systems": [system],
    }
    path = tmp_path / "peers.json"
    path.write_text(json.dumps(peers), "utf-8")
    shown = peers_table(path)
    assert "300 documents of scifact, 100 questions, medians of 3 rounds in one run on A" in shown
    assert "| Elsewhere 1.2 | dense | 2.0 | 30.0 | 10.0 | – | 12.3 |" in shown
    assert "| 812 | 7.50 | 0.25 | in process |" in shown
    path.write_text(json.dumps(peers | {"systems": [{}]}), "utf-8")
    with pytest.raises(InputError, match=r"peers\.json is not a comparison"):
        peers_table(path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--size", 0), "0 passages"),
        (("--questions", 0), "--questions is 0"),
        (("--concurrency", -1), "--concurrency is -1"),
        (("--corpus", "no-such-folder"), "no-such-folder"),
        (("--json", "no-such-folder/out.json"), "cannot be written"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(
    arguments: tuple[object, ...], said: str, cache: Path
) -> None:
    done = run(*arguments, "--cache", cache)
    assert done.exit_code == context.USAGE, done.output
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_the_work_of_the_network_is_counted_from_its_shape() -> None:
    assert network_of("no-such-model") is None
    network = network_of(DEFAULT_MODEL)
    assert network is not None
    # 21 million weights in the layers, each used once for a word piece; attention comes on top.
    assert network.macs(1) == pytest.approx(12 * 12 * 384**2, rel=0.01)
    assert network.macs(200) > 200 * network.macs(1)


def test_percentiles_by_hand() -> None:
    found = spread_of([float(number) for number in range(101)])
    assert found == Spread(n=101, p50=50.0, p95=95.0, p99=99.0, max=100.0)
    with pytest.raises(InputError):
        spread_of([])


def test_the_committed_results_can_be_read() -> None:
    folder = REPOSITORY / "eval" / "results" / "performance"
    assert blocks(folder).keys() >= {"machine", "costs", "stages", "limits"}
    assert "SentenceTransformer.encode" in peers_table(folder / PEERS)
