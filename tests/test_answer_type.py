"""The expected answer type: read from the question, found in sentences."""

import pytest

from sourcebook.service.language.answer_types import AnswerType, expected, fitting
from sourcebook.service.language.lexicon import Kind

NAME, PLACE, DATE, NUMBER = AnswerType.NAME, AnswerType.PLACE, AnswerType.DATE, AnswerType.NUMBER


@pytest.mark.parametrize(
    ("question", "type"),
    [
        ("Who ended aerial spraying?", NAME),
        ("¿Quién reconoció haber abusado de sustancias?", NAME),
        ("Which former minister resigned?", NAME),
        ("An envoy resigned. Who replaced her?", NAME),
        ("Where does coca grow?", PLACE),
        ("¿Dónde se cultiva la coca?", PLACE),
        ("When did Plan Colombia start?", DATE),
        ("In what year was the treaty signed?", DATE),
        ("¿Cuándo empezó el Plan Colombia?", DATE),
        ("How many soldiers were kidnapped?", NUMBER),
        ("¿Cuántos soldados fueron secuestrados?", NUMBER),
        ("How much cocaine was seized?", NUMBER),
        ("What share of GDP does coca represent?", NUMBER),
        ("How long has the war lasted?", NUMBER),
        ("Why was Colombia decertified?", None),
        ("What happened on the day when Petro spoke, and to those who listened?", None),
        ("What word did US officials use?", None),
    ],
)
def test_what_is_asked_for(question: str, type: AnswerType | None) -> None:
    wanted = expected(question)
    assert (wanted and wanted.type) == type


def test_the_measure_that_is_asked_for() -> None:
    kinds = {
        "How many hectares are there?": {Kind.AREA},
        "How many tonnes were seized?": {Kind.MASS},
        "How many years did it take?": {Kind.TIME},
        "How old is the dam?": {Kind.AGE},
        "How many soldiers died?": {Kind.COUNT},
        "How much money was lost?": {Kind.MONEY},
        "What percentage of it is coca?": {Kind.SHARE},
    }
    for question, wanted in kinds.items():
        found = expected(question)
        assert found is not None
        assert found.kinds == wanted, question


def words(sentence: str, question: str) -> list[str]:
    wanted = expected(question)
    assert wanted is not None
    return [sentence[each.start : each.end] for each in fitting(sentence, wanted)]


def test_names_are_runs_of_capitals() -> None:
    sentence = (
        "However, Álvaro Leyva Durán told the Colombian weekly that the U.N. and Petro's aide left."
    )
    assert words(sentence, "Who left?") == ["Álvaro Leyva Durán", "Petro"]
    assert words("The Bank of Spain, in Madrid, paid.", "Who paid?") == ["Bank of Spain", "Madrid"]


def test_what_the_question_says_is_no_answer() -> None:
    sentence = "Álvaro Leyva met Petro in 2022 and 2024."
    assert words(sentence, "Who met alvaro leyva?") == ["Petro"]
    assert words(sentence, "When in 2022 did they meet?") == ["2022 and 2024"]
    assert words("More than 40 towns, then 60 towns.", "How many towns beside the 40?") == [
        "60 towns"
    ]


def test_dates_and_figures_that_belong_together_are_one() -> None:
    assert words("He served from 2014 to 2019.", "When did he serve?") == ["2014 to 2019"]
    assert words("It broke by the mid-2010s.", "When did it break?") == ["mid-2010s"]
    assert words("It takes 1% to 3% of it.", "What percentage does it take?") == ["1% to 3%"]
    assert words("7 dogs and 9 cats.", "How many animals?") == ["7 dogs", "9 cats"]
    cost = "How much does it cost?"
    assert words("It costs between 2 and 3 euros.", cost) == ["between 2 and 3 euros"]
    assert words("Cuesta entre 2 y 3 euros.", "¿Cuánto cuesta?") == ["entre 2 y 3 euros"]
    assert words("It costs 12 to 15 million euros.", cost) == ["12 to 15 million euros"]


def test_a_part_is_not_the_whole() -> None:
    assert words("A third of the 90 wells, or 30 wells, are dry.", "How many wells are dry?") == [
        "30 wells"
    ]


@pytest.mark.parametrize(
    ("sentence", "question", "right"),
    [
        (
            "It grows in just 12 of Colombia’s 1,122 municipalities.",
            "In how many municipalities does it grow?",
            ["12 of Colombia’s 1,122 municipalities"],
        ),
        ("31 of the 40 members agreed.", "How many agreed?", ["31 of the 40 members"]),
        (
            "They closed 12 of New York's 62 county jails.",
            "How many jails did they close?",
            ["12 of New York's 62 county jails"],
        ),
        ("Votaron 12 de los 30 municipios.", "¿Cuántos votaron?", ["12 de los 30 municipios"]),
        # What has its own noun is no part of what follows.
        ("Three fines of 500 euros were paid.", "How many fines were paid?", ["Three fines"]),
        (
            "They gave 5 million euros of the 20 contracts.",
            "How many contracts?",
            ["20 contracts"],
        ),
        ("Arrestaron a 3 hombres de 25 años.", "¿Cuántos hombres?", ["3 hombres"]),
        ("Murieron 12 personas de 40 años.", "¿Cuántas personas?", ["12 personas"]),
        ("They seized 25 tons in 14 raids.", "How many tons?", ["25 tons"]),
    ],
)
def test_a_part_is_shown_with_its_whole(sentence: str, question: str, right: list[str]) -> None:
    assert words(sentence, question) == right


def test_a_change_is_not_what_it_leads_to() -> None:
    sentence = "The fee rose by 2 euros, to 9 euros."
    assert words(sentence, "By how much did the fee rise?") == ["2 euros"]
    assert words(sentence, "To how much did the fee rise?") == ["9 euros"]
    assert words(sentence, "How much is the fee?") == ["2 euros", "9 euros"]


def test_a_name_with_a_title_is_still_the_question_s() -> None:
    sentence = "Mayor Eva Lind met Minister Bo Paz."
    assert words(sentence, "Who met Eva Lind?") == ["Minister Bo Paz"]
