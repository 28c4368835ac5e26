"""The plan: what a question says about phrases, sources and dates, and nothing that it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sourcebook.index.errors import InputError
from sourcebook.service.asking.query import MAX_QUESTION, Query, plan

PUBLISHERS = ["The Conversation", "Foreign Policy", "El País", "www.insightcrime.org", "AP", "—"]
AUTHORS = ["Laura Gil", "Óscar Naranjo", "J. D. Vance", "…"]


@pytest.mark.parametrize(
    ("question", "phrases"),
    [
        ('Who said "total peace"?', ("total peace",)),
        ("Who said “total peace” and «paz total»?", ("total peace", "paz total")),
        ("Who said 'total peace'?", ("total peace",)),
        ("Who said ‘total peace’?", ("total peace",)),
        ("What is Petro's plan for Colombia's farmers?", ()),
        ("What is Petro’s plan for farmers’ land?", ()),
        ('Is it 6" long?', ()),
        ('An empty "" pair', ()),
    ],
)
def test_phrases(question: str, phrases: tuple[str, ...]) -> None:
    assert plan(question).phrases == phrases


@pytest.mark.parametrize(
    ("question", "publishers", "authors"),
    [
        ("According to The Conversation, why?", ("The Conversation",), ()),
        ("what does theconversation say", ("The Conversation",), ()),
        ("What does Insight Crime say?", ("www.insightcrime.org",), ()),
        ("What did EL PAÍS print?", ("El País",), ()),
        ("What did AP report?", ("AP",), ()),
        ("What was the apparent aim?", (), ()),
        ("a conversation on foreign aid policy", (), ()),
        ("What does laura gil propose, or Oscar Naranjo?", (), ("Laura Gil", "Óscar Naranjo")),
        ("What does Laura Gill propose?", (), ("Laura Gil",)),
        ("What did J.D. Vance say?", (), ("J. D. Vance",)),
        ("What does Laura Chinchilla propose?", (), ()),
    ],
)
def test_names(question: str, publishers: tuple[str, ...], authors: tuple[str, ...]) -> None:
    query = plan(question, PUBLISHERS, AUTHORS)
    assert (query.publishers, query.authors) == (publishers, authors)


@pytest.mark.parametrize(
    ("question", "dates"),
    [
        ("What changed since 2023?", ("2023", None)),
        ("What changed after 2023-05-01?", ("2023-05-01", None)),
        ("¿Qué cambió desde 2023 hasta 2025-06?", ("2023", "2025-06")),
        ("What was said before 2020?", (None, "2020")),
        ("Coca between 2019 and 2021", ("2019", "2021")),
        ("Coca entre 2019 y 2021", ("2019", "2021")),
        ("How much coca grew in 2023?", (None, None)),
        ("Coca since 1492", (None, None)),
    ],
)
def test_dates(question: str, dates: tuple[str | None, str | None]) -> None:
    query = plan(question)
    assert (query.published_from, query.published_to) == dates


@pytest.mark.parametrize("question", ["", "  \n ", "?!", "…", "—"])
def test_a_question_needs_a_word(question: str) -> None:
    with pytest.raises(InputError, match="at least one word"):
        plan(question)


def test_a_question_has_an_end() -> None:
    assert plan("a" * MAX_QUESTION).text == "a" * MAX_QUESTION
    with pytest.raises(InputError, match="10,000 characters"):
        plan("a" * 10_000)


@given(st.text(max_size=80))
def test_any_text_is_a_plan_or_refused(question: str) -> None:
    try:
        query = plan(question, PUBLISHERS, AUTHORS)
    except InputError:
        return
    assert query == plan(query.text, PUBLISHERS, AUTHORS)
    assert isinstance(query, Query)
    assert query.text.split() == question.split()
    assert all(phrase in query.text for phrase in query.phrases)
