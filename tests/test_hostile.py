"""Files and texts that are made to hurt: each is read or refused by name, and stops no other."""

import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from attacks import parser_fuzz
from conftest import FINES, MakeLibrary, article_from
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app
from sourcebook.index.article import Metadata
from sourcebook.index.backup import backup
from sourcebook.index.check import check
from sourcebook.index.errors import SourcebookError, TooLargeError, UnreadableError
from sourcebook.index.ingest import Action
from sourcebook.index.parsing import tidy
from sourcebook.index.parsing.html import MAX_TAGS
from sourcebook.index.parsing.markup import COMMENT, MAX_FRONT_MATTER, TAG
from sourcebook.index.parsing.parse import find_files, parse
from sourcebook.service.adding.files import add_files, add_with_progress
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.documents.articles_export import export_articles
from sourcebook.service.http.app import create_app
from sourcebook.service.writing.checks import sentences_of

BILLIONS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


def line(**record: object) -> bytes:
    return json.dumps({"text": FINES, **record}).encode()


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (f"---\n{BILLIONS}---\n{FINES}".encode(), "a.md", "alias"),
        (f"---\na: &a [*a]\n---\n{FINES}".encode(), "a.md", "alias"),
        (f"---\na: {'[' * 900}{']' * 900}\n---\n{FINES}".encode(), "a.md", "front matter"),
        (f"---\nn: {'9' * 5_000}\n---\n{FINES}".encode(), "a.md", "5,000 characters"),
        (f"---\nn: 0x{'f' * 18}\n---\n{FINES}".encode(), "a.md", "63 bits"),
        (f"---\na: {'x' * MAX_FRONT_MATTER}\n---\n{FINES}".encode(), "a.md", "front matter"),
        (f"---\ntitle: {'x' * 3_000}\n---\n{FINES}".encode(), "a.md", "title of a.md has 3,000"),
        (line(extra=nested(260)), "a.jsonl", "more than 20 levels"),
        (line(extra="x" * 200_000), "a.jsonl", "further metadata"),
        (b'{"text": "x", "n": ' + b"9" * 5_000 + b"}", "a.jsonl", "5,000 digits"),
        (b'{"text": "x", "n": ' + b"[" * 9_000 + b"}", "a.jsonl", "is not JSON"),
        (line(id=["a"]), "a.jsonl", "id of a.jsonl, line 1"),
        (line(source={"a": 1}), "a.jsonl", "source of a.jsonl, line 1"),
        (b"<html><body>" + b"<p>1 " * (MAX_TAGS + 1), "a.html", "tags"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "a.txt", "PNG"),
        (b"PK\x03\x04" + b"\0" * 100, "a.html", "ZIP"),
        (b"\0\0\0", "a.txt", "NUL"),
    ],
)
def test_what_would_hurt_is_refused_by_name(data: bytes, name: str, says: str) -> None:
    with pytest.raises(UnreadableError if says != "tags" else TooLargeError, match=says):
        parse(data, name=name, source=name)


def test_ten_thousand_divs_are_read_or_refused() -> None:
    page = b"<div>" * 10_000 + FINES.encode() * 5 + b"</div>" * 10_000
    with suppress(SourcebookError):
        [article] = parse(b"<html><body>" + page, name="a.html", source="a")
        assert "double the fines" in article.text
    # As one of other files that are read: neither takes down the process.
    assert parse(FINES.encode(), name="b.txt", source="b")[0].text


def test_a_comment_without_an_end_is_scanned_once() -> None:
    """Forty kilobytes of these took 12 s: each was looked for an end to the end of the text."""
    text = "<div>" + "<!--" * 200_000
    assert TAG.sub(" ", COMMENT.sub(" ", text)).split() == []
    assert "".join(TAG.sub("", "<" * 100_000).split()) == "<" * 100_000
    [article] = parse(f"<div>\n<b>{FINES}</b> <!-- {FINES} -->\n".encode(), name="a.md", source="a")
    assert article.text == FINES


@pytest.mark.parametrize(
    "text", [" " * 200_000 + "x", "[1 " * 60_000, ".!" * 100_000, "1 , " * 50_000]
)
def test_citation_marks_are_looked_for_once(text: str) -> None:
    """Text of nothing but spaces took a time that grew with its square."""
    assert not any(numbers for _, numbers in sentences_of(text))


def test_metadata_are_lines_that_command_nothing() -> None:
    spoilt = "One\nTwo\tThree\x1b[2J \u202efour\u2066 \ud800"
    record = line(title=spoilt, authors=[spoilt], published=None, note=spoilt, id="a\nb\u202e")
    [article] = parse(record, name="a.jsonl", source="s")
    assert article.metadata.title == "One Two Three[2J four \ufffd"
    assert article.metadata.authors == ("One Two Three[2J four \ufffd",)
    assert article.source == "s#a b"
    assert article.metadata.extra == {"note": "One\nTwo\tThree[2J four \ufffd"}
    [article] = parse(FINES.encode(), name="a.txt", source="s", overrides=Metadata(title=spoilt))
    assert article.metadata.title == "One Two Three[2J four \ufffd"


def test_half_a_character_in_a_text_is_replaced() -> None:
    [article] = parse(
        b'{"text": "Fines \\ud800 doubled, \\ud83d\\ude82 said."}', name="a.jsonl", source="s"
    )
    assert article.text == "Fines \ufffd doubled, 🚂 said."
    article.text.encode()


def test_numbers_that_json_lacks_are_no_value() -> None:
    [article] = parse(b'{"text": "Fines.", "a": NaN, "b": -Infinity}', name="a.jsonl", source="s")
    assert article.metadata.extra == {"a": None, "b": None}
    [article] = parse(f"---\na: .nan\n---\n{FINES}".encode(), name="a.md", source="s")
    assert article.metadata.extra == {"a": "nan"}


def test_depth_is_counted_without_recursion() -> None:
    tidy.refuse_depth(nested(tidy.MAX_DEPTH), "it")
    for levels in (tidy.MAX_DEPTH + 2, 100_000):
        with pytest.raises(UnreadableError, match="nested"):
            tidy.refuse_depth(nested(levels), "it")


def odd_folder(folder: Path) -> Path:
    """A folder with one good file, and with what else may lie in one."""
    outside = folder / "outside"
    wanted = folder / "wanted"
    (wanted / "deep").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.txt").write_text("The secret of the other folder is four crowns.")
    (wanted / "good.txt").write_text(FINES)
    (wanted / "deep" / "two\nlines\x1b.txt").write_text(FINES.replace("river", "lake"))
    (wanted / "out.txt").symlink_to(outside / "secret.txt")
    (wanted / "inside.txt").symlink_to(wanted / "good.txt")
    (wanted / "loop").symlink_to(wanted)
    (wanted / "self.txt").symlink_to(wanted / "self.txt")
    (wanted / "zip.txt").write_bytes(b"PK\x03\x04" + b"\0" * 50)
    os.mkfifo(wanted / "pipe.txt")
    return wanted


def test_odd_files_of_a_folder_are_named_and_stop_no_other(
    tmp_path: Path, make_library: MakeLibrary
) -> None:
    odd: list[tuple[Path, SourcebookError]] = []
    files = list(find_files([odd_folder(tmp_path)], lambda *each: odd.append(each)))
    assert [file.name for file in files] == [
        "good.txt",
        "inside.txt",
        "zip.txt",
        "two\nlines\x1b.txt",
    ]
    found, left = add_with_progress(make_library(), files, odd=odd)
    assert [(one.action, one.article.source) for one in found.outcomes] == [
        ("added", "wanted/good.txt"),
        ("added", "wanted/inside.txt"),
        ("added", "wanted/deep/two\\nlines\\x1b.txt"),
    ]
    assert {one.source: one.message for one in found.failures} == {
        "wanted/out.txt": "out.txt was left out: it is a link out of the folder.",
        "wanted/pipe.txt": "pipe.txt was left out: it is no file.",
        "wanted/self.txt": "self.txt was left out: it is a link to nothing.",
        "wanted/zip.txt": "zip.txt is a ZIP archive or office document; expected text.",
    }
    assert left == 0
    assert list(find_files([tmp_path / "wanted" / "out.txt"])) == [tmp_path / "wanted" / "out.txt"]
    with pytest.raises(UnreadableError, match="neither a file nor a folder"):
        list(find_files([tmp_path / "wanted" / "pipe.txt"]))


def test_what_becomes_a_pipe_after_it_was_found_holds_up_nobody(
    tmp_path: Path, make_library: MakeLibrary
) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    errors: list[SourcebookError] = []
    added = add_files(
        make_library(), [tmp_path / "pipe.txt"], failed=lambda _, error: errors.append(error)
    )
    assert list(added) == []
    assert "cannot be opened" in str(errors[0])


def test_a_draft_may_come_from_a_pipe(tmp_path: Path, make_library: MakeLibrary) -> None:
    library = make_library(fines=FINES)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(
        target=pipe.write_text, args=("“double the fines for dumping waste”",)
    )
    writer.start()
    found = CliRunner().invoke(app, ["--library", str(library.folder), "verify", str(pipe)])
    writer.join()
    assert (found.exit_code, "exact" in found.output) == (0, True)


def test_a_title_cannot_forge_rows_of_the_list(make_library: MakeLibrary) -> None:
    library = make_library()
    forged = Metadata(title="Fines\nfeed\tbeef\tGazette\u202e")  # as an older version stored it
    library.add([article_from(FINES, "fines", forged)])
    listed = CliRunner().invoke(app, ["--library", str(library.folder), "list"]).stdout
    assert len(listed.splitlines()) == 1
    assert listed.count("\t") == 4
    assert "\u202e" not in listed


def test_what_is_nested_too_deep_is_refused_and_the_list_goes_on(make_library: MakeLibrary) -> None:
    library = make_library(fines=FINES)
    with TestClient(create_app(Answering(Engine.of(library)))) as client:
        body = {"text": FINES, "extra": {"a": nested(100)}}
        refused = client.post("/v1/articles", json=body)
        assert (refused.status_code, "nested" in refused.json()["detail"]) == (422, True)
        assert len(client.get("/v1/articles").json()["articles"]) == 1
        assert client.get("/v1/ask", params={"q": "fines"}).status_code == 200


def test_what_an_earlier_release_stored_too_deep_is_not_shown(
    make_library: MakeLibrary, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    library = make_library(fines=FINES)
    deep = Metadata(extra={"deep": nested(300), "kept": nested(20)})
    library.add([article_from("The night train runs again.", "trains", deep)])
    with TestClient(create_app(Answering(Engine.of(library)))) as client:
        shown = {one["title"]: one for one in client.get("/v1/articles").json()["articles"]}
        assert len(shown) == 2
        assert [*next(one for one in shown.values() if one["extra"])["extra"]] == ["kept"]
    assert "'deep' of the article" in caplog.text
    # It stays in the library as it was added.
    assert check(library) == []
    [outcome] = library.add([article_from("The night train runs again.", "trains", deep)])
    assert outcome.action is Action.UNCHANGED
    library.remove(outcome.record.id)
    library.restore(outcome.record.id)
    export_articles(library.folder, tmp_path / "e", format="markdown")
    export_articles(library.folder, tmp_path / "e.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "e.jsonl").read_bytes().splitlines()]
    assert lines[1]["extra"] == deep.extra
    assert backup(library.folder, tmp_path / "b.db").articles == 2


HALF = "What of \ud800?"
DOORS: dict[str, dict[str, object]] = {
    "/v1/ask": {"question": HALF},
    "/v1/search": {"question": HALF},
    "/v1/verify": {"quotes": [HALF]},
    "/v1/chat/completions": {
        "model": "sourcebook",
        "messages": [{"role": "user", "content": HALF}],
    },
    "/v1/vector_stores/library/search": {"query": HALF},
    "/v2/rerank": {"model": "sourcebook", "query": HALF, "documents": [HALF]},
    "/mcp": {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "search", "arguments": {"query": HALF}},
    },
}


def test_half_a_character_at_any_door_is_no_defect(make_library: MakeLibrary) -> None:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    with TestClient(create_app(Answering(Engine.of(make_library(fines=FINES))))) as client:
        for door, body in DOORS.items():
            found = client.post(door, content=json.dumps(body), headers=headers)
            assert found.status_code in (200, 400, 422), (door, found.text)
        for asked in ("/v1/ask?q=%ED%A0%80", "/v1/articles?words=%ED%A0%80"):
            assert client.get(asked).status_code in (200, 422)


def test_a_few_rounds_of_spoilt_files() -> None:
    assert parser_fuzz.attack(20, Path()).faults == ()
