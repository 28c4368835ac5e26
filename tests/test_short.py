"""Short answers: exact words of the evidence, or none when unsure."""

from collections.abc import Callable

import pytest

from sourcebook.index.library import Library
from sourcebook.service.asking.answer import Answer, Status
from sourcebook.service.asking.engine import Engine

MakeLibrary = Callable[..., Library]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How many people worldwide used illegal drugs in 2023?", "316 million people"),
        ("By what date did the White House have to decide on Colombia?", "September 15, 2025"),
        ("During which years was Whitaker ambassador in Bogotá?", "2014 to 2019"),
        ("Which former minister said that economies need replacing?", "Susana Muhamad"),
        ("How much cocaine was seized in 2024?", "about 850 tonnes"),
    ],
)
def test_the_words_that_answer(engine: Engine, question: str, words: str) -> None:
    answer = engine.ask(question)
    assert answer.short is not None
    assert answer.short.text == words
    article = engine.library.article(answer.citations[answer.short.citation - 1].article.id)
    assert article.text[answer.short.start : answer.short.end] == words


@pytest.mark.parametrize(
    "question",
    [
        "Why was Colombia decertified?",  # asks for no few words
        "What is the name of the FARC dissident who tried to burn two soldiers?",  # none there
        "How many Americans died of overdoses involving cocaine?",
    ],
)
def test_none_when_unsure(engine: Engine, question: str) -> None:
    assert engine.ask(question).short is None


def ask(library: Library, question: str) -> Answer:
    answer = Engine.of(library).ask(question)
    assert answer.status is not Status.NOT_IN_LIBRARY
    return answer


def test_what_the_question_counts_decides(make_library: MakeLibrary) -> None:
    library = make_library(
        fair="The spring fair of Alma drew 900 visitors, 40 bakers and 12 bands."
    )
    for noun, words in (("bakers", "40 bakers"), ("visitors", "900 visitors")):
        short = ask(library, f"How many {noun} came to the spring fair of Alma?").short
        assert short is not None
        assert short.text == words
    assert ask(library, "How many dogs came to the spring fair of Alma?").short is None


def test_equals_are_no_answer(make_library: MakeLibrary) -> None:
    library = make_library(hill="The hills near Alma are 300 metres high and 300 metres high.")
    assert ask(library, "How high are the hills near Alma?").short is None


def test_disputed_evidence_gives_none(engine: Engine) -> None:
    """The first evidence names a newspaper, and those who did it are what the sources dispute."""
    answer = engine.ask("Who put an end to the spraying flights in 2015, judges or Santos?")
    sides = {side.citation for each in answer.disagreements for side in each.sides}
    assert answer.sentences[0].citations[0] in sides
    assert answer.short is None


def test_silence_has_no_short_answer(engine: Engine) -> None:
    answer = engine.ask("How many goals did the Oslo team score in the 1987 final?")
    assert answer.status is Status.NOT_IN_LIBRARY
    assert answer.short is None
