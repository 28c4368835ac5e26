"""Explanations: the same answer, what became of each passage, and the stage to look at."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from made import candidate, hit

from sourcebook.index.encoding.reader import PassageReading, shipped_reader
from sourcebook.index.library import Library
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import Answer, Status
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.explanation import CHANGED, SHOWN
from sourcebook.service.asking.follow import Followed, Stage
from sourcebook.service.asking.query import ContentWord, Query
from sourcebook.service.asking.rank import Hit, Ranking
from sourcebook.service.asking.suspect import Findings, suspect

MakeLibrary = Callable[..., Library]
SEIZED = "How much cocaine did Colombia seize in 2024?"
QUESTIONS = (
    SEIZED,
    "Who ended aerial spraying?",
    "What is the best pizza in Naples?",
    "How much did aerial spraying cost in 1995?",
    "Who is the president of Ecuador?",
    "¿Quién puso fin a la fumigación aérea?",
    "coca",
)


@pytest.fixture(scope="module")
def reading(seed_library: Library) -> Engine:
    return Engine.of(seed_library, reader=shipped_reader())


def timeless(answer: Answer) -> Answer:
    return replace(answer, seconds={})


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_explanation_never_changes_the_answer(
    engine: Engine, reading: Engine, question: str
) -> None:
    for one in (engine, reading):
        asked, explained = one.ask(question), one.explain(question)
        assert timeless(explained.answer) == timeless(asked)
        assert explained.answer.seconds["explain"] > 0


def test_it_follows_every_passage_through_the_stages(reading: Engine) -> None:
    explained = reading.explain(SEIZED)
    answer, found = explained.answer, explained.explanation
    ranking = reading.examine(SEIZED).ranking
    assert found.found == len(ranking.hits) + found.merged > SHOWN
    assert len(found.passages) == SHOWN
    assert [one.place for one in found.passages] == list(range(1, SHOWN + 1))
    assert [one.passage_id for one in found.passages] == [
        each.passage.id for each in ranking.hits[:SHOWN]
    ]
    read = [one for one in found.passages if one.logit is not None]
    assert len(read) == found.read == reading.profile.reading.count
    assert all(one.read_score is not None and one.score != one.read_score for one in read)
    rest = [one.score for one in found.passages[10:]]
    assert rest == sorted(rest, reverse=True)
    cited = {citation.passage_id for citation in answer.citations}
    assert {one.passage_id for one in found.passages if one.dropped is None} == cited
    assert {one.dropped for one in found.passages[found.read :]} <= {None, Stage.RANKING}
    assert (found.confidence, found.needed) == (
        answer.confidence,
        reading.decide.calibration.answered,
    )
    best = found.passages[0]
    text = reading.library.article(best.article_id).text
    assert text[best.start : best.end].startswith(best.opening)


def test_a_filter_holds_for_the_words_too(make_library: MakeLibrary) -> None:
    library = make_library(
        trains="The night train to the coast runs in spring.",
        quokkas="Quokkas sleep on the island of Rottnest all day.",
    )
    engine = Engine.of(library)
    with library.view() as view:
        trains = next(one.id for one in view.records() if one.source == "trains.txt")
    question = "Do quokkas ride the night train?"
    words = {one.text: one.held for one in engine.explain(question).explanation.words}
    assert words["quokkas"]
    explained = engine.explain(question, Filter(articles=(trains,))).explanation
    assert not {one.text: one.held for one in explained.words}["quokkas"]
    assert {one.article_id for one in explained.passages} == {trains}
    assert explained.stage is Stage.LIBRARY
    assert "“quokkas”" in explained.because


def test_an_empty_library_is_said(make_library: MakeLibrary) -> None:
    found = Engine.of(make_library()).explain("Who grows coca?").explanation
    assert (found.stage, found.passages, found.found) == (Stage.LIBRARY, (), 0)
    assert found.because.endswith("is empty.")


def test_what_is_removed_meanwhile_is_not_shown(make_library: MakeLibrary) -> None:
    library = make_library(
        trains="The night train to the coast runs in spring.",
        buses="The night bus to the coast runs in spring, the ministry said.",
    )
    engine = Engine.of(library)
    question = "When does the night train to the coast run?"
    gone = engine.ask(question).citations[0].article.id

    def read(query: Query, ranking: Ranking) -> Ranking:
        library.remove(gone)
        return ranking

    found = replace(engine, read=read).explain(question).explanation
    assert gone not in {one.article_id for one in found.passages}
    assert len(found.passages) == 1
    assert (found.stage, found.because) == (Stage.LIBRARY, CHANGED)


# --- the stage to look at ------------------------------------------------------------------------


def word(text: str, *, rarity: float = 0.8, named: bool = False) -> ContentWord:
    return ContentWord(
        text=text, start=0, end=1, stem=text.lower(), rarity=rarity, pieces=(0,), named=named
    )


def read_hit(number: int, logit: float | None) -> Hit:
    reading = None if logit is None else PassageReading(logit, 0, 0, 0.0, 0.0)
    return hit(candidate(f"Passage {number}.", f"p{number}", row=number), reading=reading)


PERU, TRUCK = word("Peru", named=True), word("truck", rarity=0.2)


def findings(
    answer: Answer,
    logits: tuple[float | None, ...],
    lacks: tuple[set[ContentWord], ...] = (),
    held: tuple[str, ...] = ("Peru", "truck"),
) -> Findings:
    """Hits with these logits; those of an answer's are cited that have a logit above 0."""
    followed = [
        Followed(
            hit=read_hit(place, logit),
            score=1.0,
            rank=place,
            place=place,
            dropped=None if answer.citations and place == 1 else Stage.RANKING,
        )
        for place, logit in enumerate(logits, 1)
    ]
    return Findings(
        answer=answer,
        words=[PERU, TRUCK],
        followed=followed,
        lacks=lacks or tuple(set() for _ in logits),
        held=set(held),
        needed=0.48,
    )


@pytest.fixture(scope="module")
def silent(engine: Engine) -> Answer:
    """A silence that says that the detail is missing."""
    answer = engine.ask("What is the best pizza in Naples?")
    return replace(answer, confidence=0.41, status=Status.RELATED, reason="detail_missing")


@pytest.fixture(scope="module")
def answered(engine: Engine) -> Answer:
    return replace(engine.ask(SEIZED), confidence=0.61)


def test_silence_is_traced_to_its_stage(silent: Answer) -> None:
    no, yes = -2.0, 2.0
    both, none = {PERU, TRUCK}, set[ContentWord]()
    cases: list[tuple[Findings, Stage, str]] = [
        (
            findings(silent, (no, None), ({PERU}, {PERU}), held=("truck",)),
            Stage.LIBRARY,
            "No passage that was searched holds the word “Peru”.",
        ),
        (
            findings(silent, (no,), (both,), held=()),
            Stage.LIBRARY,
            "No passage that was searched holds any word of the question.",
        ),
        (
            findings(replace(silent, reason="nothing_relevant"), (no,)),
            Stage.LIBRARY,
            "As far as can be told, the passages found are on other subjects.",
        ),
        (  # not even misspelt: a passage that was found holds nearly this word
            findings(silent, (no, None), ({PERU}, none), held=("truck",)),
            Stage.RANKING,
            "None of the passages read holds the word “Peru”; passage 2 does.",
        ),
        (
            findings(silent, (no, None), ({PERU}, {PERU})),
            Stage.SEARCH,
            "The library holds the word “Peru”, but none of the 2 passages found does.",
        ),
        (  # a common word is in many passages, and its lack says little
            findings(silent, (no, None), ({TRUCK}, none)),
            Stage.READING,
            "The reader judged that none of the passages read answers.",
        ),
        (
            findings(silent, (no, yes)),
            Stage.DECISION,
            "The reader judged that passage 2 answers, but the confidence, 0.410, lies below "
            "0.480.",
        ),
        (
            findings(silent, (None, None)),
            Stage.DECISION,
            "No reader was at work, and the confidence, 0.410, lies below 0.480.",
        ),
    ]
    for found, stage, because in cases:
        assert suspect(found) == (stage, because)


def test_an_answer_is_traced_to_its_stage(answered: Answer) -> None:
    no, yes = -2.0, 2.0
    cases: list[tuple[Findings, Stage, str]] = [
        (
            findings(answered, (yes,), ({PERU},), held=("truck",)),
            Stage.LIBRARY,
            "No passage that was searched holds the word “Peru”.",
        ),
        (  # a question in another language than the articles
            findings(answered, (yes,), ({PERU, TRUCK},), held=()),
            Stage.READING,
            "The reader judged that passage 1 answers.",
        ),
        (
            findings(answered, (yes, no), ({PERU}, set())),
            Stage.RANKING,
            "None of the passages quoted holds the word “Peru”; passage 2 does.",
        ),
        (
            findings(answered, (no, yes)),
            Stage.RANKING,
            "Passage 1 is quoted first, though the reader judged that it does not answer.",
        ),
        (
            findings(answered, (no, no)),
            Stage.DECISION,
            "The reader judged that none of the passages read answers, but the confidence, 0.610, "
            "reaches 0.480.",
        ),
    ]
    for found, stage, because in cases:
        assert suspect(found) == (stage, because)


# --- over HTTP --------------------------------------------------------------------------------


def test_it_is_told_over_http_where_asked_for(client: TestClient) -> None:
    plain = client.post("/v1/ask", json={"question": SEIZED}).json()
    assert plain["explanation"] is None
    for explained in (
        client.post("/v1/ask", json={"question": SEIZED, "explain": True}).json(),
        client.get("/v1/ask", params={"q": SEIZED, "explain": "true"}).json(),
    ):
        found = explained.pop("explanation")
        assert {**explained, "seconds": 0, "explanation": None} == {**plain, "seconds": 0}
        assert len(found["passages"]) == SHOWN
        assert found["advice"].startswith("If this answer is wrong, look first at ")
        best = found["passages"][0]
        assert (
            client.get(f"/v1/passages/{best['passage_id']}")
            .json()["text"]
            .startswith(best["opening"])
        )
        assert (best["outcome"], best["dropped"]) == ("cited", None)


def test_an_export_takes_no_explain(client: TestClient) -> None:
    refused = client.get("/v1/export", params={"q": SEIZED, "explain": "true"})
    assert refused.status_code == 422
