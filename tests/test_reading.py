"""The stage `read`: what the reader says decides order, status, evidence and short answer."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from made import candidate, hit

from sourcebook.index.encoding.reader import PassageReading, Reader
from sourcebook.index.library import Library
from sourcebook.index.profile import Logistic, shipped_profiles
from sourcebook.service.asking.answer import Status
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.query import query_of
from sourcebook.service.asking.rank import Hit
from sourcebook.service.asking.short_answer import read_probability, read_words

MakeLibrary = Callable[..., Library]
TEXT = "Rain fell on Monday. Colombia seized about 850 tonnes in 2024, said Ana Gil of the UN."


def found(words: str, logit: float = 3.0, margin: float = 5.0) -> Hit:
    """A hit in which the reader found these words."""
    start = TEXT.index(words)
    said = PassageReading(logit, start, start + len(words), margin, 0.0)
    return hit(candidate(TEXT, "a"), reading=said)


@pytest.mark.parametrize(
    ("question", "words", "short"),
    [
        (
            "How much did Colombia seize in 2023?",
            "850 tonnes in 2024, said Ana Gil",
            "about 850 tonnes",
        ),
        ("When was it seized?", "in 2024", "2024"),
        ("Who said so?", "Ana Gil", "Ana Gil of the UN"),
        ("Who said so?", "Colombia seized about 850 tonnes in 2024, said Ana Gil", None),
        ("Why was it seized?", "in 2024", None),
        ("When was it seized?", "Ana Gil", None),
    ],
)
def test_the_reader_says_where_and_the_type_how_far(
    question: str, words: str, short: str | None
) -> None:
    span = read_words(query_of(question), found(words))
    assert (span and TEXT[span.start : span.end]) == short


def test_the_probability_of_a_short_answer_by_hand() -> None:
    model = Logistic(intercept=-1.0, weights={"margin": 0.2})
    known = shipped_profiles()[0].reading
    profile = replace(known, short=model)
    assert read_probability(found("in 2024", margin=5.0), profile) == pytest.approx(0.5)
    assert read_probability(hit(candidate(TEXT, "a")), profile) == 0


def test_only_the_best_are_read_and_put_in_order(reading: Engine) -> None:
    ranking = reading.examine("How much cocaine did Colombia seize in 2024?").ranking
    read = [each for each in ranking.hits if each.reading]
    assert len(read) == reading.profile.reading.count
    assert ranking.hits[: len(read)] == tuple(read)
    scores = [each.score for each in read]
    assert scores == sorted(scores, reverse=True)
    assert read[0].read_span is not None


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ("How much cocaine did Colombia seize in 2024?", "about 850 tonnes"),
        ("How many people worldwide used illegal drugs in 2023?", "316 million people"),
    ],
)
def test_answers(reading: Engine, question: str, short: str) -> None:
    answer = reading.ask(question)
    assert answer.status is Status.ANSWERED
    assert answer.short
    assert answer.short.text == short
    assert short in answer.sentences[0].text


NEAR_MISSES = (
    "Who is the president of Ecuador?",
    "How much did aerial spraying cost in 1995?",
    "How many hectares of coca were sprayed from the air in 1995?",
)


@pytest.mark.parametrize("question", NEAR_MISSES)
def test_a_near_miss_is_related_but_not_answered(reading: Engine, question: str) -> None:
    answer = reading.ask(question)
    assert answer.status is Status.RELATED
    assert (answer.sentences, answer.short, answer.disagreements) == ((), None, ())
    assert len(answer.nearest) == 3
    assert answer.reason != "nothing_relevant"


def test_the_evidence_is_the_sentence_that_holds_what_was_found(reading: Engine) -> None:
    examined = reading.examine("How much cocaine did Colombia seize in 2024?")
    best, citation = examined.ranking.hits[0], examined.answer.citations[0]
    assert best.read_span
    assert citation.start <= best.read_span.start < best.read_span.end <= citation.end
    assert best.margin > 0


def test_the_article_hidden_there_is_no_answer(make_library: MakeLibrary, reader: Reader) -> None:
    texts = {
        "spraying": "The Santos government ended aerial spraying in 2015.",
        "health": "Aerial spraying poses risks to health, doctors say. Farmers protested.",
    }
    question = "In which year did aerial spraying end?"
    whole = Engine.of(make_library(**texts), reader=reader).ask(question)
    assert (whole.status, whole.short and whole.short.text) == (Status.ANSWERED, "2015")
    rest = Engine.of(make_library(health=texts["health"]), reader=reader).ask(question)
    assert rest.status is not Status.ANSWERED
