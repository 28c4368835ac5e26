"""The plan: what a question says about phrases, sources and dates, and nothing that it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from sourcebook.index.errors import InputError
from sourcebook.index.passages import Offsets
from sourcebook.index.search.stemming import stem
from sourcebook.index.search.view import Names
from sourcebook.service.asking.query import MAX_QUESTION, Query, plan, query_of
from sourcebook.service.language.words import WITH_APOSTROPHES

PUBLISHERS = ("The Conversation", "El País", "—")
AUTHORS = ("Laura Gil", "Óscar Naranjo", "…")
WORDS = ("ana", "iraq", "ruiz", "whitaker")


class Held:
    """What a library would hold whose word pieces are words."""

    def names(self) -> Names:
        return Names(PUBLISHERS, AUTHORS)

    def words_like(self, word: str) -> list[str]:
        return [each for each in WORDS if OSA.distance(each, word.casefold()) <= 2]

    def written_as_name(self, words: str) -> str | None:
        names = ("Ana Ruiz", "Whitaker", "The White House", "Iraq")
        return next((name for name in names if name.casefold() == words.casefold()), None)

    def pieces(self, text: str) -> Offsets:
        return [match.span() for match in WITH_APOSTROPHES.finditer(text)]

    def word_rarity(self, text: str) -> dict[str, float]:
        stems = (stem(word) for word in WITH_APOSTROPHES.findall(text))
        return {each: float(each not in WORDS) for each in stems if each}


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
    ("question", "matched", "written"),
    [
        ("According to The Conversation, what fell?", "What fell?", "The Conversation"),
        ("According to Gil, what fell in 2023?", "What fell in 2023?", "Gil"),
        ("What does El País say?", "What does El País say?", "El País"),  # no more is asked
        ("According to The Herald, what fell?", "What fell?", "The Herald"),
        (
            "According to The White House, what fell?",
            "According to The White House, what fell?",
            "",
        ),
        (
            "What did El País say, as published in May 2025, of fines?",
            "What, as, of fines?",
            "El País",
        ),
        ("Which fines were reported in 2024?", "Which fines were?", ""),
        ("Which fines fell since 2024?", "Which fines fell since 2024?", ""),
    ],
)
def test_what_is_matched(question: str, matched: str, written: str) -> None:
    query = plan(question, Held())
    assert query.text == question
    assert query.matched == matched
    assert [source.written for source in query.asked_sources] == ([written] if written else [])
    assert [query.matched[start:end] for start, end in query.pieces] == (
        WITH_APOSTROPHES.findall(matched)
    )


@pytest.mark.parametrize(
    ("question", "read_as", "matched"),
    [
        ("Who is Ana Ruis?", [("Ana Ruis", "Ana Ruiz")], "Who is Ana Ruiz?"),
        ("Is Anna Riuz’s decree new?", [("Anna Riuz", "Ana Ruiz")], "Is Ana Ruiz’s decree new?"),
        ("Describe Ana Ruis", [("Ana Ruis", "Ana Ruiz")], "Describe Ana Ruiz"),
        ("What does Whitacker want?", [("Whitacker", "Whitaker")], "What does Whitaker want?"),
        ("Who is Ana Ruiz?", [], "Who is Ana Ruiz?"),
        ("Who is Ruis?", [], "Who is Ruis?"),  # too short alone
        ("Who is Bob Ruis?", [], "Who is Bob Ruis?"),  # another person
        ("Is Whitakers new?", [], "Is Whitakers new?"),  # another form
        ("Where is Iran?", [], "Where is Iran?"),
        ("who is ana ruis?", [], "who is ana ruis?"),
        ("WHO IS ANA RUIS?", [], "WHO IS ANA RUIS?"),
    ],
)
def test_misspelt_names(question: str, read_as: list[tuple[str, str]], matched: str) -> None:
    query = plan(question, Held())
    assert [(each.written, each.read_as) for each in query.read_as] == read_as
    assert query.matched == matched
    for each in query.read_as:
        assert question[each.start : each.end] == each.written


def test_dates_understand_the_tense() -> None:
    query = plan("Who was refused before 2025?", Held())
    assert query.dated("2025", "It was refused in 1997.")
    assert not query.dated("2025", "It was refused in 2025.")
    assert not query.dated("1997", "It was refused in 1997.")


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
