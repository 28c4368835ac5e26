"""Follow-up questions: what they lack is carried over, what is whole is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sourcebook.service.doors.follow_up import MAX_CARRIED_CHARACTERS, FollowUp, whole

SEIZED = "How much cocaine did Colombia seize in 2020?"
INCAUTADO = "¿Cuánta cocaína incautó Colombia en 2020?"
SPRAYING = "Who ended aerial spraying?"
DECERTIFIED = "Why did the U.S. decertify Colombia?"


@pytest.mark.parametrize(
    ("before", "question", "expected"),
    [
        # another year
        (SEIZED, "and in 2021?", "How much cocaine did Colombia seize in 2021?"),
        (SEIZED, "2021?", "How much cocaine did Colombia seize in 2021?"),
        (SEIZED, "Since 2010?", "How much cocaine did Colombia seize since 2010?"),
        (SEIZED, "What about 1999?", "How much cocaine did Colombia seize in 1999?"),
        ("How much did it seize", "and in 2021?", "How much did it seize in 2021?"),
        (
            "How much coca grew between 2000 and 2010?",
            "and between 2010 and 2020?",
            "How much coca grew between 2010 and 2020?",
        ),
        (
            "How much coca grew between 2000 and 2010?",
            "and in 2015?",
            "in 2015? (How much coca grew between 2000 and 2010?)",
        ),
        (INCAUTADO, "¿Y en 2021?", "¿Cuánta cocaína incautó Colombia en 2021?"),
        (INCAUTADO, "¿y desde 2010?", "¿Cuánta cocaína incautó Colombia desde 2010?"),
        # another name
        (SEIZED, "What about Peru?", "How much cocaine did Peru seize in 2020?"),
        (SEIZED, "and in Costa Rica?", "How much cocaine did Costa Rica seize in 2020?"),
        (SEIZED, "Peru?", "How much cocaine did Peru seize in 2020?"),
        (INCAUTADO, "¿Y Perú?", "¿Cuánta cocaína incautó Perú en 2020?"),
        (INCAUTADO, "¿Qué tal Ecuador?", "¿Cuánta cocaína incautó Ecuador en 2020?"),
        (DECERTIFIED, "And Bolivia?", f"Bolivia? ({DECERTIFIED})"),
        # another thing
        (SEIZED, "and heroin?", f"heroin? ({SEIZED})"),
        (SEIZED, "and how much did Peru seize?", f"how much did Peru seize? ({SEIZED})"),
        # a pronoun that stands for a name
        ("When did Gustavo Petro take office?", "who was he?", "who was Gustavo Petro?"),
        (
            "When did Gustavo Petro visit Washington?",
            "What was his policy?",
            "What was Gustavo Petro’s policy?",
        ),
        ("Who is Dilma Rousseff?", "who voted against her?", "who voted against Dilma Rousseff?"),
        ("Who is Dilma Rousseff?", "what is her party?", "what is Dilma Rousseff’s party?"),
        ("Explain Total Peace", "Who criticised it?", "Who criticised Total Peace?"),
        ("When did Plan Colombia start?", "What did it cost?", "What did Plan Colombia cost?"),
        ("¿Cuándo asumió Gustavo Petro?", "¿Quién es él?", "¿Quién es Gustavo Petro?"),
        # one that may stand for several things
        (
            "When did Colombia end aerial spraying?",
            "Why did it resume?",
            "Why did it resume? (When did Colombia end aerial spraying?)",
        ),
        (
            "When did Colombia elect its president?",
            "Who was he?",
            "Who was he? (When did Colombia elect its president?)",
        ),
        (DECERTIFIED, "Why did voters reject it?", f"Why did voters reject it? ({DECERTIFIED})"),
        (DECERTIFIED, "When was that law passed?", f"When was that law passed? ({DECERTIFIED})"),
        (DECERTIFIED, "What happened after that?", f"What happened after that? ({DECERTIFIED})"),
        ("why was spraying ended", "who did this?", "who did this? (why was spraying ended)"),
        (SPRAYING, "¿Por qué lo hizo?", f"¿Por qué lo hizo? ({SPRAYING})"),
        (INCAUTADO, "¿Cuál fue su valor?", f"¿Cuál fue su valor? ({INCAUTADO})"),
        (SEIZED, "Who said he wants Peru out?", f"Who said he wants Peru out? ({SEIZED})"),
        # fragments
        (SPRAYING, "why?", f"why? ({SPRAYING})"),
        (SPRAYING, "When?", f"When? ({SPRAYING})"),
        (SPRAYING, "and who opposed it?", f"who opposed it? ({SPRAYING})"),
        ("¿Cuándo empezó el Plan Colombia?", "¿Cuánto costó?",
         "¿Cuánto costó? (¿Cuándo empezó el Plan Colombia?)"),
    ],
)  # fmt: skip
def test_what_is_lacking_is_carried_over(before: str, question: str, expected: str) -> None:
    found = whole(question, [before])
    assert found.question == expected
    assert found.carried


@pytest.mark.parametrize(
    "question",
    [
        SEIZED,
        INCAUTADO,
        SPRAYING,
        DECERTIFIED,
        "What is coca?",
        "What is total peace?",
        "¿Qué es la paz total?",
        "Explain Total Peace",
        "cocaine seizures",
        "coca",
        "How many articles are there?",
        "Is it legal to grow coca?",
        "Is it true that Petro was sanctioned?",
        "How long does it take to grow coca?",
        "What do farmers say they need?",
        "How do farmers sell their coca?",
        "Did Petro say that he would resign?",
        "What is a term that means constant temperature?",
        "What does it mean to be decertified?",
        "Do poor coca farmers in the hot southern valleys feed their families?",
        "Who is the President of Egypt?",
        "Who was Frédéric Chopin?",
        "Did the United States decertify Colombia in 2025?",
        "What does the constitution of Peru say about coca in 1993?",
        "¿Cuántas hectáreas de coca hay en Colombia?",
        "¿Quién firmó el acuerdo de paz con las FARC?",
    ],
)
def test_a_whole_question_is_left_alone(question: str) -> None:
    assert whole(question, ["When did Plan Mérida start in Mexico?"]) == FollowUp(question)


@pytest.mark.parametrize("earlier", [[], ["hello"], ["Thanks, great!"], ["?"], ["Muchas gracias."]])
def test_nothing_is_carried_from_nothing(earlier: list[str]) -> None:
    assert whole("and in 2021?", earlier) == FollowUp("and in 2021?")


def test_what_was_carried_goes_on() -> None:
    turns = [SEIZED, "and in 2021?", "thank you!", "what about Peru?"]
    assert whole("and in 2022?", turns).question == "How much cocaine did Peru seize in 2022?"


def test_a_new_subject_ends_the_old_one() -> None:
    found = whole("Who led it?", [SEIZED, "When did Plan Colombia start?"])
    assert found.question == "Who led Plan Colombia?"


def test_of_a_long_text_little_is_carried() -> None:
    long = "When Plan Colombia began, the village had one road. " * 30
    found = whole("and why?", [long])
    assert found.question.startswith("why? (")
    assert "Plan Colombia" in found.question
    assert len(found.question) < MAX_CARRIED_CHARACTERS + 20


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_is_a_question(question: str, earlier: list[str]) -> None:
    found = whole(question, earlier)
    assert found.carried or found.question == " ".join(question.split())
    assert whole(question, earlier) == found
