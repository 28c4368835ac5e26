"""The command line: what each command prints, for people and for programs, and its exit codes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY
from typer.testing import CliRunner, Result

from sourcebook.eval.cli.app import app
from sourcebook.index.library import Library
from sourcebook.service.adding.files import file_of, source_of
from sourcebook.service.cli import printing
from sourcebook.service.notation.articles import PassagesOut

TEXT = "The council voted on Tuesday to double the fines for dumping waste in the river."
TRAINS = "The ministry will reopen the night train to the coast in spring."

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder, on the library `library` in it."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("SOURCEBOOK_"):
            monkeypatch.delenv(name)

    def run(*words: str, stdin: bytes = b"") -> Result:
        return CliRunner().invoke(app, list(words), input=stdin)

    return run


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Run:
    """The same, with two articles added."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "fines.md").write_text(
        f"---\ntitle: Fines\ntags: [river]\n---\n\n{TEXT}\n"
    )
    (tmp_path / "texts" / "trains.txt").write_text(TRAINS)
    assert run("add", "texts").exit_code == 0
    return run


def data(result: Result) -> Any:
    return json.loads(result.stdout)


def ids(run: Run) -> dict[str, str]:
    return {one["source"]: one["id"] for one in data(run("list", "--json"))["articles"]}


# --- adding --------------------------------------------------------------------------------------


def test_files_are_added_replaced_and_left_alone(filled: Run, tmp_path: Path) -> None:
    assert set(ids(filled)) == {"texts/fines.md", "texts/trains.txt"}
    (tmp_path / "texts" / "trains.txt").write_text(TRAINS.replace("spring", "autumn"))
    result = filled("add", "texts", "texts/fines.md")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "0 added, 1 replaced, 1 unchanged, 0 failed"
    [replaced] = [line for line in result.stdout.splitlines() if line.startswith("replaced")]
    assert ids(filled)["texts/trains.txt"] in replaced


def test_the_source_of_a_file(tmp_path: Path) -> None:
    library = tmp_path / "library"
    inside, outside = tmp_path / "a" / "b.txt", Path("/elsewhere/c.txt")
    assert source_of(inside, library) == "a/b.txt"
    assert source_of(outside, library) == "/elsewhere/c.txt"
    assert file_of("a/b.txt", library) == inside
    assert file_of("/elsewhere/c.txt", library) == outside


def test_a_file_that_cannot_be_read_stops_no_other(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"")
    (tmp_path / "b.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (tmp_path / "c.txt").write_text(TEXT)
    (tmp_path / "d.jsonl").write_text('{"no": "text"}')
    result = run("add", ".")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("added")
    assert [line.split(":")[0] for line in lines[1:4]] == [
        "failed    a.txt",
        "failed    b.txt",
        "failed    d.jsonl",
    ]
    assert "a.txt is empty" in lines[1]
    assert "b.txt is a PNG image" in lines[2]
    assert lines[4] == "1 added, 0 replaced, 0 unchanged, 3 failed"
    remembered = data(run("info", "--json"))
    assert {failure["source"] for failure in remembered["failed"]} == {"a.txt", "b.txt", "d.jsonl"}


def test_failures_are_tried_again(run: Run, tmp_path: Path) -> None:
    for name in ("gone.txt", "empty.txt", "mended.jsonl"):
        (tmp_path / name).write_text("")
    assert run("add", ".").exit_code == 1
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "mended.jsonl").write_text(json.dumps({"id": 1, "text": TEXT}))
    result = run("add", "--retry", "--json")
    assert result.exit_code == 1
    assert "dropped: gone.txt" in result.stderr
    assert [one["article"]["source"] for one in data(result)["outcomes"]] == ["mended.jsonl#1"]
    [failure] = data(run("info", "--json"))["failed"]
    assert (failure["source"], failure["attempts"]) == ("empty.txt", 2)


def test_encodings_are_read(run: Run, tmp_path: Path) -> None:
    spanish = (
        "El gobierno anunció el martes que la erradicación aérea no volverá este año, después de "
        "que las comunidades campesinas pidieran más inversión en caminos y mercados."
    )
    (tmp_path / "latin.txt").write_bytes(spanish.encode("latin-1"))
    (tmp_path / "wide.txt").write_bytes(TEXT.encode("utf-16"))
    assert run("add", "latin.txt", "wide.txt").exit_code == 0
    found = ids(run)
    assert data(run("show", found["latin.txt"], "--json"))["text"] == spanish
    assert data(run("show", found["wide.txt"], "--json"))["text"] == TEXT


def test_a_text_comes_from_standard_input(run: Run) -> None:
    result = run("add", "-", "--source", "wire:7", stdin=TEXT.encode())
    assert result.exit_code == 0
    assert list(ids(run)) == ["wire:7"]
    again = run("add", "-", "--source", "wire:7", "--json", stdin=TEXT.encode())
    assert data(again)["outcomes"][0]["action"] == "unchanged"
    lines = "\n".join(json.dumps({"text": f"{TRAINS} Part {n}."}) for n in (1, 2))
    several = run("add", "-", "--format", "jsonl", "--json", stdin=lines.encode())
    assert len(data(several)["outcomes"]) == 2


# --- reading -------------------------------------------------------------------------------------


def test_lists(filled: Run) -> None:
    rows = [line.split("\t") for line in filled("list").stdout.splitlines()]
    assert [row[0] for row in rows] == list(ids(filled).values())
    assert [row[3:] for row in rows] == [["Fines", "texts/fines.md"], ["", "texts/trains.txt"]]
    sorted_down = filled("list", "--sort", "title", "--descending", "--limit", "1", "--json")
    assert [one["title"] for one in data(sorted_down)["articles"]] == ["Fines"]
    assert data(filled("list", "--tag", "River", "--json"))["total"] == 1


def test_an_article_is_shown(filled: Run) -> None:
    fines = ids(filled)["texts/fines.md"]
    shown = filled("show", fines).stdout
    assert "title        Fines\n" in shown
    assert shown.endswith(f"\n\n{TEXT}\n")
    passages = PassagesOut.model_validate_json(filled("show", fines, "--passages", "--json").stdout)
    assert [passage.text for passage in passages.passages] == [TEXT]
    assert filled("show", fines, "--removals").stdout == "0 removals\n"


def test_articles_are_removed(filled: Run) -> None:
    fines = ids(filled)["texts/fines.md"]
    refused = filled("remove", fines, "nope")
    assert refused.exit_code == 2
    assert len(ids(filled)) == 2, "none goes when one is unknown"
    assert filled("remove", fines, fines).exit_code == 0
    assert list(ids(filled)) == ["texts/trains.txt"]


def test_answers_for_people(filled: Run) -> None:
    result = filled("ask", "When will the night train to the coast reopen?")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Answered (confidence: ")
    assert f"{TRAINS} [1]" in lines
    article = ids(filled)["texts/trains.txt"]
    assert f"    article {article}, characters 0 to {len(TRAINS)}" in lines


def test_few_words_and_what_sources_say_differently(run: Run, tmp_path: Path) -> None:
    texts = {
        "herald": "The Alma dam was finished in 1986. Neighbours talk of the weather and dogs.",
        "post": "Workers finished the Alma dam in 1989. The town sells wheat and old maps.",
    }
    for year, (name, text) in enumerate(texts.items(), 2001):
        (tmp_path / f"{name}.md").write_text(
            f"---\ntitle: {name}\npublisher: {name}\npublished: {year}\n---\n\n{text}\n"
        )
    assert run("add", "herald.md").exit_code == 0
    assert "\nIn short: 1986 [1]\n" in run("ask", "When was the Alma dam finished?").stdout
    assert run("add", "post.md").exit_code == 0
    shown = run("ask", "When was the Alma dam finished?").stdout
    assert "In short" not in shown
    assert "Sources disagree: When was the Alma dam finished?" in shown
    assert "  1986 (2001): “The Alma dam was finished in 1986.”" in shown
    assert "  1989 (2002): “Workers finished the Alma dam in 1989.”" in shown
    assert shown.count("(a newer source says something else)") == 1
    before = run("ask", "When was the Alma dam finished?", "--as-of", "2001").stdout
    assert "In short: 1986" in before
    assert "differ" not in before


def test_a_question_needs_no_quotation_marks(filled: Run) -> None:
    words = ("when", "will", "the", "night", "train", "to", "the", "coast", "reopen")
    assert filled("ask", *words).stdout == filled("ask", " ".join(words)).stdout
    assert filled("search", "night", "train").stdout == filled("search", "night train").stdout


def test_answers_for_programs(filled: Run) -> None:
    result = filled("--json", "ask", "When will the night train to the coast reopen?")
    assert data(result)["citations"][0]["exact"] == TRAINS
    assert result.stderr == ""


def test_what_the_library_does_not_hold(filled: Run) -> None:
    result = filled("ask", "Who discovered penicillin?")
    assert result.exit_code == 3
    assert result.stdout.startswith("Not in the library")
    assert "\nNothing that was found comes near this question.\n" in result.stdout
    assert "Closest passages:" in result.stdout
    filtered = filled("ask", "night train", "--from", "2020", "--json")
    assert filtered.exit_code == 3
    assert data(filtered)["nearest"] == []
    assert data(filled("ask", "night train", "--as-of", "2020", "--json"))["nearest"] == []
    filtered = filled("ask", "night train", "--from", "2020")
    assert "\nThe library, or what the filter lets through of it, is empty.\n" in filtered.stdout


def test_why_an_answer_or_none(filled: Run) -> None:
    question = "When will the night train to the coast reopen?"
    plain, why = filled("ask", question).stdout, filled("ask", question, "--explain").stdout
    assert why.startswith(plain)
    account = why.removeprefix(plain)
    assert account.startswith("\nWhy this answer\n")
    assert "If this answer is wrong, look first at " in account
    assert "\nSearch found 2 passages.\n" in account
    assert re.search(r"The confidence, 0\.\d{3}, reaches 0\.\d{3}\.\n", account)
    assert "\n1. texts/trains.txt: cited\n" in account
    result = filled("ask", "Who discovered penicillin?", "--explain")
    assert result.exit_code == 3
    said = "No passage that was searched holds any word of the question. If the library should "
    assert f"\nWhy no answer\n{said}answer this, look first at the library" in result.stdout
    explained = data(filled("ask", question, "--explain", "--json"))["explanation"]
    assert explained["stage"] in {"search", "ranking", "reading", "decision"}
    assert data(filled("ask", question, "--json"))["explanation"] is None


def test_searches(filled: Run) -> None:
    result = filled("search", "fines for waste", "--limit", "1")
    assert result.stdout.startswith("1. Fines")
    assert TEXT in result.stdout
    hits = data(filled("search", "fines", "--json", "--tag", "nothing"))["hits"]
    assert hits == []


def test_quotes_are_verified(filled: Run, tmp_path: Path) -> None:
    (tmp_path / "draft.txt").write_text(
        "They will “double the fines” and “reopen  the NIGHT train”."
    )
    good = filled("verify", "draft.txt")
    assert good.exit_code == 0
    assert "exact: “double the fines”" in good.stdout
    assert "normalised: “reopen  the NIGHT train”" in good.stdout
    assert "the article says: “reopen the night train”" in good.stdout
    bad = filled("verify", "-", "--json", stdin=b'He said "halve all the fines".')
    assert bad.exit_code == 1
    assert [one["match"] for one in data(bad)["verdicts"]] == ["not_found"]
    assert filled("verify", "--quote", "night train").exit_code == 0


def test_the_library_is_described(filled: Run) -> None:
    shown = filled("info").stdout
    assert "articles     2\n" in shown
    assert "failures     0\n" in shown
    assert data(filled("info", "--json"))["articles"] == 2


@pytest.mark.parametrize("words", [("upgrade", "--again"), ("reembed",)])
def test_a_library_is_encoded_anew(filled: Run, words: tuple[str, ...]) -> None:
    before = data(filled("info", "--json"))
    assert not data(filled("upgrade", "--json"))["upgraded"]  # it has the encoder already
    done = data(filled(*words, "--json"))
    assert done["upgraded"]
    assert done["articles"] == done["passages"] == 2
    assert done["encoder"] == before["encoder"]
    assert Path(done["copy_kept"]).is_file()
    after = data(filled("info", "--json"))
    assert after["generation"] == before["generation"] + 1
    assert filled("ask", "When will the night train to the coast reopen?").exit_code == 0


def test_control_characters_do_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    passage = {
        "id": "p",
        "article_id": "a",
        "start": 0,
        "end": 5,
        "article_sha256": "",
        "text": "a\x1b[2Jb [red]c",
        "kind": "paragraph",
        "headings": [],
        "sentences": [],
    }
    printing.passages(PassagesOut.model_validate({"generation": 1, "passages": [passage]}))
    assert "a\ufffd[2Jb [red]c" in capsys.readouterr().out


# --- failing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("ask", ""), 2, "expected at least one word"),
        (("ask", "ab " * 3_333 + "c"), 2, "10,000 characters"),
        (("ask", "x", "--from", "May 2025"), 2, "published_from is 'May 2025': expected a date"),
        (("ask", "x", "--to", "2025-02-30"), 2, "no such day"),
        (("search", "x", "--as-of", "soon"), 2, "as_of is 'soon': expected a date"),
        (("list", "--from", ""), 2, "published_from is '': expected a date"),
        (("ask", "half \udcff"), 2, "a lone surrogate"),
        (("show", "nope"), 2, "There is no article 'nope'"),
        (("remove", "nope"), 2, "There is no article 'nope'"),
        (("add",), 2, "nothing to add"),
        (("add", "nowhere.txt"), 2, "There is no file or folder 'nowhere.txt'"),
        (("verify",), 2, "a draft to check or --quote"),
        (("verify", "nowhere.txt"), 2, "nowhere.txt cannot be opened"),
        (("verify", "--quote", " "), 2, "A quote is empty"),
        (("list", "--limit", "0"), 2, "--limit"),
        (("list", "--sort", "rank"), 2, "'rank'"),
        (("serve", "--port", "70000"), 2, "from 0 to 65535"),
        (("frobnicate",), 2, "frobnicate"),
        pytest.param(
            ("--model", "no/such-model", "info"),
            2,
            "no/such-model",
            marks=pytest.mark.skipif(
                not os.environ.get("HF_HUB_OFFLINE"), reason="would ask the hub"
            ),
        ),
    ],
)
def test_bad_input_is_named(filled: Run, words: tuple[str, ...], code: int, said: str) -> None:
    before = ids(filled)
    result = filled(*words)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert ids(filled) == before


def test_without_a_library(run: Run, tmp_path: Path) -> None:
    for words in (("list",), ("ask", "x"), ("info",), ("upgrade",), ("remove", "x")):
        result = run(*words)
        assert result.exit_code == 2
        assert result.stderr.startswith("error: There is no library in library.")
        assert "sourcebook --library library add" in result.stderr
    assert not (tmp_path / "library").exists()


def test_errors_for_programs(filled: Run) -> None:
    result = filled("show", "nope", "--json")
    error = data(result)["error"]
    assert error["kind"] == "not-found"
    assert "'nope'" in error["message"]
    assert error["cure"] in result.stderr


def test_a_damaged_library(filled: Run, tmp_path: Path) -> None:
    (tmp_path / "library" / "sourcebook.db").write_bytes(b"\xa5" * 8192)
    result = filled("list")
    assert result.exit_code == 1
    assert "sourcebook.db is damaged" in result.stderr


def test_a_bad_setting(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCEBOOK_PORT", "http")
    result = run("info")
    assert result.exit_code == 2
    assert "SOURCEBOOK_PORT" in result.stderr


def test_the_library_comes_from_the_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch, seed_library: Library
) -> None:
    monkeypatch.setenv("SOURCEBOOK_LIBRARY", str(seed_library.folder))
    assert data(run("info", "--json"))["fingerprint"] == seed_library.fingerprint
    assert run("--library", "other", "info").exit_code == 2


# --- the program itself --------------------------------------------------------------------------


def test_help_and_version_are_quick_and_name_every_command() -> None:
    code = (
        "import sys; from sourcebook.eval.cli.app import main\n"
        "sys.argv = ['sourcebook', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'faiss', 'fastapi', 'sqlite3', 'rich.table'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )
    heavy = done.stdout.splitlines()[-1]
    assert not {"torch", "faiss", "fastapi", "sqlite3"} & set(json.loads(heavy.replace("'", '"')))
    for name in ("add", "list", "show", "remove", "search", "ask", "verify", "serve", "info"):
        assert f" {name} " in done.stdout


def test_a_real_process(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    command = [sys.executable, "-c", "from sourcebook.eval.cli.app import main; main()"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *words],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            check=False,
        )

    added = run("add", "a.txt", "--json")
    assert (added.returncode, added.stderr) == (0, "")
    assert json.loads(added.stdout)["outcomes"][0]["action"] == "added"
    missing = run("show", "nope")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr.startswith("error: There is no article 'nope'")
