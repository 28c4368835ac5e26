"""Judgements: kept, taken back, exported so that they can be run; and libraries older than them."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeLibrary, article_from, before_checksums
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app
from sourcebook.eval.data.judged import load_judged
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.folder import DATABASE
from sourcebook.index.library import Library
from sourcebook.index.storage.schema import OLDEST_VERSION, SCHEMA_VERSION
from sourcebook.index.storage.store import Store
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.documents.judgements import exported, judgements
from sourcebook.service.http.app import create_app

FINES = (
    "The council voted on Tuesday to double the fines for dumping waste in the river.\n\n"
    "Villages downstream had complained for two years."
)
TRAINS = "The ministry of transport will reopen the night train to the coast in spring."
AT_ONCE = 8
QUESTION = "What did the council vote for?"

Judge = Callable[..., dict[str, Any]]


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    return make_library(fines=FINES, trains=TRAINS)


@pytest.fixture
def client(library: Library) -> Iterator[TestClient]:
    with TestClient(
        create_app(Answering(Engine.of(library))), raise_server_exceptions=False
    ) as client:
        yield client


@pytest.fixture
def judge(client: TestClient) -> Judge:
    """Judges a question; quotes are given by their words."""

    def judge(question: str, verdict: str, *quotes: str, note: str = "") -> dict[str, Any]:
        spans = []
        for quote in quotes:
            [location] = client.post("/v1/verify", json={"quote": quote}).json()["verdicts"][0][
                "locations"
            ]
            spans.append({name: location[name] for name in ("article_id", "start", "end")})
        body = {"question": question, "verdict": verdict, "quotes": spans, "note": note}
        response = client.post("/v1/judgements", json=body)
        assert response.status_code == 201, response.text
        return dict(response.json())

    return judge


def lines(client: TestClient) -> list[dict[str, Any]]:
    response = client.get("/v1/judgements/export")
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.text.endswith("\n") or not response.text
    return [json.loads(line) for line in response.text.splitlines()]


def test_a_judgement_is_kept_listed_and_taken_back(client: TestClient, judge: Judge) -> None:
    before = client.get("/v1/library").json()["generation"]
    first = judge(QUESTION, "wrong", note="It says “Tuesday”\nonly.")
    second = judge(f" {QUESTION}\n", "passage", "double the fines")
    both = {"total": 2, "limit": 50, "offset": 0, "judgements": [second, first]}
    assert client.get("/v1/judgements").json() == both
    older = client.get("/v1/judgements?limit=1&offset=1").json()
    assert older == {"total": 2, "limit": 1, "offset": 1, "judgements": [first]}
    assert client.get("/v1/judgements?limit=0").status_code == 422
    assert (first["note"], first["quotes"]) == ("It says “Tuesday”\nonly.", [])
    assert second["question"] == QUESTION
    start = FINES.index("double the fines")
    [quote] = second["quotes"]
    assert (quote["text"], quote["start"], quote["source"]) == (
        "double the fines",
        start,
        "fines.txt",
    )
    assert client.get("/v1/library").json()["generation"] == before == second["generation"]

    where = f"/v1/judgements/{first['id']}"
    assert (client.delete(where).status_code, client.delete(where).status_code) == (204, 404)
    assert client.get("/v1/judgements").json()["judgements"] == [second]


def test_what_is_exported(client: TestClient, judge: Judge) -> None:
    assert lines(client) == []
    judge("When does the night train run?", "wrong", "in spring")
    judge(QUESTION, "wrong")
    right = judge(QUESTION, "right", "double the fines", "on Tuesday", note="both")
    nowhere = judge("What does a kilo cost in Sydney?", "unanswerable")
    judge(QUESTION.upper(), "wrong")
    assert lines(client) == [
        {
            "id": right["id"],
            "question": QUESTION,
            "type": "judged",
            "answerable": True,
            "evidence": [
                {"article": "fines.txt", "quote": "double the fines"},
                {"article": "fines.txt", "quote": "on Tuesday"},
            ],
            "any": True,
            "tags": ["right"],
            "note": "both",
        },
        {
            "id": nowhere["id"],
            "question": "What does a kilo cost in Sydney?",
            "type": "judged",
            "answerable": False,
            "tags": ["unanswerable"],
            "note": "",
        },
    ]


def test_the_newest_gold_counts(client: TestClient, judge: Judge) -> None:
    judge(QUESTION, "unanswerable")
    newest = judge(QUESTION.lower(), "passage", "double the fines")
    assert [line["id"] for line in lines(client)] == [newest["id"]]
    judge("Who complained?", "unanswerable")
    client.delete(f"/v1/judgements/{newest['id']}")
    assert [line["answerable"] for line in lines(client)] == [False, False]


def test_gold_outlives_the_article(
    client: TestClient, judge: Judge, library: Library, tmp_path: Path
) -> None:
    kept = judge(QUESTION, "passage", "double the fines")
    replaced = article_from(f"A new first paragraph.\n\n{FINES}", "fines")
    assert len(library.add([replaced])) == 1
    assert client.get("/v1/judgements").json()["judgements"] == [kept]
    library.remove(replaced.id)
    file = tmp_path / "judged.jsonl"
    file.write_text(exported(judgements(library)), "utf-8")
    [question] = load_judged(file)
    assert question.evidence[0].quote.quote == "double the fines"


def test_judged_over_http_scored_by_the_evaluation(
    client: TestClient, judge: Judge, library: Library, tmp_path: Path
) -> None:
    answer = client.post("/v1/ask", json={"question": QUESTION}).json()
    judge(QUESTION, "right", *(citation["exact"] for citation in answer["citations"]))
    judge("When will the night train reopen?", "passage", "in spring")
    judge("How long does sourdough need to rise?", "unanswerable")
    judge("Who complained?", "wrong")

    def run(*words: str) -> Any:
        done = CliRunner().invoke(app, ["--library", str(library.folder), *words])
        assert done.exit_code == 0, done.output
        return done

    file, report = tmp_path / "judged.jsonl", tmp_path / "report.json"
    shown = run("judgements", "--export", str(file))
    assert "wrong        Who complained?" in shown.stdout
    assert shown.stderr == f"Wrote {file}. To score it: sourcebook eval run {file}\n"
    assert file.read_text("utf-8") == client.get("/v1/judgements/export").text
    run("eval", "run", str(file), "--json", str(report))
    found = json.loads(report.read_text("utf-8"))
    assert found["missing_gold"] == []
    assert found["measures"]["Hit@1"]["mean"] == 1
    assert len(found["questions"]) == 3
    assert len(json.loads(run("judgements", "--json").stdout)["judgements"]) == 4


def test_an_export_that_cannot_be_written(library: Library, tmp_path: Path) -> None:
    words = ["--library", str(library.folder), "judgements", "--export", str(tmp_path)]
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, str(tmp_path) in result.output) == (1, True)


# --- libraries of the version before -------------------------------------------------------------


def aged(folder: Path) -> None:
    """Make the library one of the version before judgements."""
    before_checksums(folder)
    connection = sqlite3.connect(folder / DATABASE)
    with connection:
        connection.execute("DROP TABLE judgements")
        connection.execute("DROP TABLE history")
        connection.execute("DROP INDEX articles_coverage")
        connection.execute("DELETE FROM meta WHERE key = 'pruned'")
        connection.execute("INSERT INTO piece_counts VALUES (999999, 0)")
        connection.execute(f"PRAGMA user_version = {OLDEST_VERSION}")
    connection.close()


def schema(path: Path) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return [*found, ("version", str(version), "")]


def test_an_older_library_is_brought_up_to_date(
    library: Library, encoder: Encoder, tmp_path: Path
) -> None:
    question = "When will the night train reopen?"
    expected = Engine.of(library).ask(question)
    library.close()
    older = tmp_path / "older"
    shutil.copytree(library.folder, older)
    aged(older)
    assert schema(older / DATABASE) != schema(library.folder / DATABASE)
    for _ in range(2):
        with Library(older, encoder) as opened:
            answer = Engine.of(opened).ask(question)
            assert answer.citations == expected.citations
            assert answer.generation == expected.generation
            assert judgements(opened) == []
            with opened.view() as view:
                assert view.pruned == 0
                assert view.piece_counts([999999]) == {}
    assert schema(older / DATABASE) == schema(library.folder / DATABASE)
    assert schema(older / DATABASE)[-1] == ("version", str(SCHEMA_VERSION), "")


def test_many_may_bring_it_up_to_date_at_once(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    Store(path, create=True).close()
    aged(tmp_path)
    together = threading.Barrier(AT_ONCE)

    def opened(_: int) -> int:
        together.wait()
        store = Store(path)
        with store.view() as view:
            found = len(view.judgements())
        store.close()
        return found

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(opened, range(AT_ONCE))) == [0] * AT_ONCE
