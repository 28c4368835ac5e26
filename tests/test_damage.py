"""Damage on disk: false words are never quoted, and all that is not damaged goes on."""

import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from attacks import bit_flips
from conftest import article_from
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app
from sourcebook.index.article import Article, article_id
from sourcebook.index.check import check
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import DamagedError, LibraryError
from sourcebook.index.folder import DATABASE
from sourcebook.index.ingest import Action
from sourcebook.index.library import Library
from sourcebook.index.storage.damage import miscounted
from sourcebook.index.storage.records import ArticleRecord, Moment
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.documents import catalogue
from sourcebook.service.documents.verify import Match, verify
from sourcebook.service.http.app import create_app
from sourcebook.service.opening import upgrade_to

DAMAGED = article_id("coca.txt")
QUESTION = "By how much did coca grow in Cauca?"
TRUE, FALSE = "by 266 percent", "by 366 percent"
ARTICLES: tuple[Article, ...] = (
    article_from(f"In the province of Cauca, coca grew {TRUE} in four years.", "coca"),
    article_from("Coca grew fast in Cauca, says the governor of the province.", "governor"),
    article_from("The night train to the coast runs again in spring.", "trains"),
)

OpenDamaged = Callable[..., Library]


@pytest.fixture
def folder(encoder: Encoder, tmp_path: Path) -> Path:
    with Library(tmp_path / "library", encoder, create=True) as library:
        library.add(ARTICLES)
    return tmp_path / "library"


@pytest.fixture
def open_damaged(folder: Path, encoder: Encoder) -> Iterator[OpenDamaged]:
    """Opens the library after changes in SQL that no library would make."""
    opened: list[Library] = []

    def damage(*statements: str) -> Library:
        with closing(sqlite3.connect(folder / DATABASE)) as connection:
            for statement in statements:
                assert connection.execute(statement).rowcount > 0
            connection.commit()
        opened.append(Library(folder, encoder))
        return opened[-1]

    yield damage
    for library in opened:
        library.close()


def falsify(table: str) -> str:
    return f"UPDATE {table} SET text = replace(text, '{TRUE}', '{FALSE}') WHERE text LIKE '%266%'"


def quotes(library: Library) -> list[str]:
    answer = Engine.of(library).ask(QUESTION)
    return [citation.exact for citation in answer.quoted]


def added_again(library: Library) -> set[str]:
    """The sources that are replaced when all are added again: the cure that the errors name."""
    outcomes = library.add(ARTICLES)
    return {each.record.source for each in outcomes if each.action is Action.REPLACED}


@pytest.mark.parametrize("place", range(3))
def test_a_flipped_bit_is_never_quoted(folder: Path, encoder: Encoder, place: int) -> None:
    """The words stand in the text, in the original bytes and in a passage; each is hit once."""
    whole = (folder / DATABASE).read_bytes()
    places = [at for at in range(len(whole)) if whole.startswith(TRUE.encode(), at)]
    assert len(places) == 3
    at = places[place] + len("by ")
    # 2 and 3 differ by one bit.
    (folder / DATABASE).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with Library(folder, encoder) as library:
        assert all(FALSE not in quote for quote in quotes(library))
        [verdict] = verify(library, [FALSE])
        assert verdict.match is Match.NOT_FOUND
        found = Engine.of(library).find(QUESTION).hits
        assert found
        assert all(FALSE not in hit.passage.text for hit in found)
        assert added_again(library) == {"coca.txt"}
        assert TRUE in " ".join(quotes(library))
        assert library.article(DAMAGED) == ARTICLES[0]


@pytest.mark.parametrize("table", ["articles", "passages"])
def test_the_rest_goes_on(
    open_damaged: OpenDamaged, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    library = open_damaged(falsify(table))
    with caplog.at_level(logging.ERROR):
        sources = {hit.citation.article.source for hit in Engine.of(library).find(QUESTION).hits}
    assert sources == {"governor.txt", "trains.txt"}
    said = [one.getMessage() for one in caplog.records]
    assert ["'coca.txt' is damaged" in one for one in said] == [True]
    assert library.article(article_id("trains.txt")) == ARTICLES[2]
    assert [outcome.action for outcome in library.add(ARTICLES[1:])] == [Action.UNCHANGED] * 2


@pytest.mark.parametrize(
    "damage",
    [
        falsify("articles"),
        "UPDATE articles SET blocks = '[[' WHERE source = 'coca.txt'",
        "UPDATE articles SET removals = '[{}]' WHERE source = 'coca.txt'",
        "UPDATE articles SET authors = '{' WHERE source = 'coca.txt'",
        "UPDATE articles SET published = '20x5' WHERE source = 'coca.txt'",
        "UPDATE articles SET text = CAST(x'ff' || text AS TEXT) WHERE source = 'coca.txt'",
    ],
)
def test_a_damaged_article_is_refused_by_name(open_damaged: OpenDamaged, damage: str) -> None:
    library = open_damaged(damage)
    with pytest.raises(DamagedError) as error:
        library.article(DAMAGED)
    assert DAMAGED in error.value.message
    assert "'coca.txt'" in error.value.message
    assert "Add it again" in error.value.cure
    with pytest.raises(DamagedError):
        verify(library, [TRUE], DAMAGED)
    assert {record.source for record in _records(library)} >= {"governor.txt", "trains.txt"}
    assert quotes(library)
    assert added_again(library) == {"coca.txt"}
    assert library.article(DAMAGED) == ARTICLES[0]
    assert library.drift() == []


@pytest.mark.parametrize(
    "damage",
    [
        falsify("passages"),
        "UPDATE passages SET sentences = '' WHERE text LIKE '%266%'",
        "UPDATE passages SET headings = '{' WHERE text LIKE '%266%'",
        "UPDATE passages SET kind = 'x' WHERE text LIKE '%266%'",
        'UPDATE passages SET "end" = "end" - 1 WHERE text LIKE \'%266%\'',
    ],
)
def test_a_damaged_passage_is_refused_by_name(open_damaged: OpenDamaged, damage: str) -> None:
    library = open_damaged(damage)
    with library.view() as view:
        [row] = view.passage_rowids(view.record(DAMAGED).rowid)
    with pytest.raises(DamagedError, match=r"coca\.txt"):
        catalogue.passages(library, DAMAGED)
    with closing(sqlite3.connect(library.folder / DATABASE)) as connection:
        [(wanted,)] = connection.execute("SELECT id FROM passages WHERE rowid = ?", (row,))
    with pytest.raises(DamagedError, match=r"coca\.txt"):
        catalogue.passage(library, wanted)
    assert "366" not in " ".join(quotes(library))
    assert added_again(library) == {"coca.txt"}
    assert TRUE in catalogue.passages(library, DAMAGED).passages[0].text


def test_what_is_damaged_while_it_is_open(open_damaged: OpenDamaged) -> None:
    """The passage was compared before; its text is hashed again when it is quoted."""
    library = open_damaged()
    engine = Engine.of(library)
    assert TRUE in " ".join(hit.citation.exact for hit in engine.find(QUESTION).hits)
    with closing(sqlite3.connect(library.folder / DATABASE)) as connection:
        connection.execute(falsify("articles"))
        connection.execute(falsify("passages"))
        connection.commit()
    found = engine.find(QUESTION).hits
    assert all(hit.citation.article.source != "coca.txt" for hit in found)
    assert found


def test_an_article_that_is_damaged_in_the_midst_of_a_question(open_damaged: OpenDamaged) -> None:
    """What was compared a moment ago is refused when it is quoted, and left out afterwards."""
    library = open_damaged()
    engine = Engine.of(library)
    assert len(engine.find(QUESTION).hits) == 3
    with closing(sqlite3.connect(library.folder / DATABASE)) as connection:
        connection.execute(falsify("articles"))
        connection.commit()
    with pytest.raises(DamagedError, match=r"coca\.txt"):
        engine.find(QUESTION)
    assert len(engine.find(QUESTION).hits) == 2


def test_over_http_damage_is_a_problem(open_damaged: OpenDamaged) -> None:
    library = open_damaged(falsify("articles"))
    client = TestClient(create_app(Answering(Engine.of(library))), raise_server_exceptions=False)
    for path in (f"/v1/articles/{DAMAGED}", f"/v1/articles/{DAMAGED}/passages"):
        response = client.get(path)
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert (response.status_code, problem["type"]) == (503, "/problems/library")
        assert "'coca.txt'" in problem["detail"]
        assert "Add it again" in problem["cure"]
    answer = client.get("/v1/ask", params={"q": QUESTION})
    assert answer.status_code == 200
    assert FALSE not in answer.text
    assert client.get("/v1/articles").json()["total"] == 3
    assert client.delete(f"/v1/articles/{DAMAGED}").status_code == 200


@pytest.mark.parametrize("page", ["first", "last"])
def test_a_malformed_database_is_named_with_its_cure(
    folder: Path, encoder: Encoder, page: str
) -> None:
    database = folder / DATABASE
    content = bytearray(database.read_bytes())
    start = 100 if page == "first" else len(content) // 2
    content[start : start + 40_000] = b"\xff" * len(content[start : start + 40_000])
    database.write_bytes(content)
    with pytest.raises(LibraryError) as error:
        _read_everything(folder, encoder)
    assert str(database) in error.value.message or "articles" in error.value.message
    assert error.value.cure


@pytest.mark.parametrize(
    "damage",
    [
        falsify("articles"),
        "UPDATE articles SET title = 'Cuca' WHERE source = 'coca.txt'",
        "UPDATE articles SET published = '2015' WHERE source = 'coca.txt'",
        "UPDATE articles SET copy_of = 2 WHERE source = 'coca.txt'",
        "UPDATE articles SET authors = '{' WHERE source = 'coca.txt'",
        "UPDATE articles SET raw = CAST('other' AS BLOB) WHERE source = 'coca.txt'",
    ],
)
def test_a_check_names_what_is_damaged(open_damaged: OpenDamaged, damage: str) -> None:
    library = open_damaged(damage)
    [found] = check(library)
    assert "'coca.txt'" in found.what
    assert "Add it again" in found.cure
    assert check(library, repair=True) == [found]  # and no advice to repair it again
    assert added_again(library) == {"coca.txt"}
    assert check(library) == []


@pytest.mark.parametrize(
    "damage",
    [
        falsify("passages"),
        *(
            f"UPDATE vectors SET {blob} = CAST(x'ff' || substr({blob}, 2) AS BLOB) WHERE passage = "
            "(SELECT rowid FROM passages WHERE text LIKE '%266%')"
            for blob in ("pooled", "tokens", "pieces", "starts")
        ),
        "DELETE FROM vectors WHERE passage = (SELECT rowid FROM passages WHERE text LIKE '%266%')",
    ],
)
def test_damaged_passages_are_repaired(
    open_damaged: OpenDamaged, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    sound = open_damaged()
    expected = Engine.of(sound).ask(QUESTION)
    library = open_damaged(damage)
    with caplog.at_level(logging.ERROR):
        assert TRUE not in " ".join(quotes(library))
    assert "damaged" in caplog.text
    assert "coca.txt" in caplog.text
    found = check(library)
    assert any("'coca.txt'" in one.what for one in found)
    assert all("check --repair" in one.cure for one in found)
    assert check(library, repair=True) == []
    assert Engine.of(library).ask(QUESTION).quoted == expected.quoted


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE articles SET published = '2015' WHERE source = 'coca.txt'",
        "UPDATE articles SET title = 'Cuca' WHERE source = 'coca.txt'",
        "UPDATE articles SET url = 'https://elsewhere.example' WHERE source = 'coca.txt'",
    ],
)
def test_false_metadata_is_never_cited(
    open_damaged: OpenDamaged, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    library = open_damaged(damage)
    with caplog.at_level(logging.ERROR):
        hits = Engine.of(library).find(QUESTION).hits
    assert {hit.citation.article.source for hit in hits} == {"governor.txt", "trains.txt"}
    assert "'coca.txt' is damaged" in caplog.text
    assert "coca.txt" not in {record.source for record in _records(library)}
    for look in (catalogue.article, catalogue.passages):
        with pytest.raises(DamagedError, match=r"coca\.txt"):
            look(library, DAMAGED)
    assert library.remove(DAMAGED).source == "coca.txt"
    with pytest.raises(DamagedError, match=r"coca\.txt"):
        library.restore(DAMAGED)


def test_counts_are_compared_and_repaired(
    open_damaged: OpenDamaged, caplog: pytest.LogCaptureFixture
) -> None:
    sound = open_damaged()
    with sound.view() as view:
        expected = view.counted_pieces()
        assert not miscounted(view)
    library = open_damaged("UPDATE piece_counts SET passages = passages + 4")
    Engine.of(library).ask(QUESTION)
    assert "the count of a word piece is damaged" in caplog.text
    assert ["counts" in one.what for one in check(library)] == [True]
    assert check(library, repair=True) == []
    with library.view() as view:
        assert view.piece_counts(expected) == expected


def test_a_damaged_record_of_the_library_is_named(folder: Path, encoder: Encoder) -> None:
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute("UPDATE meta SET value = x'00' || substr(value, 2) WHERE key = 'codec'")
        connection.commit()
    with pytest.raises(LibraryError, match="codec is missing or damaged") as error:
        Library(folder, encoder)
    assert "sourcebook upgrade --again" in error.value.cure


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (("UPDATE meta SET value = 7 WHERE key = 'originals'",), ""),  # which is found out anew
        (
            (
                "DELETE FROM meta WHERE key = 'originals'",
                "UPDATE articles SET copy_of = 99 WHERE source = 'coca.txt'",
            ),
            "'coca.txt'",
        ),
        (("UPDATE meta SET value = 7 WHERE key = 'cutting'",), "its cutting"),
        (("INSERT INTO meta VALUES ('upgrade', '{}', 7)",), "its upgrade"),
    ],
)
def test_a_library_opens_without_what_can_be_found_out_or_done_anew(
    open_damaged: OpenDamaged, damage: tuple[str, ...], named: str
) -> None:
    library = open_damaged(*damage)
    assert [named in one.what for one in check(library)] == [True] * bool(named)
    again = upgrade_to(library, "")
    assert again == (library.encoder.name if "cutting" in named else None)
    assert library.info()["upgrade"] is None
    assert quotes(library)


def test_a_check_repairs_indexes(open_damaged: OpenDamaged) -> None:
    library = open_damaged()
    library.indexes.dense.catch_up(Moment(99, 1), [], [1])
    assert [("dense" in one.what, "--repair" in one.cure) for one in check(library)] == [
        (True, True),
        (True, True),
    ]
    assert check(library, repair=True) == []
    assert TRUE in " ".join(quotes(library))


def test_a_check_on_the_command_line(folder: Path, open_damaged: OpenDamaged) -> None:
    words = ["--library", str(folder), "check"]
    sound = CliRunner().invoke(app, words)
    assert (sound.exit_code, sound.stdout.strip()) == (0, "No damage found.")
    open_damaged(falsify("articles")).close()
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 1
    [damage] = json.loads(result.stdout)["damage"]
    assert "'coca.txt'" in damage["what"]
    shown = CliRunner().invoke(app, ["--library", str(folder), "show", DAMAGED])
    assert shown.exit_code == 1
    assert "'coca.txt'" in shown.stderr
    assert "Traceback" not in shown.output


def _read_everything(folder: Path, encoder: Encoder) -> None:
    with Library(folder, encoder) as library:
        for record in _records(library):
            library.article(record.id)
        verify(library, ["a quote that is nowhere"])
        library.add([article_from("Something new.", "new")])


def _records(library: Library) -> list[ArticleRecord]:
    with library.view() as view:
        return view.records()


def test_flipped_bits_change_nothing_silently(tmp_path: Path) -> None:
    outcome = bit_flips.attack(3, tmp_path)
    assert (outcome.tried, outcome.faults) == (3, ())


def test_a_silent_change_would_be_seen(folder: Path, encoder: Encoder) -> None:
    """The attack compares scores and dates as well, so this would be a fault without a log."""
    expected = bit_flips._said(folder, encoder)[0]
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute("UPDATE articles SET published = '2015' WHERE source = 'coca.txt'")
        connection.commit()
    found, complaints = bit_flips._said(folder, encoder)
    assert any("coca.txt" in one for one in complaints)
    assert found != expected
