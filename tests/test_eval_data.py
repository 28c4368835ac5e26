"""Judged questions, BEIR folders, TREC files and chunking references, good and bad."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcebook.eval.data.beir import BeirSet, load_beir
from sourcebook.eval.data.chunking import ChunkingSet, load_chunking
from sourcebook.eval.data.disagreements import load_disagreements
from sourcebook.eval.data.gold import Span, Wanted
from sourcebook.eval.data.judged import (
    JudgedQuestion,
    MissingGold,
    Quote,
    find_quote,
    judged_question,
    load_judged,
    locate,
    with_short,
)
from sourcebook.eval.data.question_set import data_kind, load_with_corpus
from sourcebook.eval.data.trec import (
    TrecRun,
    load_trec_qrels,
    load_trec_run,
    save_trec_qrels,
    save_trec_run,
)
from sourcebook.eval.measures.disagreements import measure_disagreement
from sourcebook.index.article import Article, Block, BlockKind, Metadata
from sourcebook.index.errors import InputError, NotFoundError, UnreadableError

SHARED = Path(__file__).parents[2] / "shared"
FERRY = "The ferry ran twice a day\nuntil the harbour froze. The ferry ran  twice a day again."


def article(source: str, text: str = FERRY, title: str = "", url: str | None = None) -> Article:
    blocks = (Block(BlockKind.PARAGRAPH, 0, len(text)),)
    return Article(source=source, text=text, blocks=blocks, metadata=Metadata(title=title, url=url))


def question(name: str, quote: str = "harbour froze") -> JudgedQuestion:
    evidence = [{"article": name, "quote": quote}]
    return judged_question({"id": "q1", "question": "When?", "evidence": evidence}, "here")


def library(*articles: Article) -> dict[str, Article]:
    return {each.id: each for each in articles}


def write_lines(path: Path, *rows: object) -> Path:
    texts = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


# --- judged questions -------------------------------------------------------------------------


def test_a_judged_file_gives_its_questions_in_order(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "gold.jsonl",
        {
            "id": "b",
            "question": "Which?",
            "type": "factoid",
            "answer": "Both.",
            "evidence": [{"article": "x", "quote": "one"}, {"article": "y", "quote": "two"}],
            "alternatives": [{"for": 1, "article": "z", "quote": "zwei"}],
            "any": True,
            "short": ["one", "number one"],
            "tags": ["hard"],
            "note": "n",
            "of no meaning": 3,
        },
        "",
        {
            "id": "a",
            "question": "Who?",
            "answerable": False,
            "evidence": [],
            "near": {"article": "x", "quote": "one"},
        },
    )
    first, second = load_judged(path)
    assert (first.id, first.type, first.any, first.tags) == ("b", "factoid", True, ("hard",))
    assert [[q.quote for q in piece.quotes] for piece in first.evidence] == [
        ["one"],
        ["two", "zwei"],
    ]
    assert (first.short, first.near) == (("one", "number one"), None)
    assert (second.id, second.answerable, second.evidence) == ("a", False, ())
    assert (second.short, second.near) == (None, Quote("x", "one"))


def test_short_answers_come_from_a_file_of_their_own(tmp_path: Path) -> None:
    gold = write_lines(tmp_path / "gold.jsonl", GOOD, GOOD | {"id": "b"}, GOOD | {"id": "c"})
    short = write_lines(
        tmp_path / "short.jsonl", {"id": "a", "short": ["one"]}, {"id": "c", "short": []}
    )
    assert [each.short for each in with_short(load_judged(gold), short)] == [("one",), None, ()]
    broken = write_lines(tmp_path / "broken.jsonl", {"id": "a", "short": "one"})
    with pytest.raises(InputError, match=r"broken.jsonl:1: 'short' is 'one'"):
        with_short(load_judged(gold), broken)


GOOD = {"id": "a", "question": "Who?", "evidence": [{"article": "x", "quote": "one"}]}


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"id": NaN}', "NaN is not a JSON number"),
        pytest.param("[" * 100_000, "not JSON", id="nested too deep"),
        (GOOD | {"id": 3}, "'id' is 3"),
        (GOOD | {"id": " "}, "'id' is empty"),
        (GOOD | {"question": ""}, "'question' is empty"),
        (GOOD | {"question": "Who \ud800?"}, "half a character"),
        (GOOD | {"tags": ["hard", "\ud800"]}, "half a character"),
        (GOOD | {"answerable": "no"}, "expected true or false"),
        (GOOD | {"any": 1}, "expected true or false"),
        (GOOD | {"tags": "hard"}, "expected a list of texts"),
        (GOOD | {"short": "one"}, "'short' is 'one'; expected a list of texts"),
        (GOOD | {"short": [" "]}, "has an empty short answer"),
        (
            {"id": "b", "question": "Who?", "answerable": False, "short": ["one"]},
            "is unanswerable and has short answers",
        ),
        (GOOD | {"short": None}, "'short' is None; expected a list of texts"),
        (GOOD | {"near": "one"}, "'near' is 'one'; expected an object or nothing"),
        (GOOD | {"near": {"article": "x"}}, "'quote' is None"),
        (GOOD | {"near": {"article": "x", "quote": "one"}}, "is answerable and has 'near'"),
        (GOOD | {"evidence": ["one"]}, "expected a list of objects"),
        (GOOD | {"evidence": [{"article": "x", "quote": "  "}]}, "'quote' is empty"),
        (GOOD | {"answerable": False}, "if and only if it is answerable"),
        (GOOD | {"evidence": []}, "if and only if it is answerable"),
        (
            GOOD | {"alternatives": [{"for": 1, "article": "x", "quote": "q"}]},
            "an alternative is 'for' 1",
        ),
        (GOOD | {"alternatives": [{"article": "x", "quote": "q"}]}, "'for' None"),
        (GOOD, "the question id 'a' was used before"),
    ],
)
def test_a_bad_line_is_named_with_file_and_line(
    tmp_path: Path, row: object, complaint: str
) -> None:
    path = write_lines(tmp_path / "gold.jsonl", GOOD, row)
    with pytest.raises(InputError) as error:
        load_judged(path)
    assert error.value.message.startswith(f"{path}:2: ")
    assert error.value.message.count(str(path)) == 1
    assert complaint in error.value.message


def test_a_file_without_questions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no question"):
        load_judged(write_lines(tmp_path / "gold.jsonl", ""))


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="No file"):
        load_judged(tmp_path / "none.jsonl")
    with pytest.raises(UnreadableError, match="cannot be read"):
        load_judged(tmp_path)
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xe9"}')
    with pytest.raises(UnreadableError, match="byte 8 is 0xe9"):
        load_judged(tmp_path / "latin.jsonl")


# --- locating gold ----------------------------------------------------------------------------


def test_white_space_is_free_and_all_else_exact() -> None:
    first, second = find_quote(FERRY, "The  ferry\nran twice a day")
    assert FERRY[slice(*first)] == "The ferry ran twice a day"
    assert FERRY[slice(*second)] == "The ferry ran  twice a day"
    assert find_quote(FERRY, "the ferry ran") == ()
    assert find_quote(FERRY, "harbour froze!") == ()
    assert find_quote(FERRY, "har bour froze") == ()
    assert find_quote(FERRY, " ") == ()


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=40), st.text(min_size=1, max_size=10), st.text(max_size=40))
def test_a_quote_that_was_put_in_is_found_in_code_points(
    before: str, quote: str, after: str
) -> None:
    text = before + quote + after
    if not quote.split():
        return
    found = [text[start:end].split() for start, end in find_quote(text, quote)]
    assert found
    assert all(each == quote.split() for each in found)


@pytest.mark.parametrize(
    "name",
    [
        article("file:///data/007_caf%C3%A9.txt").id,
        "file:///data/007_caf%C3%A9.txt",
        "007_café.txt",
        "007_café",
        "007",
        "Winter  ferries",
        "https://example.org/ferry",
    ],
)
def test_an_article_goes_by_every_name_it_has(name: str) -> None:
    wanted = article(
        "file:///data/007_caf%C3%A9.txt",
        title="Winter ferries",
        url="https://example.org/ferry",
    )
    other = article("notes/070_permits.md", text="A permit lapses.", title="Permits")
    located = locate([question(name)], library(wanted, other))
    assert located.missing == ()
    (place,) = located.wanted["q1"].places
    assert place.article == wanted.id
    assert FERRY[place.start : place.end] == "harbour froze"


def test_an_exact_name_wins_over_one_that_begins_alike() -> None:
    short, long = article("a.txt"), article("a.txt.bak")
    located = locate([question("a.txt")], library(short, long))
    assert [place.article for place in located.wanted["q1"].places] == [short.id]


def test_gold_that_cannot_be_located_is_reported_by_name() -> None:
    one, other = article("00_a.txt", title="Same"), article("00_b.txt", title="Same")
    reasons = {
        ("99", "harbour froze"): "no such article",
        ("00_a", "harbour thawed"): "quote not in the article",
        ("00", "harbour froze"): "several articles match: " + ", ".join(sorted([one.id, other.id])),
        ("Same", "harbour froze"): "several articles match: "
        + ", ".join(sorted([one.id, other.id])),
    }
    for (name, quote), reason in reasons.items():
        located = locate([question(name, quote)], library(one, other))
        assert located.missing == (MissingGold("q1", name, quote, reason),)
        assert located.wanted["q1"] == Wanted(((),))


def test_alternatives_and_repetitions_are_places_of_the_same_evidence() -> None:
    one = article("one.txt")
    other = article("two.txt", text="Boats sailed daily.")
    row = {
        "id": "q",
        "question": "How often?",
        "evidence": [{"article": "one", "quote": "The ferry ran twice a day"}],
        "alternatives": [
            {"for": 0, "article": "two", "quote": "sailed daily"},
            {"for": 0, "article": "two", "quote": "sailed weekly"},
        ],
    }
    located = locate([judged_question(row, "here")], library(one, other))
    ((first, second, third),) = located.wanted["q"].evidence
    assert (first.article, second.article, third) == (one.id, one.id, Span(other.id, 6, 18))
    assert [each.quote for each in located.missing] == ["sailed weekly"]


def test_unanswerable_questions_want_nothing() -> None:
    silent = JudgedQuestion(id="q", question="Who?", answerable=False)
    located = locate([silent], library(article("one.txt")))
    assert (located.wanted, located.missing) == ({}, ())


@pytest.mark.parametrize(("start", "end"), [(3, 3), (4, 3), (-1, 3)])
def test_a_span_holds_at_least_a_character(start: int, end: int) -> None:
    with pytest.raises(InputError, match="0 <= start < end"):
        Span("a", start, end)


def test_gold_without_evidence_is_refused() -> None:
    with pytest.raises(InputError, match="without evidence"):
        Wanted(())


# --- BEIR -------------------------------------------------------------------------------------


def beir_folder(folder: Path, split: str = "dev") -> Path:
    write_lines(
        folder / "corpus.jsonl",
        {"_id": "d1", "title": "T", "text": "one"},
        {"_id": "d2", "text": "two"},
    )
    write_lines(
        folder / f"queries.{split}.jsonl", *({"_id": f"q{i}", "text": "?"} for i in (1, 2, 3))
    )
    rows = ("query-id\tcorpus-id\tscore", "q1\td1\t2", "q1\td2\t-1", "q2\td2\t0")
    write_lines(folder / f"qrels.{split}.tsv", *rows)
    return folder


def test_a_beir_folder_keeps_judged_queries_and_reads_negative_grades_as_zero(
    tmp_path: Path,
) -> None:
    folder = beir_folder(tmp_path)
    write_lines(folder / "unanswerable.dev.jsonl", {"_id": "u", "text": "Who?", "paragraph": "d1"})
    data = load_beir(folder, "dev")
    assert data.qrels == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 0}}
    assert data.queries == {"q1": "?", "q2": "?"}
    assert data.unjudged == 1
    assert data.documents["d2"].title == ""
    assert [(each.id, each.paragraph) for each in data.unanswerable] == [("u", "d1")]


def plain_layout(folder: Path) -> BeirSet:
    """`queries.jsonl`, `qrels.tsv`, no header."""
    beir_folder(folder)
    (folder / "queries.dev.jsonl").rename(folder / "queries.jsonl")
    (folder / "qrels.dev.tsv").unlink()
    write_lines(folder / "qrels.tsv", "q1\td1\t1")
    return load_beir(folder)


def nested_layout(folder: Path) -> BeirSet:
    """`queries.jsonl`, `qrels/SPLIT.tsv`: the layout that BEIR itself ships."""
    beir_folder(folder)
    (folder / "queries.dev.jsonl").rename(folder / "queries.jsonl")
    (folder / "qrels").mkdir()
    (folder / "qrels.dev.tsv").unlink()
    write_lines(folder / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore", "q1\td1\t1")
    return load_beir(folder, "test")


@pytest.mark.parametrize("layout", [plain_layout, nested_layout])
def test_other_layouts_of_beir(tmp_path: Path, layout: Callable[[Path], BeirSet]) -> None:
    assert layout(tmp_path).qrels == {"q1": {"d1": 1}}


@pytest.mark.parametrize(
    ("file", "rows", "complaint"),
    [
        ("corpus.jsonl", [{"_id": "d1"}, {"_id": "d1"}], ":2: the id 'd1' was used before"),
        ("corpus.jsonl", [{"id": "d1"}], ":1: '_id' is None"),
        ("corpus.jsonl", [{"_id": "d1", "text": 3}], ":1: 'text' is 3"),
        ("corpus.jsonl", [], ": empty"),
        ("queries.dev.jsonl", [{"_id": "q1", "text": ""}], ":1: 'text' is empty"),
        ("qrels.dev.tsv", ["q1\td1\t1", "q9\td1\t1"], ":2: the query 'q9' is not among"),
        ("qrels.dev.tsv", ["q1\td9\t1"], ":1: the document 'd9' is not in the corpus"),
        ("qrels.dev.tsv", ["q1\td1\t1", "q1\td1\t1"], ":2: query 'q1' judges document 'd1' a"),
        ("qrels.dev.tsv", ["q1\td1\t1", "q1\td2\thigh"], ":2: the grade is 'high'"),
        ("qrels.dev.tsv", ["q1 d1 1"], ":1: 1 fields"),
        ("qrels.dev.tsv", ["query-id\tcorpus-id\tscore"], ": no judgement"),
        ("unanswerable.dev.jsonl", [{"_id": "q1", "text": "?"}], ":1: the id 'q1' is also"),
    ],
)
def test_bad_beir_files_are_named(
    tmp_path: Path, file: str, rows: list[object], complaint: str
) -> None:
    path = write_lines(beir_folder(tmp_path) / file, *rows)
    with pytest.raises(InputError) as error:
        load_beir(tmp_path, "dev")
    assert f"{path}{complaint}" in error.value.message


def test_an_unknown_split_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as error:
        load_beir(beir_folder(tmp_path), "tset")
    assert error.value.cure == "Its splits are: dev."


# --- TREC -------------------------------------------------------------------------------------


def test_trec_qrels_survive_a_round_trip(tmp_path: Path) -> None:
    qrels = {"q1": {"d1": 2, "d2": 0}, "q2": {"d1": 1}}
    save_trec_qrels(tmp_path / "qrels", qrels)
    assert load_trec_qrels(tmp_path / "qrels") == qrels


def test_negative_trec_grades_are_read_as_zero(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "qrels", "q1 0 d1 -2", "q1\t0\td2\t3")
    assert load_trec_qrels(path) == {"q1": {"d1": 0, "d2": 3}}


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("q1 Q0 d2 1 nan tag", "the score is 'nan'"),
        ("q1 Q0 d2 1 inf tag", "the score is 'inf'"),
        ("q1 Q0 d2 1 high tag", "the score is 'high'"),
        ("q1 Q0 d2 1 0.5", "5 fields"),
        ("q1 Q0 d1 2 0.5 tag", "ranks document 'd1' twice"),
        ("q1 Q0 d2 2 0.5 other", "the tag is 'other' after 'tag'"),
    ],
)
def test_bad_run_lines_are_named(tmp_path: Path, row: str, complaint: str) -> None:
    path = write_lines(tmp_path / "run", "q1 Q0 d1 1 1.0 tag", row)
    with pytest.raises(InputError) as error:
        load_trec_run(path)
    assert error.value.message.startswith(f"{path}:2: ")
    assert complaint in error.value.message


@pytest.mark.parametrize("read", [load_trec_run, load_trec_qrels])
def test_empty_trec_files_are_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(InputError, match="expected at least one"):
        read(write_lines(tmp_path / "empty"))


def test_a_second_judgement_of_a_pair_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "qrels", "q1 0 d1 1", "q1 0 d1 0")
    with pytest.raises(InputError, match=r"qrels:2: query 'q1' judges document 'd1' a second"):
        load_trec_qrels(path)


def test_a_run_is_ordered_by_score_then_id_and_not_by_its_rank_column(tmp_path: Path) -> None:
    rows = ("q1 Q0 d1 1 0.1 tag", "q1 Q0 a 2 7e-1 tag", "q1 Q0 b 3 0.7 tag")
    run = load_trec_run(write_lines(tmp_path / "run", *rows))
    assert run.tag == "tag"
    assert run.rankings == {"q1": ("b", "a", "d1")}


SCORES = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, 1.0 + 1e-12])
RANKINGS = st.dictionaries(st.sampled_from("abcdefgh"), SCORES, max_size=8)


@settings(deadline=None)  # the machine may be busy
@given(scored=RANKINGS)
def test_a_written_run_keeps_its_order_for_us_and_for_trec_eval(
    tmp_path_factory: pytest.TempPathFactory, scored: dict[str, float]
) -> None:
    path = tmp_path_factory.mktemp("run") / "run"
    save_trec_run(path, TrecRun("ours", {"q1": scored, "q2": {"z": 1.0}}))
    run = load_trec_run(path)
    assert run.rankings.get("q1", ()) == tuple(scored)
    for rank, document in enumerate(scored, 1):
        values = ir_measures.calc_aggregate(
            [ir_measures.AP], {"q1": {document: 1}}, ir_measures.read_trec_run(str(path))
        )
        assert values[ir_measures.AP] == pytest.approx(1 / rank)


@pytest.mark.parametrize(
    ("tag", "scores"),
    [
        ("ours", {"q 1": {"d": 1.0}}),
        ("ours", {"q1": {"d\n": 1.0}}),
        ("our run", {"q1": {"d": 1.0}}),
        ("", {"q1": {"d": 1.0}}),
        ("ours", {"q1": {"d": float("nan")}}),
    ],
)
def test_a_run_that_the_format_cannot_hold_is_not_written(
    tmp_path: Path, tag: str, scores: dict[str, dict[str, float]]
) -> None:
    with pytest.raises(InputError):
        save_trec_run(tmp_path / "run", TrecRun(tag, scores))
    assert not (tmp_path / "run").exists()


# --- chunking references ----------------------------------------------------------------------


def chunking_folder(folder: Path, references: object, document: str = "notes") -> ChunkingSet:
    (folder / "corpora").mkdir()
    (folder / "corpora" / "notes.md").write_bytes("é one\r\ntwo".encode())
    cell = json.dumps(references).replace('"', '""')
    header = "question,references,corpus_id"
    write_lines(folder / "questions.csv", header, f'"Which, then?","{cell}",{document}')
    return load_chunking(folder)


def reference(content: str, start: object, end: object) -> dict[str, object]:
    return {"content": content, "start_index": start, "end_index": end}


def test_references_are_spans_in_code_points_of_the_file_as_it_is(tmp_path: Path) -> None:
    data = chunking_folder(tmp_path, [reference("one\r\ntwo", 2, 10), reference("é", 0, 1)])
    (asked,) = data.questions
    assert (asked.id, asked.question, asked.document) == ("notes-001", "Which, then?", "notes")
    assert asked.references == (Span("notes", 2, 10), Span("notes", 0, 1))
    assert asked.wanted == Wanted(((Span("notes", 2, 10),), (Span("notes", 0, 1),)))


@pytest.mark.parametrize(
    ("references", "document", "complaint"),
    [
        ([reference("two", 0, 3)], "notes", "does not contain 'two' at"),
        ([reference("é", 1, 0)], "notes", "start_index before end_index"),
        ([reference("é", "0", 1)], "notes", "is not a reference"),
        ([{"content": "é"}], "notes", "is not a reference"),
        (["é"], "notes", "is not a reference"),
        ([], "notes", "expected a question and a list"),
        ({}, "notes", "expected a question and a list"),
        ([reference("é", 0, 1)], "other", "no document 'other'"),
    ],
)
def test_bad_references_are_named_with_their_row(
    tmp_path: Path, references: object, document: str, complaint: str
) -> None:
    with pytest.raises(InputError) as error:
        chunking_folder(tmp_path, references, document)
    assert f"{tmp_path / 'questions.csv'}, row 1: " in error.value.message
    assert complaint in error.value.message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("id,text\n", "columns"), ("question,references,corpus_id\n", "no question")],
)
def test_a_table_of_another_kind_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "questions.csv").write_text(content)
    with pytest.raises(InputError, match=complaint):
        load_chunking(tmp_path)


# --- disagreements ----------------------------------------------------------------------------

DISAGREEMENT: dict[str, Any] = {
    "id": "d1",
    "question": "How many came?",
    "articles": [
        {"id": "a", "publisher": "Gazette", "published": "2024-05-01", "text": "Forty came."},
        {"id": "b", "title": "Elsewhere", "text": "Fifty came."},
    ],
    "expected": {"disagree": True, "kind": "number", "sides": ["Forty", ""]},
}


def test_a_disagreement_brings_its_articles_and_its_sides(tmp_path: Path) -> None:
    agree = DISAGREEMENT | {"id": "d2", "expected": {"disagree": False, "sides": []}}
    path = write_lines(tmp_path / "sides.jsonl", DISAGREEMENT, agree)
    one, two = load_disagreements(path)
    assert (one.sides, two.sides) == (("Forty",), ())
    first, second = one.articles
    assert (first.metadata.publisher, first.metadata.published) == ("Gazette", "2024-05-01")
    assert (second.metadata.title, second.text) == ("Elsewhere", "Fifty came.")
    question_set, articles = load_with_corpus(path)
    assert len(articles) == 4
    assert [each.sides for each in question_set.questions] == [("Forty",), ()]
    assert question_set.questions[0].relevant == {first.id: 1, second.id: 1}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"articles": {}}, "expected `articles`, a list"),
        ({"expected": []}, "and `expected`, an object"),
        ({"expected": {"disagree": False, "sides": ["Forty"]}}, "if and only if `disagree`"),
        ({"articles": [{"id": "a"}]}, "'text' is None"),
    ],
)
def test_a_bad_disagreement_is_named_with_its_line(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    path = write_lines(tmp_path / "sides.jsonl", DISAGREEMENT | change)
    with pytest.raises(InputError, match=complaint) as refused:
        load_disagreements(path)
    assert "sides.jsonl:1" in str(refused.value)


@given(st.lists(st.sampled_from(["31 votes to 18", "1,200", "4 percent"]), max_size=3))
def test_a_side_is_stated_word_for_word(sides: list[str]) -> None:
    shown = [[f"About {side.replace('percent', '%')} of them" for side in sides]]
    found = measure_disagreement(shown if sides else [], sides)
    assert found["DisagreementRight"] == found["DisagreementShown"] == bool(sides)
    assert not measure_disagreement([["1,2000"], ["31 votes"]], ["31 votes", "1,200"])[
        "DisagreementRight"
    ]


# --- which kind -------------------------------------------------------------------------------


def test_the_kind_of_a_data_set_follows_from_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "beir").mkdir()
    (tmp_path / "chunking").mkdir()
    beir_folder(tmp_path / "beir")
    chunking_folder(tmp_path / "chunking", [reference("é", 0, 1)])
    gold = write_lines(tmp_path / "gold.jsonl", GOOD)
    disagreements = write_lines(tmp_path / "sides.jsonl", DISAGREEMENT)
    paths = (gold, disagreements, tmp_path / "beir", tmp_path / "chunking")
    kinds = [data_kind(path) for path in paths]
    assert kinds == ["judged", "disagreements", "beir", "chunking"]
    with pytest.raises(InputError, match="is not a data set"):
        data_kind(tmp_path)
    with pytest.raises(NotFoundError, match="No data set"):
        data_kind(tmp_path / "none")


# --- the shared data --------------------------------------------------------------------------


def shared(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"shared/{'/'.join(parts)} is not beside this repository")
    return path


@dataclass(frozen=True)
class RawArticle:
    """A seed as it came, which the dev gold was written on."""

    id: str
    source: str
    text: str
    metadata: Metadata


@pytest.mark.external
def test_every_quote_of_the_dev_gold_is_in_its_seed() -> None:
    paths = sorted(shared("seeds").glob("*.txt"))
    raw = {
        path.stem[4:]: RawArticle(
            path.stem[4:], path.as_uri(), path.read_text(encoding="utf-8"), Metadata()
        )
        for path in paths
    }
    questions = load_judged(shared("gold", "articles.dev.jsonl"))
    located = locate(questions, raw)
    assert located.missing == ()
    assert len(questions) == 70
    assert len(located.wanted) == 60


@pytest.mark.external
@pytest.mark.parametrize(
    ("name", "documents", "queries", "unanswerable"),
    [
        ("feedbackqa", 2364, 1100, 0),
        ("obliqa", 13732, 2788, 0),
        ("scifact", 5183, 809, 0),
        ("or_sharc", 651, 273, 0),
        ("squad2", 326, 1459, 1727),
    ],
)
def test_the_beir_folders_are_whole(
    name: str, documents: int, queries: int, unanswerable: int
) -> None:
    data = load_beir(shared("bench", name), "dev")
    counts = (len(data.documents), len(data.queries), len(data.unanswerable))
    assert counts == (documents, queries, unanswerable)


@pytest.mark.external
def test_the_chunking_references_hold_their_text() -> None:
    data = load_chunking(shared("bench", "chunking"))
    assert (len(data.documents), len(data.questions)) == (5, 472)
