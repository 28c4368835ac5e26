"""The main job on real input: five raw articles as they are, and seventy questions on them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import mean

import pytest
from conftest import FINES, TRAINS, WHEAT, MakeLibrary

from sourcebook.eval.data.gold import Span
from sourcebook.eval.data.judged import JudgedQuestion, Located, load_judged, locate
from sourcebook.eval.measures.abstention import auroc
from sourcebook.eval.measures.evidence import inexact_quotes, measure_evidence, measure_passages
from sourcebook.index.article import Article
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.reader import shipped_reader
from sourcebook.index.library import Library
from sourcebook.index.parsing.parse import find_files, parse
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.engine import Engine

SHARED = Path(__file__).parents[2] / "shared"
GOLD = SHARED / "gold" / "articles.dev.jsonl"
pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(not GOLD.exists(), reason="the raw articles lie beside the repository"),
]
# What the passages, and the evidence in them, must reach.
WANTED = {
    "Hit@1": 0.82,
    "Hit@4": 0.92,
    "Hit@10": 0.97,
    "Complete@5": 0.83,
    "EvidenceRecall@10": 0.85,
}


@pytest.fixture(scope="module")
def raw() -> dict[str, Article]:
    """The articles as they are read, by id."""
    articles = [
        article
        for path in find_files([SHARED / "seeds"])
        for article in parse(path.read_bytes(), name=path.name, source=path.name)
    ]
    return {article.id: article for article in articles}


@pytest.fixture(scope="module")
def raw_engine(
    encoder: Encoder, raw: dict[str, Article], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("raw") / "library"
    with Library(folder, encoder, create=True) as library:
        assert len(library.add(raw.values())) == 5
        yield Engine.of(library)


@pytest.fixture(scope="module")
def questions() -> tuple[JudgedQuestion, ...]:
    found = load_judged(GOLD)
    assert len(found) == 70
    return found


@pytest.fixture(scope="module")
def located(questions: tuple[JudgedQuestion, ...], raw: dict[str, Article]) -> Located:
    return locate(questions, raw)


def test_no_gold_quote_is_lost_in_cleaning(
    located: Located, questions: tuple[JudgedQuestion, ...]
) -> None:
    assert located.missing == ()
    assert set(located.wanted) == {each.id for each in questions if each.answerable}


def test_the_answers_are_found(
    raw_engine: Engine, located: Located, questions: tuple[JudgedQuestion, ...]
) -> None:
    texts = {each.id: each.question for each in questions}
    values = []
    for number, wanted in located.wanted.items():
        hits = raw_engine.find(texts[number], limit=10).hits
        found = [Span(h.passage.article_id, h.passage.start, h.passage.end) for h in hits]
        quotes = [Span(h.citation.article.id, h.citation.start, h.citation.end) for h in hits]
        evidence = measure_evidence(found, quotes, wanted)
        values.append(measure_passages(found, wanted, (1, 4, 5, 10)) | evidence)
    measured = {name: round(mean(each[name] for each in values), 4) for name in WANTED}
    assert {name: measured[name] >= least for name, least in WANTED.items()} == dict.fromkeys(
        WANTED, True
    ), measured


def confidences(engine: Engine, asked: Iterable[tuple[str, bool]]) -> list[tuple[float, bool]]:
    return [(engine.ask(question).confidence, answerable) for question, answerable in asked]


def told_apart(found: Sequence[tuple[float, bool]]) -> float:
    return auroc(*zip(*found, strict=True)) or 0.0


def test_near_misses_are_told_from_answers(
    raw_engine: Engine,
    questions: tuple[JudgedQuestion, ...],
    encoder: Encoder,
    make_library: MakeLibrary,
) -> None:
    reading = Engine.of(raw_engine.library, reader=shipped_reader())
    found = confidences(reading, ((each.question, each.answerable) for each in questions))
    # The same questions, asked of what is on another subject.
    other = Engine.of(
        make_library(wheat=WHEAT, fines=FINES, trains=TRAINS), reader=shipped_reader()
    )
    off = confidences(other, ((each.question, False) for each in questions[::3]))
    answered = [each for each in found if each[1]]
    measured = told_apart(found), told_apart([*answered, *off])
    assert measured[0] > 0.7, measured
    assert measured[1] > 0.99, measured


def test_every_quote_of_every_answer_is_exact(
    raw_engine: Engine, raw: dict[str, Article], questions: tuple[JudgedQuestion, ...]
) -> None:
    texts = {article.id: article.text for article in raw.values()}
    quoted: list[Citation] = []
    for question in questions:
        answer = raw_engine.ask(question.question)
        quoted += [*answer.citations, *answer.nearest]
        quoted += [hit.citation for hit in raw_engine.find(question.question).hits]
        by_number = {cited.number: cited.exact for cited in answer.citations}
        for sentence in answer.sentences:
            assert sentence.text in {by_number[number] for number in sentence.citations}
    assert len(quoted) > 10 * len(questions)
    quotes = [(Span(c.article.id, c.start, c.end), c.exact) for c in quoted]
    assert inexact_quotes(quotes, texts) == ()
    assert all(c.text_sha256 == raw[c.article.id].sha256 for c in quoted)
    assert all(texts[c.article.id][: c.start].endswith(c.prefix) for c in quoted)
    assert all(texts[c.article.id][c.end :].startswith(c.suffix) for c in quoted)
