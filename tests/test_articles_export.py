"""Articles exported and added again: the same texts, ids, metadata and answers."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import FINES, TRAINS, TRAINS_KNOWN, MakeLibrary, article_from
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app
from sourcebook.index.article import Article, Block, BlockKind, Metadata, Removal
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError, NotFoundError, StorageError, UnreadableError
from sourcebook.index.folder import DATABASE
from sourcebook.index.ingest import Action
from sourcebook.index.library import Library
from sourcebook.index.parsing.exported import as_line, as_markdown
from sourcebook.index.parsing.markup import parse_markdown
from sourcebook.index.parsing.parse import find_files, parse
from sourcebook.index.parsing.tidy import MAX_DEPTH
from sourcebook.service.asking.engine import Engine
from sourcebook.service.documents.articles_export import export_articles

QUESTIONS = (
    "What does decertification mean for Colombia?",
    "By how much did coca cultivation rise?",
    "Who doubled the fines for waste in the river?",
)
ALL_KNOWN = replace(
    TRAINS_KNOWN,
    modified="2025-10",
    retrieved="2026",
    tags=("rail", "night trains"),
    date_sources={"published": "html", "modified": "caller"},
    extra={"about": {"section": 3, "seen": [True, None]}},
)


def articles_in(library: Library) -> dict[str, Article]:
    with library.view() as view:
        return {one: view.article(one) for one, _ in view.sources()}


def read(path: Path) -> list[Article]:
    """The articles in a file or folder, as `sourcebook add` reads them."""
    return [
        article
        for file in find_files([path])
        for article in parse(file.read_bytes(), name=file.name, source=f"again/{file.name}")
    ]


def answers(library: Library) -> list[tuple[str, list[tuple[str, str]]]]:
    engine = Engine.of(library)
    found = [engine.ask(question) for question in QUESTIONS]
    return [
        (str(one.status), [(each.article.metadata.title, each.exact) for each in one.quoted])
        for one in found
    ]


@pytest.fixture(scope="module")
def library(
    encoder: Encoder, seed_articles: list[Article], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Library]:
    """A seed, its syndicated copy, and an article of which everything is known."""
    full = replace(
        article_from(TRAINS, "trains", ALL_KNOWN),
        removals=(Removal(rule="page numbers", start=3, end=4, text="7"),),
        raw=bytes(range(256)),
    )
    copy = replace(seed_articles[0], source="copies/one.md")
    folder = tmp_path_factory.mktemp("export") / "library"
    with Library(folder, encoder, create=True) as library:
        library.add([*seed_articles[:2], full, copy, article_from(FINES, "fines")])
        yield library


@pytest.mark.parametrize("raw", [False, True])
def test_jsonl_brings_everything_back(
    library: Library, encoder: Encoder, tmp_path: Path, raw: bool
) -> None:
    path = tmp_path / ("export" if raw else "export.jsonl")
    done = export_articles(library.folder, path, raw=raw)
    before = articles_in(library)
    assert (done.articles, done.files, done.failures) == (len(before), 1, [])
    with Library(tmp_path / "again", encoder, create=True) as again:
        again.add(read(path))
        after = articles_in(again)
        if not raw:
            bare = {one: replace(each, raw=b"", removals=()) for one, each in before.items()}
            assert bare == {one: replace(each, raw=b"") for one, each in after.items()}
        else:
            assert after == before
            assert {one.action for one in library.add(read(path))} == {Action.UNCHANGED}
        assert answers(again) == answers(library)
        assert {one.action for one in again.add(read(path))} == {Action.UNCHANGED}
        with library.view() as old, again.view() as new:
            assert {one.id: one.copy_of for one in old.records()} == {
                one.id: one.copy_of for one in new.records()
            }


def test_markdown_brings_texts_and_metadata_back(
    library: Library, encoder: Encoder, tmp_path: Path
) -> None:
    path = tmp_path / "export"
    done = export_articles(library.folder, path, format="markdown")
    before = articles_in(library).values()
    assert (done.articles, done.files) == (len(before), len(list(path.glob("*.md"))))
    after = {str(one.metadata.extra["source"]): one for one in read(path)}
    assert list(after) == [one.source for one in before]
    for one in before:
        found = after[one.source]
        assert (found.text, found.blocks) == (one.text, one.blocks)
        stated = replace(found.metadata, date_sources={}, extra={})
        assert stated == replace(one.metadata, date_sources={}, extra={})
        assert found.metadata.extra == {**one.metadata.extra, "source": one.source}
    with Library(tmp_path / "again", encoder, create=True) as again:
        again.add(after.values())
        assert [found for _, found in answers(again)] == [found for _, found in answers(library)]


SIGNS = st.text("ab1 .)-+=:#*_[]!<>&~`|\\/$\"'\n", min_size=1, max_size=30)


@given(texts=st.lists(SIGNS.filter(lambda text: bool(text.split())), min_size=1, max_size=4))
@hypothesis_settings(deadline=None, max_examples=60)
def test_markdown_takes_no_sign_of_a_text_for_its_own(texts: list[str]) -> None:
    parts = [" ".join(text.split()) for text in texts]
    whole, blocks = "", []
    kinds = [BlockKind.PARAGRAPH, BlockKind.HEADING, BlockKind.CAPTION]
    for number, part in enumerate(parts):
        start = len(whole) + 2 * bool(whole)
        whole = f"{whole}\n\n{part}" if whole else part
        blocks.append(Block(kinds[number % 3], start, len(whole)))
    article = Article(
        source="a.md", text=whole, blocks=tuple(blocks), metadata=Metadata(title="Signs")
    )
    found = parse_markdown(as_markdown(article), "a.md")
    assert (found.text, found.blocks) == (article.text, article.blocks)


TABLE = "| Port | Ton\\|nes \\* |\n|---|---|\n| -1. Turbo | 2 |\n| Tumaco | |\n"
GAPS = "| | 2022 | 2023 |\n|---|---|---|\n| Turbo | | 2 |\n| Cali | 3 | |\n"
LIST = "Exempt are\n\n- # cars\n\n  Of the police.\n\n  - 1\\. old\n  - new\n- boats\n"


@pytest.mark.parametrize("body", [TABLE, GAPS, LIST, f"{LIST}\nFees:\n\n{TABLE}\n{TABLE}\n{LIST}"])
def test_markdown_brings_tables_and_lists_back(body: str) -> None:
    [article] = parse(f"{FINES}\n\n{body}\n{FINES}".encode(), name="a.md", source="a")
    assert sum(one.lead is not None for one in article.blocks) >= 2
    [again] = parse(as_markdown(article).encode(), name="a.md", source="a")
    assert (again.text, again.blocks) == (article.text, article.blocks)


def test_markdown_leads_into_nothing_that_was_led_into_by_something_else() -> None:
    """The words that led into the list were taken out, and those before them do not."""
    blocks = (Block(BlockKind.PARAGRAPH, 0, 5), Block(BlockKind.ITEM, 7, 11))
    article = Article(source="a", text="Fees:\n\nboat", blocks=blocks, metadata=Metadata(title="F"))
    again = parse_markdown(as_markdown(article), "a.md")
    assert [one.lead for one in again.blocks] == [None, None]
    assert again.text == article.text


def member(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda record: record.update({name: value})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (member("sourcebook", 2), "sourcebook is 2; expected 1"),
        (member("text", FINES + " Not."), "belongs to no block"),
        (member("text", FINES.replace("double", "halve!")), "not the one that was exported"),
        (member("source", 7), "source is 7"),
        (member("authors", "Ada"), "authors is 'Ada'; expected a list"),
        (member("tags", [1]), "tags is 1"),
        (member("extra", []), "extra is []; expected an object"),
        (member("extra", {"a": [{"\udc00": 1}]}), "half a character"),
        (member("title", "Fines \ud800"), "half a character"),
        (member("title", "Fines " * 400), "title of a.jsonl, line 1 has 2,399 characters"),
        (member("source", "fines\udfff"), "half a character"),
        (
            member("removals", [{"rule": "x", "start": 0, "end": 1, "text": "\ud83d"}]),
            "half a character",
        ),
        (member("date_sources", {"published": 1}), "published is 1"),
        (member("published", "soon"), "published is 'soon'"),
        (member("url", "ftp://x"), "url is 'ftp://x'"),
        (member("blocks", [["verse", 0, 3]]), "verse"),
        (member("blocks", [["paragraph", 0.0, 3]]), "expected a number"),
        (member("blocks", 3), "not iterable"),
        (member("raw", "%"), "base64"),
        (member("removals", [{"rule": "x"}]), "missing"),
        (lambda record: record.pop("sha256"), "it has no 'sha256'"),
    ],
)
def test_a_line_that_is_not_as_it_was_written(
    change: Callable[[dict[str, Any]], object], said: str
) -> None:
    record = json.loads(as_line(article_from(FINES, "fines"), raw=True))
    change(record)
    with pytest.raises(UnreadableError) as error:
        parse(json.dumps(record).encode(), name="a.jsonl", source="a.jsonl")
    assert said in error.value.message
    assert "a.jsonl, line 1" in error.value.message
    assert "Export it again" in error.value.cure


def test_what_can_be_added_can_be_added_again() -> None:
    deep: object = 1
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    [article] = parse(
        json.dumps({"text": FINES, "deep": deep}).encode(), name="a.jsonl", source="a"
    )
    assert article.metadata.extra == {"deep": deep}
    assert parse(as_line(article, raw=True), name="b.jsonl", source="b") == [article]
    [again] = parse(as_markdown(article).encode(), name="b.md", source="b")
    assert again.metadata.extra["deep"] == deep


def test_what_a_caller_says_of_an_exported_article_takes_precedence() -> None:
    line = as_line(article_from(TRAINS, "trains", ALL_KNOWN), raw=False)
    [found] = parse(line, name="a.jsonl", source="b", overrides=Metadata(publisher="Herald"))
    assert (found.source, found.metadata.publisher) == ("trains.txt", "Herald")
    assert found.metadata.title == TRAINS_KNOWN.title


def test_no_file_is_larger_than_what_can_be_added(
    make_library: MakeLibrary, tmp_path: Path
) -> None:
    huge = b"\xff" * 4_000  # two of them fit into no file of 10 kB, as base64
    parts = [
        replace(article_from(f"Part {number} of it.", f"part-{number}"), raw=huge)
        for number in range(2)
    ]
    larger = replace(article_from("The largest.", "largest"), raw=huge * 2)
    library = make_library([*parts, larger])
    done = export_articles(library.folder, tmp_path / "export", raw=True, most=10_000)
    assert (done.articles, done.files, done.without_raw) == (3, 2, ["largest.txt"])
    assert {one.source for one in read(tmp_path / "export")} == {
        one.source for one in (*parts, larger)
    }
    with pytest.raises(InputError, match="more than the"):
        export_articles(library.folder, tmp_path / "one.jsonl", raw=True, most=10_000)
    assert not (tmp_path / "one.jsonl").exists()


def test_a_damaged_article_is_left_out_by_name(make_library: MakeLibrary, tmp_path: Path) -> None:
    library = make_library(fines=FINES, trains=TRAINS)
    with closing(sqlite3.connect(library.folder / DATABASE)) as connection:
        connection.execute("UPDATE articles SET text = 'false' WHERE source = 'fines.txt'")
        connection.commit()
    path = tmp_path / "e.jsonl"
    words = ["--library", str(library.folder), "export", str(path)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert f"{path} holds 1 article in 1 file." in result.stdout
    assert "'fines.txt'" in result.stdout
    assert [one.source for one in read(path)] == ["trains.txt"]
    os.remove(path)
    assert json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["articles"] == 1


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("there.jsonl", {}, "is there already"),
        ("full", {}, "is there already"),
        ("none/e", {}, "no folder"),
        ("e.jsonl", {"format": "markdown"}, "all articles in one file"),
        ("e", {"format": "markdown", "raw": True}, "original bytes"),
    ],
)
def test_a_path_that_cannot_be_used(
    make_library: MakeLibrary, tmp_path: Path, name: str, options: dict[str, Any], said: str
) -> None:
    (tmp_path / "there.jsonl").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").touch()
    folder = make_library().folder
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=said):
        export_articles(folder, tmp_path / name, **options)
    with pytest.raises(InputError, match="no articles"):
        export_articles(folder, tmp_path / "empty")
    with pytest.raises(NotFoundError):
        export_articles(tmp_path / "full", tmp_path / "e")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_name_that_the_disk_refuses(make_library: MakeLibrary, tmp_path: Path) -> None:
    folder = make_library(fines=FINES).folder
    with pytest.raises(StorageError, match="cannot be written"):
        export_articles(folder, tmp_path / ("n" * 300))
