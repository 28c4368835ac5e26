"""The command line of evaluation, from options to files, messages and exit codes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY
from typer.testing import CliRunner, Result

from sourcebook.eval.cli.app import app
from sourcebook.eval.cli.context import INTERRUPTED
from sourcebook.eval.data.trec import load_trec_run
from sourcebook.eval.report.document import Row, build_report, load_report, save_report
from sourcebook.eval.report.results_table import results_table
from sourcebook.eval.report.summary import load_summary
from sourcebook.eval.runs.partial_run import partial_path
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.library import Library
from sourcebook.service.cli import context

GOLD = REPOSITORY / "eval" / "gold" / "seeds.jsonl"
SEEDS = REPOSITORY / "seeds"
PATIENCE_S = 240

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary libraries of all tests here: each is built once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `sourcebook eval ...` with the cache of these tests."""
    monkeypatch.setenv("SOURCEBOOK_LIBRARY", str(cache / "no-library"))

    def invoke(command: str, *arguments: object) -> Result:
        kept = ["--cache", cache] if command in ("run", "all", "import-run") else []
        return CliRunner().invoke(app, ["eval", command, *map(str, [*arguments, *kept])])

    return invoke


def ok(result: Result) -> Result:
    assert result.exit_code == 0, result.output
    return result


def refused(result: Result, *said: str) -> None:
    assert result.exit_code == context.USAGE, result.output
    for part in said:
        assert part in result.stderr
    assert "Traceback" not in result.output


def seeds(*more: object) -> tuple[object, ...]:
    return ("run", GOLD, "--corpus", SEEDS, *more)


def test_a_run_prints_measures_and_writes_what_is_asked_for(run: Run, tmp_path: Path) -> None:
    files = {name: tmp_path / f"seeds.{name}" for name in ("json", "html", "trec")}
    options = [part for name, path in files.items() for part in (f"--{name}", path)]
    done = ok(run(*seeds("--limit", 6, "--all", "--hidden", *options)))
    assert "seeds: 6 questions" in done.stdout
    assert done.stdout.index("Answered rightly") < done.stdout.index("Hit@1")
    report = json.loads(files["json"].read_text("utf-8"))
    assert {"mean", "low", "high", "n"} == report["measures"]["Hit@1"].keys()
    assert report["measures"]["Exact"]["mean"] == 1.0
    assert len(report["questions"]) == 6
    assert report["method"] == "full"
    answerable = sum(each["answerable"] for each in report["questions"])
    assert report["hidden"]["asked"] == answerable > 0
    assert 0 <= report["hidden"]["answered"] <= 1
    assert "Answered with their articles hidden" in done.stdout
    assert not partial_path(files["json"]).exists()
    assert "<html" in files["html"].read_text("utf-8")
    assert load_trec_run(files["trec"]).tag == "full"


def test_several_methods_have_a_file_each_and_are_compared(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "seeds.json"
    done = ok(run(*seeds("--limit", 4, "--method", "bm25", "--method", "full", "--json", path)))
    assert "bm25" in done.stdout
    names = [tmp_path / f"seeds.{method}.json" for method in ("bm25", "full")]
    assert [load_report(name).method for name in names] == ["bm25", "full"]
    out = {name: tmp_path / f"compared.{name}" for name in ("json", "html")}
    compared = ok(run("compare", *names, "--json", out["json"], "--html", out["html"]))
    assert "seeds/bm25 → seeds/full" in compared.stdout
    assert json.loads(out["json"].read_text("utf-8"))["names"] == ["seeds/bm25", "seeds/full"]
    assert "Differences between runs" in out["html"].read_text("utf-8")
    shown = ok(run("show", names[0], "--worst", 1))
    assert "Right article first" in shown.stdout
    assert "SpanIoU@5" not in shown.stdout
    assert "wanted" in shown.stdout


def test_a_significant_loss_fails_and_nothing_else_does(run: Run, tmp_path: Path) -> None:
    def saved(name: str, right: int) -> Path:
        rows = [
            Row(id=f"q{n}", question="?", measures={"Hit@1": float(n < right)}) for n in range(20)
        ]
        path = tmp_path / f"{name}.json"
        save_report(build_report(name=name, data="d", method="full", questions=rows), path)
        return path

    good, same, bad = saved("good", 18), saved("same", 17), saved("bad", 5)
    lost = run("compare", good, bad, "--fail-if-worse", "Hit@1")
    assert lost.exit_code == context.FAILED
    assert "Hit@1: bad is significantly worse than good (−0.650, p < 0.001)" in lost.stdout
    kept = ok(run("compare", good, same, "--fail-if-worse", "Hit@1"))
    assert "Hit@1: same is not significantly worse than good" in kept.stdout
    ok(run("compare", bad, good, "--fail-if-worse", "Hit@1"))  # better is not worse
    refused(run("compare", good, bad, "--fail-if-worse", "Hit@3"), "'Hit@3'", "Hit@1")


def test_files_of_a_beir_set_may_lie_apart(run: Run, tiny: Path, tmp_path: Path) -> None:
    together = tmp_path / "together.json"
    ok(run("run", tiny, "--split", "dev", "--json", together))
    places = {}
    for name in ("corpus.jsonl", "queries.dev.jsonl", "qrels.dev.tsv"):
        folder = tmp_path / f"of-{name}"
        folder.mkdir()
        places[name] = folder / name
        places[name].write_bytes((tiny / name).read_bytes())
    corpus, queries, qrels = places.values()
    apart = tmp_path / "apart.json"
    ok(run("run", queries, "--corpus", corpus, "--qrels", qrels, "--json", apart))
    measured = [load_report(path) for path in (together, apart)]
    assert measured[0].measures == measured[1].measures
    refused(run("run", queries, "--corpus", corpus), "has no judgements beside it", "--qrels")
    ok(run("run", tiny / queries.name, "--corpus", corpus))  # they are beside it there
    refused(run("run", queries), "expected --corpus")


def test_the_seed_library_answers_its_gold_with_exact_quotes(
    run: Run, tmp_path: Path, encoder: Encoder, seed_articles: list[Any]
) -> None:
    with Library(tmp_path / "library", encoder, create=True) as library:
        library.add(seed_articles)
    path = tmp_path / "report.json"
    ok(run("run", GOLD, "--library", tmp_path / "library", "--limit", 40, "--json", path))
    report = load_report(path)
    assert report.missing_gold == ()
    assert (report.measures["Exact"].mean, len(report.questions)) == (1.0, 40)
    assert report.measures["Hit@5"].mean > 0.7
    assert report.fingerprint["library"]
    assert report.cost["bytes"]["database"] > 0


def test_a_run_of_another_system_is_scored_and_compared(run: Run, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
    trec = tmp_path / "theirs.trec"
    ok(run(*seeds("--limit", 5, "--json", ours, "--trec", trec)))
    imported = ("import-run", GOLD, trec, "--corpus", SEEDS, "--limit", 5, "--json", theirs)
    ok(run(*imported))
    assert load_report(theirs).measures["nDCG@10"] == load_report(ours).measures["nDCG@10"]
    compared = ok(run("compare", ours, theirs))
    assert "0 / 0 / " in compared.stdout


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A BEIR folder of two documents."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    rows = {
        "corpus.jsonl": '{"_id": "d1", "text": "Coca fell by half."}\n'
        '{"_id": "d2", "text": "Knead the dough for ten minutes."}\n',
        "queries.dev.jsonl": '{"_id": "q1", "text": "How far did coca fall?"}\n',
        "qrels.dev.tsv": "q1\td1\t1\n",
    }
    for name, text in rows.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_all_scores_several_data_sets_and_writes_one_table(
    run: Run, tiny: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    everything = ("all", tiny, f"{GOLD}::{SEEDS}", "--out", out, "--split", "dev", "--limit", 3)
    done = ok(run(*everything))
    assert "wall time" in done.stdout
    assert "tiny (1)" in done.stdout
    names = {path.name for path in out.iterdir()}
    assert {"tiny.html", "tiny.full.json", "seeds.dense.json", "results"} <= names
    summary = load_summary(out / "results" / "tiny.json")
    assert [each.method for each in summary.methods] == ["dense", "bm25", "hybrid", "late", "full"]
    assert (out / "results" / "seeds.json").stat().st_size < 100_000
    table = results_table(out / "results")
    assert "| tiny, 1 questions | nDCG@10 | **1.000** |" in table
    assert "Size and speed of `full`" in table
    written = (out / "tiny.full.json").stat().st_mtime_ns
    ok(run(*everything, "--resume"))
    assert (out / "tiny.full.json").stat().st_mtime_ns == written


def test_an_interrupted_run_is_resumed_and_equals_an_uninterrupted_one(
    run: Run, tmp_path: Path, cache: Path
) -> None:
    path, whole = tmp_path / "report.json", tmp_path / "whole.json"
    ok(run(*seeds("--limit", 20, "--json", whole)))
    program = "from sourcebook.eval.cli.app import main; main()"
    arguments = ["eval", *map(str, seeds("--limit", 20, "--json", path, "--cache", cache))]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_lines(partial_path(path), 4, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == INTERRUPTED
    assert "the same command with --resume continues" in said
    assert not path.exists()
    kept = len(partial_path(path).read_text("utf-8").splitlines()) - 1
    assert 3 <= kept < 20
    refused(run(*seeds("--limit", 5, "--json", path, "--resume")), "of another run", "questions")
    ok(run(*seeds("--limit", 20, "--json", path, "--resume")))
    resumed, expected = load_report(path), load_report(whole)
    assert resumed.measures == expected.measures
    assert resumed.abstention == expected.abstention
    assert not partial_path(path).exists()


def wait_for_lines(path: Path, count: int, process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} never had {count} lines")


def test_what_excludes_each_other_is_refused(run: Run, tiny: Path, tmp_path: Path) -> None:
    refused(run(*seeds("--url", "http://x")), "--corpus and --url exclude each other")
    refused(run("run", tiny, "--split", "dev", "--corpus", SEEDS), "brings its own corpus")
    refused(run(*seeds("--split", "dev")), "has no splits")
    refused(run(*seeds("--resume")), "expected --json FILE with --resume")
    refused(run(*seeds("--method", "dance")), "method is 'dance'", "bm25")
    refused(run(*seeds("--json", tmp_path / "no" / "x.json")), "there is no")
    refused(run("all", tiny, tiny, "--out", tmp_path, "--split", "dev"), "named 'tiny'")


def test_what_is_missing_or_malformed_is_named(run: Run, tiny: Path, tmp_path: Path) -> None:
    refused(run("run", tmp_path / "gone"), "No data set at")
    refused(run("run", GOLD), "There is no library in")
    refused(run("run", tiny, "--split", "test"), "Its splits are: dev")
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "q1", "question": "why?", "answerable": false}\nnonsense\n', "utf-8")
    refused(run("run", bad, "--corpus", SEEDS), f"{bad}:2: not JSON")
    refused(run("run", GOLD, "--corpus", tmp_path / "gone"), "There is no file or folder")
    (tmp_path / "nan.trec").write_text("q1 Q0 d1 1 nan x\n", "utf-8")
    nan = ("import-run", tiny, tmp_path / "nan.trec", "--split", "dev")
    refused(run(*nan), "nan.trec:1: the score is 'nan'")
    (tmp_path / "other.json").write_text('{"schema": 9}', "utf-8")
    refused(run("show", tmp_path / "other.json"), "other.json is not a report: schema is 9")
    refused(run("show", GOLD), "seeds.jsonl: not JSON")
    refused(run("compare", tmp_path / "gone.json"), "No file")
    refused(run("run", GOLD, "--url", "x"), "The service's address is 'x'")


def test_a_service_that_does_not_answer_fails_in_a_sentence(run: Run) -> None:
    failed = run("run", GOLD, "--url", "http://127.0.0.1:9")
    assert failed.exit_code == context.FAILED
    assert "No Sourcebook service responds at" in failed.stderr


def test_missing_gold_is_said_aloud(run: Run, tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    evidence = [{"article": "gone.md", "quote": "x"}]
    gold.write_text(json.dumps({"id": "lost", "question": "why?", "evidence": evidence}), "utf-8")
    done = ok(run("run", gold, "--corpus", SEEDS))
    assert "1 gold quotes were not found and count as misses (questions lost)" in done.stdout
