"""A library: what goes in can be found, what goes out cannot, and damage is repaired or refused."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, MakeLibrary, article_from
from filelock import FileLock

from sourcebook.index.article import Article, article_id, sha256
from sourcebook.index.dates import latest_day
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import published_model
from sourcebook.index.errors import InputError, LibraryError, NotFoundError
from sourcebook.index.folder import DATABASE
from sourcebook.index.ingest import Action
from sourcebook.index.library import Library
from sourcebook.index.originals import is_settled, settle
from sourcebook.index.search.candidates import Sourced
from sourcebook.index.search.mirror import DENSE, LEXICAL
from sourcebook.index.storage.lock import LOCK
from sourcebook.index.storage.records import Filter
from sourcebook.index.storage.writer import Writer
from sourcebook.index.upgrade import upgrade_library
from sourcebook.service.adding.files import add_files
from sourcebook.service.asking.engine import Engine

TEXTS = {
    "coca": "Farmers in Cauca grow coca because no road brings other crops to a market.",
    "cocoa": "Cacao growers in Tumaco earn four times as much as they did before the treaty.",
    "visa": "Washington revoked the president's visa after his speech in New York.",
}
MINISTRIES = ["schools", "roads", "clinics", "courts", "ports", "rivers", "forests", "mines"]
LONG = "\n\n".join(
    f"Paragraph {number}: the ministry of {word} told the committee that its budget for the year "
    f"{1990 + number} was spent on {word}, and that the auditors found {number * 7} faults in it."
    for number, word in enumerate([*MINISTRIES, "farms", "bridges"])
)


def sources(library: Library, question: str, **options: Any) -> list[Sourced]:
    """What is found, with texts and articles."""
    with library.view() as view:
        counts = {"dense_count": 32, "lexical_count": 32} | options
        items = view.search(question, **counts).items
        return list(view.sourced(item.row for item in items).values())


def found(library: Library, question: str, chosen: Filter | None = None) -> set[str]:
    """The sources of all that is found."""
    return {each.article.source for each in sources(library, question, chosen=chosen)}


def rows(library: Library) -> dict[str, list[int]]:
    """Row numbers of each article's passages."""
    with library.view() as view:
        return {r.source: view.passage_rowids(r.rowid) for r in view.records()}


def generation(library: Library) -> int:
    with library.view() as view:
        return view.generation


def add(library: Library, *articles: Article) -> list[Action]:
    return [outcome.action for outcome in library.add(articles)]


# --- adding, replacing, removing ----------------------------------------------------------------


def test_add_adds_at_once_and_adding_as_it_is_iterated(make_library: MakeLibrary) -> None:
    library = make_library()
    library.add(article_from(text, name) for name, text in TEXTS.items())
    assert library.info()["articles"] == len(TEXTS)
    outcomes = library.adding([article_from(LONG, "long")])
    assert library.info()["articles"] == len(TEXTS)
    assert next(outcomes).record.passages > 1
    assert library.info()["articles"] == len(TEXTS) + 1


def test_add_replace_unchanged_remove(make_library: MakeLibrary) -> None:
    library = make_library()
    coca = article_from(TEXTS["coca"], "coca")
    assert add(library, coca) == [Action.ADDED]
    before = generation(library)
    assert add(library, coca) == [Action.UNCHANGED]
    assert generation(library) == before
    changed = article_from(TEXTS["cocoa"], "coca")
    assert add(library, changed) == [Action.REPLACED]
    assert library.article(coca.id).text == TEXTS["cocoa"]
    assert [each.passage.text for each in sources(library, "coca cacao")] == [TEXTS["cocoa"]]
    assert library.remove(coca.id).source == "coca.txt"
    assert found(library, "coca cacao") == set()
    with pytest.raises(NotFoundError, match=coca.id):
        library.article(coca.id)
    with pytest.raises(NotFoundError, match=coca.id):
        library.remove(coca.id)
    assert library.drift() == []


def test_other_metadata_is_a_change(make_library: MakeLibrary) -> None:
    coca = article_from(TEXTS["coca"], "coca")
    library = make_library([coca])
    dated = replace(coca, metadata=replace(coca.metadata, published="2024-05"))
    assert add(library, dated) == [Action.REPLACED]
    assert library.article(coca.id) == dated


def test_one_source_twice_in_one_call(make_library: MakeLibrary) -> None:
    library = make_library()
    versions = [article_from(TEXTS[name], "same") for name in ("coca", "cocoa")]
    assert add(library, *versions, versions[1]) == [
        Action.ADDED,
        Action.REPLACED,
        Action.UNCHANGED,
    ]
    assert library.article(versions[0].id).text == TEXTS["cocoa"]
    assert library.drift() == []


def test_an_addition_leaves_the_others_alone(make_library: MakeLibrary) -> None:
    library = make_library(**TEXTS)
    before = rows(library)
    with library.view() as view:
        vectors = view.encodings(row for kept in before.values() for row in kept)
    assert add(library, article_from(LONG, "long")) == [Action.ADDED]
    after = rows(library)
    assert {source: after[source] for source in before} == before
    with library.view() as view:
        assert view.encodings(vectors) == vectors
        assert {r.source: r.generation for r in view.records()}["long.txt"] == view.generation
        assert {r.generation for r in view.records()} == {1, view.generation}


def test_articles_come_back_as_they_went_in(
    make_library: MakeLibrary, seed_articles: list[Article]
) -> None:
    library = make_library(seed_articles[:2])
    assert [library.article(article.id) for article in seed_articles[:2]] == seed_articles[:2]


def test_an_empty_library_finds_nothing(make_library: MakeLibrary) -> None:
    library = make_library()
    assert sources(library, "coca") == []
    assert library.drift() == []
    answer = Engine.of(library).ask("What is coca?")
    assert (answer.status, answer.citations) == ("not_in_library", ())


def test_failures_are_remembered_until_the_source_is_added(make_library: MakeLibrary) -> None:
    library = make_library()
    for _ in range(2):
        library.record_failure("coca.txt", InputError("It is empty.", cure="Fill it."))
    with library.view() as view:
        [failure] = view.failures()
    assert (failure.source, failure.kind, failure.attempts) == ("coca.txt", "bad-input", 2)
    assert (failure.message, failure.cure) == ("It is empty.", "Fill it.")
    add(library, article_from(TEXTS["coca"], "coca"))
    with library.view() as view:
        assert view.failures() == []


# --- copies -------------------------------------------------------------------------------------


def test_a_copy_is_linked_and_only_its_own_words_are_searched(make_library: MakeLibrary) -> None:
    extra = "\n\nThis version first appeared in the Tuesday Herald of Popayán."
    original, copy = article_from(LONG, "original"), article_from(LONG + extra, "copy")
    library = make_library([original, copy])
    with library.view() as view:
        assert view.record(copy.id).copy_of == original.id
        assert view.record(original.id).copy_of is None
        copied = view.record(copy.id).passages
        assert len(view.added_since(0)) < view.record(original.id).passages + copied
    texts = [each.passage.text for each in sources(library, "ministry budget auditors")]
    assert len(texts) == len(set(texts))
    assert "copy.txt" in found(library, "Tuesday Herald of Popayán")
    hit = Engine.of(library).find("the ministry of schools").hits[0].citation
    assert (hit.article.id, [other.id for other in hit.also]) == (original.id, [copy.id])

    library.remove(original.id)
    with library.view() as view:
        assert view.record(copy.id).copy_of is None
        assert len(view.added_since(0)) == copied
    assert found(library, "the ministry of schools") == {"copy.txt"}
    assert library.drift() == []


def test_copies_of_a_removed_article_are_copies_of_the_first_among_them(
    make_library: MakeLibrary,
) -> None:
    names = ["first", "second", "third", "fourth"]
    copies = [article_from(LONG, name) for name in names]
    library = make_library(copies)
    for gone, article in enumerate(copies[:-1], 1):
        library.remove(article.id)
        with library.view() as view:
            links = [record.copy_of for record in view.records()]
        assert links == [None, *[copies[gone].id] * (len(copies) - gone - 1)]
        hit = Engine.of(library).find("the ministry of schools").hits[0].citation
        assert [other.id for other in hit.also] == [other.id for other in copies[gone + 1 :]]


def test_a_rewrite_is_no_copy(make_library: MakeLibrary) -> None:
    rewrite = "\n\n".join(
        f"Auditors counted {number * 7} faults after the {word} ministry had spent what "
        f"parliament gave it for {1990 + number}."
        for number, word in enumerate(MINISTRIES)
    )
    library = make_library(original=LONG, rewrite=rewrite)
    with library.view() as view:
        assert [record.copy_of for record in view.records()] == [None, None]


REPORT = "\n\n".join(LONG.split("\n\n")[:4])
CORRECTED = REPORT.replace("found 21 faults", "found 12 faults")


def published(name: str, day: str | None, text: str = REPORT) -> Article:
    article = article_from(text, name)
    return replace(article, metadata=replace(article.metadata, published=day))


def links(library: Library) -> dict[str, str | None]:
    """The source of each article's original, without suffixes; None for one that is no copy."""
    with library.view() as view:
        names = {each.id: each.source.removesuffix(".txt") for each in view.records()}
        return {names[each.id]: each.copy_of and names[each.copy_of] for each in view.records()}


def searched_once(library: Library) -> bool:
    """Whether all passages are searched, those of copies in the original alone."""
    with library.view() as view:
        searched = view.passages(view.added_since(0)).values()
        found = Counter((passage.article_id, passage.text) for _, passage in searched)
        wanted: Counter[tuple[str, str]] = Counter()
        for each in view.records():
            theirs = view.passages_of(each.copy_of) if each.copy_of else []
            known = {passage.text for passage in theirs}
            own = (one.text for one in view.passages_of(each.id) if one.text not in known)
            wanted.update((each.id, text) for text in own)
    return found == wanted and library.drift() == []


def test_the_original_is_the_first_by_publication_then_by_arrival(
    make_library: MakeLibrary,
) -> None:
    library = make_library([published("late", None), published("herald", "2024-05-03")])
    assert links(library) == {"late": "herald", "herald": None}
    add(library, published("later", None), published("wire", "2024-05-01"))
    copies = {"late": "wire", "herald": "wire", "later": "wire"}
    assert links(library) == {**copies, "wire": None}
    assert searched_once(library)
    # Replaced, it is still the first: what is the same stays a copy, whatever its title is.
    wire = published("wire", "2024-05-01")
    add(library, replace(wire, metadata=replace(wire.metadata, title="Found again")))
    assert links(library) == {**copies, "wire": None}
    # Corrected, it is a version of its own, and the first of its copies is their original.
    add(library, published("wire", "2024-05-01", CORRECTED))
    assert links(library) == {"late": "herald", "later": "herald", "herald": None, "wire": None}
    assert searched_once(library)
    add(library, published("wire", "2024-06"))  # which may be as late as the 30th
    assert links(library) == {"late": "herald", "later": "herald", "herald": None, "wire": "herald"}
    library.remove(article_id("herald.txt"))
    assert links(library) == {"late": "wire", "later": "wire", "wire": None}
    library.remove(article_id("wire.txt"))
    assert links(library) == {"late": None, "later": "late"}  # the first that arrived
    assert searched_once(library)


def test_an_undated_original_keeps_its_place_when_it_is_replaced(make_library: MakeLibrary) -> None:
    library = make_library([published(name, None) for name in ("first", "second", "third")])
    add(library, published("first", None, CORRECTED))
    assert links(library) == {"first": None, "second": None, "third": "second"}
    add(library, published("first", None))
    assert links(library) == {"first": None, "second": "first", "third": "first"}
    with library.view() as view:
        assert [each.source for each in view.records()] == ["first.txt", "second.txt", "third.txt"]


def test_who_is_a_copy_does_not_depend_on_the_order_of_changes(make_library: MakeLibrary) -> None:
    chance = random.Random(16)
    days = {f"d{day}": f"2024-05-0{day}" for day in range(1, 6)}
    library = make_library()
    for _ in range(12):
        name = chance.choice([*days])
        step = chance.random() if name in links(library) else 1
        if step < 0.2:
            library.remove(article_id(f"{name}.txt"))
        elif step < 0.6:
            day = chance.choice([*days.values(), "2024-05", ""])
            library.correct(article_id(f"{name}.txt"), {"published": day or None})
        else:
            text = chance.choice(
                [REPORT, CORRECTED, f"{REPORT}\n\nIt was first printed elsewhere."]
            )
            add(library, published(name, days[name], text))
        with library.view() as view:
            known = sorted(
                view.records(), key=lambda each: (latest_day(each.metadata.published), each.rowid)
            )
            texts = {each.source: view.article(each.id).text for each in known}
        expected: dict[str, str | None] = {}
        for source, text in texts.items():
            name = source.removesuffix(".txt")
            same = [
                other
                for other, original in expected.items()
                if original is None
                and ("12 faults" in texts[f"{other}.txt"]) == ("12 faults" in text)
            ]
            exact = [other for other in same if texts[f"{other}.txt"] == text]
            expected[name] = next(iter(exact or same), None)
        assert links(library) == expected
        assert searched_once(library)


class Counting(Writer):
    """Counts the articles that are decided of, and those that are written."""

    def __init__(self, writer: Writer) -> None:
        super().__init__(writer)  # type: ignore[arg-type]  # as a snapshot takes another one
        self.decided: list[int] = []
        self.linked_rows: list[int] = []

    def signature(self, rowid: int) -> bytes:
        self.decided.append(rowid)
        return super().signature(rowid)

    def link(self, rowid: int, original: int | None) -> None:
        self.linked_rows.append(rowid)
        super().link(rowid, original)


def test_only_what_may_change_is_decided_anew_and_written(make_library: MakeLibrary) -> None:
    """Daily forms resemble each other, and none is a copy; only the last one was printed twice."""
    forms = [
        published(f"form-{day}", f"2024-05-1{day}", REPORT.replace("21", str(30 + day)))
        for day in range(6)
    ]
    again = published("again", "2024-05-17", forms[-1].text)
    library = make_library([again, *forms[::-1]])
    expected = {f"form-{day}": None for day in range(6)} | {"again": "form-5"}
    assert links(library) == expected
    with library.store.write() as writer:
        counting = Counting(writer)
        first, copy = (writer.record(each.id).rowid for each in (forms[0], again))
        settle(counting, [first])
        assert counting.decided == [first, copy]
        assert counting.linked_rows == [first]
    assert links(library) == expected


def test_what_is_encoded_again_is_searched_once(make_library: MakeLibrary) -> None:
    """Passages of the original that are not what they were leave their words to its copy."""
    library = make_library([published("wire", "2024-05-01"), published("late", "2024-05-02")])
    with library.store.write() as writer:
        wire, late = (each.rowid for each in writer.records())
        writer.next_generation()
        writer.drop_passages(wire)
        writer.link(late, wire)
    library.encode_again([article_id("wire.txt")])
    assert searched_once(library)


def test_a_version_speaks_for_its_copies(make_library: MakeLibrary) -> None:
    """Also where a copy resembles the article more than the version itself does."""
    more = "\n\nIt was first printed elsewhere."
    library = make_library(
        [
            published("wire", "2024-05-01"),
            published("reprint", "2024-05-04", REPORT + more),
            published("right", "2024-05-02", CORRECTED + more),
        ]
    )
    assert links(library) == {"wire": None, "reprint": "wire", "right": None}
    with library.view() as view:
        right, reprint = (view.record(article_id(f"{one}.txt")) for one in ("right", "reprint"))
        assert [one.source for one in view.versions(right)] == ["wire.txt"]
        shown = Filter(articles=(right.id, reprint.id))
        assert [one.source for one in view.versions(right, shown)] == ["reprint.txt"]
        assert [one.source for one in view.versions(reprint)] == ["right.txt"]


def test_an_added_database_is_not_opened(make_library: MakeLibrary) -> None:
    """Closing the file would end the locks of this process, and the next one deletes the log."""
    library = make_library(coca=TEXTS["coca"])
    database = library.folder / DATABASE
    assert list(add_files(library, [database], failed=lambda *_: None)) == []
    with library.view() as view:
        assert ["ends in '.db'" in each.message for each in view.failures()] == [True]
    reader = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM meta')"
    subprocess.run([sys.executable, "-c", reader, str(database)], check=True)
    assert library.replaced() is None


def test_copies_of_an_earlier_release_are_looked_for_again(
    make_library: MakeLibrary, encoder: Encoder
) -> None:
    """It took for a copy what resembles an older article, whatever the figures and dates are."""
    library = make_library(
        [published("wire", "2024-05-03"), published("other", "2024-05-04", CORRECTED)]
    )
    with library.store.write() as writer:
        first, last = (each.rowid for each in writer.records())
        writer.next_generation()
        writer.link(last, first)
        writer.run("DELETE FROM meta WHERE key = 'originals'")
    library.close()
    with closing(Library(library.folder, encoder)) as again:
        assert links(again) == {"wire": None, "other": None}
        with again.view() as view:
            assert is_settled(view)
            generation = view.generation
        assert "12 faults" in " ".join(each.passage.text for each in sources(again, "12 faults"))
        assert again.drift() == []
    with closing(Library(library.folder, encoder)) as again, again.view() as view:
        assert view.generation == generation


# --- filters ------------------------------------------------------------------------------------


def dated(name: str, **facts: Any) -> Article:
    article = article_from(f"{TEXTS['coca']} So says {name}.", name)
    return replace(article, metadata=replace(article.metadata, **facts))


@pytest.fixture
def shelf(make_library: MakeLibrary) -> Library:
    return make_library(
        [
            dated("a", publisher="The Herald", authors=("Ana Gil", "Bo Ek"), published="2023"),
            dated("b", publisher="El Día", authors=("Ana Gil",), published="2024-06-15"),
            dated("c", publisher="El Día", language="es", tags=("Drugs",), published="2024-06"),
            dated("d", tags=("drugs", "peace"), published="2025-01-02"),
            dated("e", language="es", modified="2024-03-01", retrieved="2026-01-01"),
            dated("f"),
        ]
    )


FILTERS = [
    (Filter(), "abcdef"),
    (Filter(publishers=("the herald",)), "a"),
    (Filter(publishers=("EL DÍA", "The Herald")), "abc"),
    (Filter(authors=("ana gil",)), "ab"),
    (Filter(authors=("Bo Ek",), publishers=("El Día",)), ""),
    (Filter(languages=("es",)), "ce"),
    (Filter(tags=("DRUGS",)), "cd"),
    (Filter(tags=("peace", "war")), "d"),
    (Filter(articles=(article_id("b.txt"), article_id("nowhere"))), "b"),
    (Filter(without=(article_id("b.txt"), article_id("nowhere"))), "acdef"),
    (Filter(without=(article_id("c.txt"),), languages=("es",)), "e"),
    (Filter(published_from="2024"), "bcd"),
    (Filter(published_from="2024-06-20"), "cd"),  # June 2024 may be later than the 20th
    (Filter(published_from="2023-07"), "abcd"),  # so may 2023
    (Filter(published_to="2024-06-10"), "ac"),
    (Filter(published_to="2024"), "abc"),
    (Filter(published_from="2024-06-15", published_to="2024-06-15"), "bc"),
    (Filter(as_of="2024-06-10"), "ace"),
    (Filter(as_of="2024-06"), "abce"),
    (Filter(as_of="2024-02"), "a"),
    (Filter(as_of="2022-12-31"), ""),
    (Filter(as_of="2999"), "abcde"),  # nothing shows when f was out
    (Filter(as_of="2024-06", published_from="2024"), "bc"),
    (Filter(publishers=("Nobody",)), ""),
    (Filter(publishers=("El Día') OR 1 --",)), ""),
]


@pytest.mark.parametrize(("chosen", "names"), FILTERS, ids=[str(n) for n in range(len(FILTERS))])
def test_filters(shelf: Library, chosen: Filter, names: str) -> None:
    wanted = {f"{name}.txt" for name in names}
    assert found(shelf, "Who grows coca in Cauca?", chosen) == wanted
    with shelf.view() as view:
        assert {record.source for record in view.records(chosen)} == wanted
        assert view.count(chosen) == len(names)


def test_a_filter_works_inside_the_retrievers(make_library: MakeLibrary) -> None:
    """Three passages of a small publisher among better matches of a large one: all three come."""
    many = [dated(f"n{i}", publisher="Large") for i in range(30)]
    few = [
        replace(a, metadata=replace(a.metadata, publisher="Small"))
        for a in (article_from(f"A word on coca, number {i}.", f"s{i}") for i in range(3))
    ]
    library = make_library([*many, *few])
    chosen = Filter(publishers=("Small",))
    small = {"s0.txt", "s1.txt", "s2.txt"}
    question = "Why do farmers in Cauca grow coca?"
    best = sources(library, question, dense_count=3, lexical_count=3)
    assert small.isdisjoint(each.article.source for each in best)
    for counts in ({"lexical_count": 0}, {"dense_count": 0}):
        options = {"dense_count": 3, "lexical_count": 3} | counts
        narrowed = sources(library, question, chosen=chosen, **options)
        assert {each.article.source for each in narrowed} == small


def test_more_filters_than_are_kept(make_library: MakeLibrary) -> None:
    library = make_library(
        [article_from(f"A word on coca, number {n}.", f"n{n}") for n in range(20)]
    )
    for n in [*range(20), 0, 19]:
        only = Filter(articles=(article_id(f"n{n}.txt"),))
        assert found(library, "a word on coca", only) == {f"n{n}.txt"}


# --- opening again, and other processes ---------------------------------------------------------


def reopened(library: Library, encoder: Encoder) -> Library:
    library.close()
    return Library(library.folder, encoder)


def test_what_is_removed_leaves_nothing(make_library: MakeLibrary, encoder: Encoder) -> None:
    library = make_library(**TEXTS)
    for name in TEXTS:
        library.remove(article_id(f"{name}.txt"))
    with library.view() as view:
        assert view.removed_since(0)  # the dense index's file has yet to forget them
    library.close()
    pruned(library.folder, encoder)


def test_reopening(make_library: MakeLibrary, encoder: Encoder) -> None:
    library = make_library(**TEXTS)
    before = library.info(), rows(library)
    with reopened(library, encoder) as again:
        after = again.info()
        assert {**after, "bytes": 0} == {**before[0], "bytes": 0}
        assert rows(again) == before[1]
        assert found(again, "coca") == {f"{name}.txt" for name in TEXTS}
        assert (
            again.indexes.dense.generation
            == again.indexes.lexical.generation
            == after["generation"]
        )


def test_there_is_no_library(tmp_path: Path, encoder: Encoder) -> None:
    with pytest.raises(NotFoundError, match="no library"):
        Library(tmp_path / "none", encoder)
    with pytest.raises(NotFoundError, match="no library"):
        upgrade_library(tmp_path, encoder)
    assert list(tmp_path.iterdir()) == []


OTHER_PROCESS = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from conftest import article_from
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.library import Library
with Library(Path(sys.argv[1]), Encoder()) as library:
    for line in sys.stdin:
        verb, name, text = line.rstrip("\\n").split("|")
        article = article_from(text, name)
        if verb == "add":
            library.add([article])
        elif verb == "remove":
            library.remove(article.id)
        with library.view() as view:
            found = view.search("coca", dense_count=32, lexical_count=32).items
        print(verb, len(found), library.drift(), flush=True)
"""


def test_another_process(make_library: MakeLibrary) -> None:
    library = make_library(coca=TEXTS["coca"])
    with subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(library.folder)],
        cwd=REPOSITORY,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:

        def do(command: str) -> str:
            assert other.stdin
            assert other.stdout
            other.stdin.write(command + "\n")
            other.stdin.flush()
            return other.stdout.readline().strip()

        assert do(f"add|visa|{TEXTS['visa']}") == "add 2 []"
        assert found(library, "visa") == {"coca.txt", "visa.txt"}
        assert library.drift() == []
        add(library, article_from(TEXTS["cocoa"], "cocoa"))
        assert do("look|x|x") == "look 3 []"
        assert do("remove|coca|x") == "remove 2 []"
        assert found(library, "coca") == {"cocoa.txt", "visa.txt"}
        library.remove(article_id("visa.txt"))
        assert do("look|x|x") == "look 1 []"
        assert library.drift() == []


def test_searching_goes_on_while_another_holds_the_write_lock(
    make_library: MakeLibrary, encoder: Encoder
) -> None:
    library = make_library(**TEXTS)
    library.close()
    (library.folder / DENSE).unlink()
    with FileLock(library.folder / LOCK, timeout=1), Library(library.folder, encoder) as again:
        assert found(again, "coca") == {f"{name}.txt" for name in TEXTS}


# --- damage -------------------------------------------------------------------------------------

Damage = Callable[[bytes], bytes]
NOISE = random.Random(5).randbytes(400)


def flipped(data: bytes) -> bytes:
    middle = len(data) // 3
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


DAMAGES: dict[str, Damage] = {
    "garbage": lambda data: NOISE,
    "empty": lambda data: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "flipped": flipped,
    "longer": lambda data: data + NOISE,
}


def head(**changes: object) -> Damage:
    """Change the first line of a dense index."""

    def change(data: bytes) -> bytes:
        first, _, body = data.partition(b"\n")
        return json.dumps(json.loads(first) | changes).encode() + b"\n" + body

    return change


@pytest.fixture(scope="module")
def closed(
    encoder: Encoder, seed_articles: list[Article], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a library that was changed a few times; copy it before damaging it."""
    folder = tmp_path_factory.mktemp("closed") / "library"
    with Library(folder, encoder, create=True) as library:
        for article in [*seed_articles[:2], article_from(TEXTS["coca"], "coca")]:
            add(library, article)
        library.remove(article_id("coca.txt"))
        add(library, article_from(TEXTS["visa"], "visa"))
    return folder


@pytest.fixture
def copied(closed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(closed, tmp_path / "copied"))


def assert_whole(folder: Path, encoder: Encoder) -> None:
    """The library opens, repairs itself, finds everything, and stays repaired."""
    for _ in range(2):
        with Library(folder, encoder) as library:
            assert library.drift() == []
            assert (
                library.indexes.dense.generation
                == library.indexes.lexical.generation
                == generation(library)
            )
            assert "visa.txt" in found(library, "Whose visa was revoked?")
            assert library.indexes.lexical.search("visa", 1)
            assert "coca.txt" not in found(library, TEXTS["coca"])
            texts = {article: library.article(article).text for article in ids(library)}
            for hit in Engine.of(library).find("decertification").hits:
                quoted = texts[hit.citation.article.id][hit.citation.start : hit.citation.end]
                assert quoted == hit.citation.exact


def ids(library: Library) -> list[str]:
    with library.view() as view:
        return [record.id for record in view.records()]


@pytest.mark.parametrize(
    "damage",
    [
        *DAMAGES.values(),
        head(format=99),
        head(dimensions=3),
        head(generation=3),
        head(generation=99),
        head(generation="x"),
        lambda data: b"[1]\n" + data,
    ],
    ids=[*DAMAGES, "format", "dimensions", "older", "newer", "word", "list"],
)
def test_a_damaged_dense_index(copied: Path, encoder: Encoder, damage: Damage) -> None:
    file = copied / DENSE
    file.write_bytes(damage(file.read_bytes()))
    assert_whole(copied, encoder)


SUFFIXES = [".fast", ".fieldnorm", ".idx", ".pos", ".store", ".term", ".del", "meta.json"]


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".managed.json"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_lexical_index(copied: Path, encoder: Encoder, suffix: str, damage: str) -> None:
    files = [file for file in (copied / LEXICAL).iterdir() if file.name.endswith(suffix)]
    assert files
    for file in files:
        file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert_whole(copied, encoder)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_lexical_index_with_files_missing(copied: Path, encoder: Encoder, suffix: str) -> None:
    for file in (copied / LEXICAL).iterdir():
        if file.name.endswith(suffix):
            file.unlink()
    assert_whole(copied, encoder)


def test_a_lexical_index_that_is_an_empty_folder(copied: Path, encoder: Encoder) -> None:
    shutil.rmtree(copied / LEXICAL)
    (copied / LEXICAL).mkdir()
    assert_whole(copied, encoder)


def test_both_indexes_missing(copied: Path, encoder: Encoder) -> None:
    shutil.rmtree(copied / LEXICAL)
    (copied / DENSE).unlink()
    assert_whole(copied, encoder)


def test_indexes_that_are_behind(copied: Path, encoder: Encoder, tmp_path: Path) -> None:
    """As after a crash between the commit of the truth and that of an index."""
    old = Path(shutil.copytree(copied, tmp_path / "old"))
    with Library(copied, encoder) as library:
        add(library, article_from(TEXTS["cocoa"], "cocoa"))
        library.remove(article_id("visa.txt"))
        add(library, article_from(TEXTS["visa"] + " It was restored.", "visa"))
    shutil.copy(old / DENSE, copied / DENSE)
    shutil.rmtree(copied / LEXICAL)
    shutil.copytree(old / LEXICAL, copied / LEXICAL)
    assert_whole(copied, encoder)


def pruned(folder: Path, encoder: Encoder) -> int:
    """Add to a library that was closed, so that it drops the removals both its files have."""
    with Library(folder, encoder) as library:
        with library.view() as view:
            assert view.removed_since(view.pruned)
        add(library, article_from(TEXTS["cocoa"], "cocoa"))
        with library.view() as view:
            assert view.removed_since(0) == []
            assert view.pruned == view.generation - 1
            return view.pruned


@pytest.mark.parametrize(
    "kept", [[DENSE], [LEXICAL], [DENSE, LEXICAL]], ids=["dense", "lexical", "both"]
)
def test_indexes_older_than_what_was_pruned(
    copied: Path, encoder: Encoder, tmp_path: Path, kept: list[str]
) -> None:
    """The database does not list any more what they have to forget, so they are rebuilt."""
    with Library(copied, encoder) as library:
        add(library, article_from(LONG, "long"))
    old = Path(shutil.copytree(copied, tmp_path / "old"))
    with Library(copied, encoder) as library:
        library.remove(article_id("long.txt"))
    pruned(copied, encoder)
    if DENSE in kept:
        shutil.copy(old / DENSE, copied / DENSE)
    if LEXICAL in kept:
        shutil.rmtree(copied / LEXICAL)
        shutil.copytree(old / LEXICAL, copied / LEXICAL)
    assert_whole(copied, encoder)


def test_an_open_library_follows_what_another_pruned(
    copied: Path, encoder: Encoder, caplog: pytest.LogCaptureFixture
) -> None:
    with Library(copied, encoder) as library:
        opened = library.indexes.dense.generation
        with Library(copied, encoder) as other:
            other.remove(article_id("visa.txt"))
        assert opened < pruned(copied, encoder)
        assert found(library, "visa") >= {"cocoa.txt"}
        assert "visa.txt" not in found(library, "visa")
        assert library.drift() == []
    assert not caplog.messages  # the other's file was taken over, nothing was rebuilt


def test_indexes_that_are_ahead(copied: Path, encoder: Encoder, tmp_path: Path) -> None:
    """As after restoring the database, and nothing else, from a backup: numbers are used again."""
    backup = shutil.copy(copied / DATABASE, tmp_path / "backup.db")
    with Library(copied, encoder) as library:
        for number in range(4):
            add(library, article_from(f"{TEXTS['cocoa']} Note {number}.", f"note-{number}"))
    shutil.copy(backup, copied / DATABASE)
    with Library(copied, encoder) as library:
        assert library.drift() == []
        assert not any("note" in source for source in found(library, TEXTS["cocoa"]))
        # The row numbers of the notes now name other passages.
        for number in range(5):
            add(library, article_from(f"Item {number} is on fishing.", f"item-{number}"))
        best = sources(library, "fishing item", dense_count=5, lexical_count=0)
        assert {each.article.metadata.title for each in best} == {f"item-{n}" for n in range(5)}
    assert_whole(copied, encoder)


@pytest.mark.parametrize(
    "kept", [[DENSE], [LEXICAL], [DENSE, LEXICAL]], ids=["dense", "lexical", "both"]
)
@pytest.mark.parametrize("others", ["another library", "an older copy"])
def test_indexes_of_another_database(
    copied: Path, encoder: Encoder, caplog: pytest.LogCaptureFixture, kept: list[str], others: str
) -> None:
    """Generations and row numbers are the same, what they count is not."""
    other = copied.with_name("other")
    if others == "an older copy":
        shutil.copytree(copied, other)
    for folder, text in ((copied, TEXTS["cocoa"]), (other, "Pike and trout are for fishing.")):
        with Library(folder, encoder, create=True) as library:
            while generation(library) < 12:
                number = generation(library)
                add(library, article_from(f"Note {number}: {text}", f"{text[:4]}-{number}"))
    for name in (DENSE, LEXICAL):
        shutil.rmtree(copied / name) if (copied / name).is_dir() else (copied / name).unlink()
    for name in kept:
        copy = shutil.copytree if (other / name).is_dir() else shutil.copy
        copy(other / name, copied / name)
    with Library(copied, encoder) as library:
        for name in kept:
            index = "dense" if name == DENSE else "lexical"
            assert f"the {index} index is of another database" in caplog.text
        for count in (
            {"dense_count": 1, "lexical_count": 0},
            {"dense_count": 0, "lexical_count": 1},
        ):
            [best] = sources(library, TEXTS["cocoa"], **count)
            assert TEXTS["cocoa"] in best.passage.text
        assert library.drift() == []
    caplog.clear()
    assert_whole(copied, encoder)
    assert not caplog.messages  # healed once and for all


def test_drift_notices_an_index_of_another_history(
    make_library: MakeLibrary, encoder: Encoder
) -> None:
    """An open library whose generation was committed by somebody else's database."""
    library = make_library(**TEXTS)
    with closing(sqlite3.connect(library.folder / DATABASE)) as connection:
        connection.execute("UPDATE history SET state = state + 1")
        connection.commit()
    before = library.indexes.dense.moment, library.indexes.lexical.moment
    with FileLock(library.folder / LOCK):
        assert library.drift() == [
            "the lexical index is of another database, or of another copy of this one"
        ]
    assert library.drift() == []
    assert library.indexes.dense.moment == library.indexes.lexical.moment != before[0]
    assert before[0] == before[1]


@pytest.mark.parametrize("damage", ["garbage", "empty", "truncated"])
def test_a_damaged_database_is_refused(copied: Path, encoder: Encoder, damage: str) -> None:
    file = copied / DATABASE
    damaged = DAMAGES[damage](file.read_bytes())
    file.write_bytes(damaged)
    with pytest.raises(LibraryError, match=r"sourcebook\.db") as caught:
        Library(copied, encoder)
    assert caught.value.cure
    assert file.read_bytes() == damaged


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("PRAGMA user_version = 99", "database version 99"),
        ("PRAGMA user_version = 1", "database version 1; this Sourcebook reads 2 to 6"),
        ("PRAGMA application_id = 7", "not one of Sourcebook's"),
        ("UPDATE meta SET value = x'0000' WHERE key = 'codec'", "codec is missing or dam"),
        ("DELETE FROM meta WHERE key = 'codec'", "codec"),
    ],
)
def test_another_database_is_refused(
    copied: Path, encoder: Encoder, change: str, message: str
) -> None:
    connection = sqlite3.connect(copied / DATABASE)
    with connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(LibraryError, match=message) as caught:
        Library(copied, encoder)
    assert caught.value.cure


# --- another encoder ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with another model: two random layers of 64 dimensions, the default's words."""
    # Importing them takes ten seconds, which each worker of the tests would spend on collecting.
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny")
    words = SentenceTransformer(str(published_model().folder))
    config = BertConfig(
        vocab_size=len(words.tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=160,
    )
    BertModel(config).save_pretrained(folder / "bert")
    words.tokenizer.save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=160)
    SentenceTransformer(modules=[transformer, Pooling(64)], device="cpu").save(
        str(folder / "model")
    )
    return folder / "model"


def test_another_encoder_is_refused_until_all_is_encoded_anew(
    copied: Path, encoder: Encoder, tiny: Path
) -> None:
    other = Encoder(str(tiny), convert=False)
    with Library(copied, encoder) as serving:
        assert found(serving, "visa")
        with pytest.raises(LibraryError, match="made with the encoder") as caught:
            Library(copied, other)
        assert "upgrade" in caught.value.cure
        done = upgrade_library(copied, other)
        assert done
        assert done.articles == 3
        # Whoever still has it open must neither mix vectors nor add its own.
        with pytest.raises(LibraryError, match="made with the encoder"):
            found(serving, "visa")
        with pytest.raises(LibraryError, match="made with the encoder"):
            add(serving, article_from(TEXTS["coca"], "coca"))
    assert_whole(copied, other)
    with Library(copied, other) as library:
        assert library.info()["encoder"] == str(tiny)
        assert library.codec.dimensions == 64
        with library.view() as view:
            rows = view.passage_rowids(view.record(article_id("visa.txt")).rowid)
            assert all(len(e.pooled) == 4 * 64 for e in view.encodings(rows).values())
    with pytest.raises(LibraryError, match="made with the encoder"):
        Library(copied, encoder)


# --- a disk that refuses ------------------------------------------------------------------------

DISK_FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, "tests")
from conftest import article_from
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import StorageError
from sourcebook.index.library import Library
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
text = "\\n\\n".join("Item %d: the committee was told of %d." % (n, n * n) for n in range(150))
big = article_from(text, "big")
small = article_from("A note on fishing.", "small")
with Library(Path(sys.argv[1]), Encoder()) as library:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), hard))
    try:
        library.add([big])
    except StorageError as error:
        print("refused:", error, flush=True)
    with library.view() as view:
        found = view.search("committee", dense_count=32, lexical_count=32).items
        sourced = view.sourced([item.row for item in found]).values()
    print("big.txt" in {each.article.source for each in sourced})
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    print(library.drift())
    print(*(outcome.action for outcome in library.add([small, big])))
    print(library.drift())
"""


def run(script: str, *arguments: object) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=REPOSITORY,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not done.returncode, done.stderr
    return done.stdout.splitlines()


def test_disk_full_during_add(copied: Path, encoder: Encoder) -> None:
    """No file may be written beyond 100 kB: the database's log cannot take the article."""
    refused, there, drift, actions, after = run(DISK_FULL, copied, 100_000)
    assert refused.startswith("refused: ")
    assert "nothing was changed" in refused
    assert (there, drift, actions, after) == ("False", "[]", "added added", "[]")
    assert_whole(copied, encoder)


READ_ONLY = """
import os, sys
from pathlib import Path
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import StorageError
from sourcebook.index.library import Library
encoder = Encoder()
os.setgid(65534)
os.setuid(65534)
with Library(Path(sys.argv[1]), encoder) as library:
    print(library.drift(), library.read_only)
    try:
        library.count_anew()
    except StorageError as error:
        print(error.kind, error.cure)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="root, who alone can become nobody")
def test_a_folder_that_cannot_be_written_to(closed: Path) -> None:
    folder = Path("/var/tmp") / f"sourcebook-{sha256(str(closed))[:8]}"
    shutil.copytree(closed, folder)
    folder.chmod(0o555)
    try:
        opened, line = run(READ_ONLY, folder)
    finally:
        shutil.rmtree(folder)
    assert opened == "[] True"
    assert line.startswith("storage")
    assert "permissions" in line
