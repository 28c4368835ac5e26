"""The plan: what a question says about phrases, sources and dates, and nothing that it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sourcebook.index.errors import InputError
from sourcebook.index.passages import Offsets
from sourcebook.service.asking.query import MAX_QUESTION, Query, plan, query_of
from sourcebook.service.language.words import WITH_APOSTROPHES

PUBLISHERS = ["The Conversation", "Foreign Policy", "El País", "www.insightcrime.org", "AP", "—"]
AUTHORS = ["Laura Gil", "Óscar Naranjo", "J. D. Vance", "…"]


class Held:
    """What a library would hold whose word pieces are words."""

    def names(self) -> tuple[list[str], list[str]]:
        return PUBLISHERS, AUTHORS

    def pieces(self, text: str) -> Offsets:
        return [match.span() for match in WITH_APOSTROPHES.finditer(text)]

    def word_rarity(self, text: str) -> dict[str, float]:
        return {}


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
    assert query_of(question).phrases == phrases


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
    query = plan(question, Held())
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
    query = query_of(question)
    assert (query.published_from, query.published_to) == dates


@pytest.mark.parametrize("question", ["", "  \n ", "?!", "…", "—"])
def test_a_question_needs_a_word(question: str) -> None:
    with pytest.raises(InputError, match="at least one word"):
        query_of(question)


def test_a_question_has_an_end() -> None:
    assert query_of("a" * MAX_QUESTION).text == "a" * MAX_QUESTION
    with pytest.raises(InputError, match="10,000 characters"):
        query_of("a" * 10_000)


@given(st.text(max_size=80))
def test_any_text_is_a_plan_or_refused(question: str) -> None:
    try:
        query = plan(question, Held())
    except InputError:
        return
    assert query == plan(query.text, Held())
    assert isinstance(query, Query)
    assert query.text.split() == question.split()
    assert all(phrase in query.text for phrase in query.phrases)


@pytest.mark.parametrize(
    ("question", "pairs"),
    [
        ("Is it in pesos or dollars?", [("pesos", "dollars")]),
        ("Was it Ana Gil or Óscar Naranjo?", [("Gil", "Óscar Naranjo")]),
        ("Did exports of the north or the south fall?", [("north", "south")]),
        ("Did it fall?", []),
    ],
)
def test_alternatives(question: str, pairs: list[tuple[str, str]]) -> None:
    query = plan(question, Held())
    assert [(one.text, other.text) for one, other in query.alternatives] == pairs
    for pair in query.alternatives:
        for each in pair:
            spans = [query.pieces[position] for position in each.pieces]
            assert query.text[spans[0][0] : spans[-1][1]] == each.text


def test_what_is_counted() -> None:
    query = plan("How many soldiers came?", Held())
    assert query.counted == (2,)
    assert plan("Who came?", Held()).counted == ()


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Who ended aerial spraying?", "en"),
        ("¿Quién puso fin a la fumigación aérea?", "es"),
        ("que dice Petro de los cultivos en Cauca", "es"),
        ("coca Cauca 2023", "en"),
    ],
)
def test_language(question: str, language: str) -> None:
    assert query_of(question).language == language
