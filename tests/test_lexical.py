"""The lexical index: stems, phrases, filters, and a generation that never lies."""

import math
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sourcebook.index.checksums import CHECKSUMS
from sourcebook.index.errors import StorageError
from sourcebook.index.search.lexical import K1, LexicalEntry, LexicalIndex
from sourcebook.index.search.stemming import stem
from sourcebook.index.storage.records import Moment

TEXTS = {
    1: "The farmers of Cauca were growing coca on steep hills.",
    2: "A farmer grows cassava, not coca; the hills are green.",
    3: "Señor Petro spoke of total peace and of the war on drugs.",
    4: "Total war brings no peace.",
    5: "Le café de Nariño est célèbre.",
}


def entry(row: int, text: str, article: int = 1, context: str = "") -> LexicalEntry:
    return LexicalEntry(row=row, article=article, context=context, text=text)


@pytest.fixture
def index(tmp_path: Path) -> LexicalIndex:
    made = LexicalIndex(tmp_path / "lexical", nullcontext)
    made.catch_up(
        Moment(1, 9), [entry(row, text, article=row % 2) for row, text in TEXTS.items()], []
    )
    return made


def found(index: LexicalIndex, question: str, **options: Any) -> list[int]:
    return [row for row, _ in index.search(question, 9, **options)]


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("growing", {1, 2}),
        ("Farmer", {1, 2}),
        ("senor", {3}),
        ("CAFE de Narino", {5}),
        ("what is it about?", set()),
        ("", set()),
        ("coca AND NOT cassava", {1, 2}),
        ('row:1 "coca" ^^ (~ * [x TO y]', {1, 2}),
    ],
)
def test_words(index: LexicalIndex, question: str, rows: set[int]) -> None:
    assert set(found(index, question)) == rows


def test_phrases_are_word_for_word(index: LexicalIndex) -> None:
    assert found(index, "", phrases=["total peace"]) == [3]
    assert found(index, "", phrases=["Total, peace!"]) == [3]
    assert found(index, "", phrases=["peace total"]) == []
    assert found(index, "", phrases=["farmers"]) == [1]  # not stemmed
    assert found(index, "", phrases=["the war on drugs"]) == [3]  # stop words count
    assert found(index, "", phrases=["…", ""]) == []
    assert found(index, "peace war", phrases=["total war"])[0] == 4
    plain, phrased = (dict(index.search("peace", 9, phrases=p)) for p in ([], ["total peace"]))
    assert phrased[3] > plain[3]
    assert phrased[4] == pytest.approx(plain[4])


def test_filters_apply_within(index: LexicalIndex) -> None:
    assert set(found(index, "coca hills peace", allowed_articles=[0])) == {2, 4}
    assert found(index, "coca", allowed_articles=[7]) == []
    assert found(index, "coca", allowed_articles=[]) == []
    everywhere = dict(index.search("coca hills", 9))
    within = dict(index.search("coca hills", 9, allowed_articles=[1]))
    assert within == pytest.approx({1: everywhere[1]})


def test_scores_of_given_rows(index: LexicalIndex) -> None:
    everywhere = dict(index.search("coca and cassava", 9))
    assert index.scores("coca and cassava", [2, 3]) == pytest.approx({2: everywhere[2]})
    assert index.scores("coca", []) == {}


def test_no_score_reaches_the_bound(index: LexicalIndex) -> None:
    total = 6  # the generation's own document counts
    rare, known = math.log(1 + (total + 0.5) / 0.5), math.log(1 + (total - 2 + 0.5) / 2.5)
    # Stems farmer, farm, coca, opium; no two of them are neighbours anywhere.
    assert index.bound("Farmers farming the coca, opium") == pytest.approx(
        (K1 + 1) * (2 * known + 2 * rare + 3 * rare)
    )
    for question in ("coca", "coca farmers hills cassava green", TEXTS[1]):
        bound = index.bound(question)
        assert all(0 < score < bound for _, score in index.search(question, 9))
    assert index.bound("of the") == 0


def test_neighbours_count_more_than_the_same_words_apart(tmp_path: Path) -> None:
    index = LexicalIndex(tmp_path / "lexical", nullcontext)
    texts = ["War came, and peace went, in total.", "Total peace came, and the war went in."]
    index.catch_up(Moment(1, 9), [entry(row, text) for row, text in enumerate(texts, 1)], [])
    assert found(index, "total peace") == [2, 1]
    assert found(index, "the war came") == [1, 2]
    # Stop words do not part neighbours; a title's last word is no neighbour of the text's first.
    assert dict(index.search("war and peace", 9))[1] == dict(index.search("war, peace", 9))[1]
    index.catch_up(Moment(2, 9), [entry(3, "Peace came.", context="Total")], [1])
    assert found(index, "total peace") == [2, 3]


def test_words_are_stemmed_by_the_language_of_their_article(tmp_path: Path) -> None:
    index = LexicalIndex(tmp_path / "lexical", nullcontext)
    texts = [
        ("en", "Farmers in Nariño grow coca. The children die."),
        ("es", "Las autoridades incautaron cargamentos; los cultivadores de Nariño protestaron."),
        ("de", "Die Anbauflächen wurden von der Behörde vernichtet."),
    ]
    entries = [
        LexicalEntry(row=row, article=1, context="", text=text, language=language)
        for row, (language, text) in enumerate(texts, 1)
    ]
    index.catch_up(Moment(1, 9), entries, [])
    assert found(index, "incautaciones") == [2]
    assert found(index, "Anbaufläche") == found(index, "Behörden") == [3]
    assert set(found(index, "nariño")) == {1, 2}  # a name matches in each language
    # What is a stop word in one language may be none in another.
    assert index.holds("die")
    assert index.holds("incautación")
    assert not index.holds("incautación", allowed_articles=[2])
    assert index.idf("incautaciones")[stem("incautaciones") or ""] < index.highest_idf()
    # A word counts once, by the better of its stems.
    scores = dict(index.search("Nariño", 9))
    assert scores[2] < 1.2 * scores[1]
    for question in ("incautaciones cultivadores Nariño", texts[1][1]):
        assert max(dict(index.search(question, 9)).values()) < index.bound(question)
    again = LexicalIndex(tmp_path / "lexical", nullcontext)
    assert found(again, "incautaciones") == [2]


def test_context_is_searched_and_is_no_phrase(tmp_path: Path) -> None:
    index = LexicalIndex(tmp_path / "lexical", nullcontext)
    index.catch_up(Moment(1, 9), [entry(1, "It failed.", context="Coca policy\nThe eighties")], [])
    assert found(index, "policies of the eighties") == [1]
    assert found(index, "", phrases=["coca policy"]) == []


def test_removing_and_adding(index: LexicalIndex, tmp_path: Path) -> None:
    assert (index.generation, len(index), index.rows()) == (1, 5, [1, 2, 3, 4, 5])
    index.catch_up(
        Moment(2, 9), [entry(6, "More coca."), entry(2, "Rewritten on coca.")], [1, 2, 99]
    )
    assert (index.generation, len(index), index.rows()) == (2, 5, [2, 3, 4, 5, 6])
    assert set(found(index, "coca")) == {2, 6}
    again = LexicalIndex(tmp_path / "lexical", nullcontext)
    assert (again.moment, again.rows()) == (Moment(2, 9), [2, 3, 4, 5, 6])
    index.catch_up(Moment(3, 9), [], [6])
    assert set(found(again, "coca")) == {2, 6}
    again.reload()
    assert (again.generation, set(found(again, "coca"))) == (3, {2})
    index.clear()
    assert (index.generation, len(index), found(index, "coca")) == (0, 0, [])


def test_a_failed_change_changes_nothing_and_is_no_obstacle(index: LexicalIndex) -> None:
    with pytest.raises(StorageError, match="could not be written"):
        index.catch_up(
            Moment(2, 9), [entry(6, "More coca."), entry(-1, "No row is below zero.")], [1]
        )
    assert (index.generation, index.rows()) == (1, [1, 2, 3, 4, 5])
    index.catch_up(Moment(2, 9), [entry(6, "More coca.")], [1])
    assert (index.generation, index.rows()) == (2, [2, 3, 4, 5, 6])


def test_a_crash_within_a_commit_costs_no_rebuild(
    index: LexicalIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Files that tantivy deletes before it commits, or has half written, are not missed."""
    for generation in range(2, 6):
        index.catch_up(Moment(generation, 9), [entry(generation + 10, "coca")], [generation - 1])

    class Crash(BaseException):
        pass

    def crashing() -> Iterator[LexicalEntry]:
        yield entry(20, "coca")
        # tantivy renames or deletes its temporary files while they are being copied.
        temporary = shutil.ignore_patterns(".tmp*")
        shutil.copytree(tmp_path / "lexical", tmp_path / "crashed", ignore=temporary)
        raise Crash

    with pytest.raises(Crash):
        index.catch_up(Moment(6, 9), crashing(), [12])
    (tmp_path / "crashed" / f"{uuid.uuid4().hex}.term").write_bytes(b"half")
    again = LexicalIndex(tmp_path / "crashed", nullcontext)
    assert not caplog.messages
    assert (again.generation, again.rows()) == (5, index.rows())


def test_a_crash_after_a_commit_costs_a_rebuild(
    index: LexicalIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = (tmp_path / "lexical" / CHECKSUMS).read_bytes()
    index.catch_up(Moment(2, 9), [entry(6, "More coca.")], [])
    (tmp_path / "lexical" / CHECKSUMS).write_bytes(before)
    again = LexicalIndex(tmp_path / "lexical", nullcontext)
    assert "rebuilt from the database" in caplog.text
    assert (again.generation, len(again)) == (0, 0)


def test_threads_search_while_one_writes(index: LexicalIndex) -> None:
    seen: set[tuple[int, ...]] = set()

    def look() -> None:
        while index.generation < 6:
            seen.add(tuple(sorted(found(index, "coca"))))

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for generation in range(2, 7):
        index.catch_up(Moment(generation, 9), [entry(generation + 10, "coca")], [generation + 9])
    for thread in threads:
        thread.join()
    assert seen <= {(1, 2), *((1, 2, generation + 10) for generation in range(2, 7))}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=3))
def test_nothing_that_is_typed_breaks_it(
    index: LexicalIndex, question: str, phrases: list[str]
) -> None:
    assert set(found(index, question, phrases=phrases)) <= set(TEXTS)
