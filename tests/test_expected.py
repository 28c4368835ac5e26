"""Kinds of answers: what is asked for, and whether a text holds one."""

import pytest

from service.expected import Kind, holds_answer, kind


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("On what date was the senator attacked?", Kind.DAY),
        ("¿Qué día habló Petro?", Kind.DAY),
        ("What tariff rate did Trump announce?", Kind.PERCENT),
        ("¿Qué porcentaje del PIB es?", Kind.PERCENT),
        ("What did Plan Colombia cost in total?", Kind.MONEY),
        ("How much money did the campaign receive?", Kind.MONEY),
        ("how many years in prison did otoniel get", Kind.NUMBER),
        ("¿Cuántas hectáreas de coca hay?", Kind.NUMBER),
        ("When did aerial spraying end?", Kind.DATE),
        ("Who resigned, and when did she?", Kind.DATE),
        ("In what year did Escobar die?", Kind.DATE),
        ("What happens when coca is sprayed?", Kind.OTHER),
        ("Who chairs the panel?", Kind.NAME),
        ("What is the name of the firm?", Kind.NAME),
        ("¿Dónde creció?", Kind.NAME),
        ("Why was Colombia decertified?", Kind.OTHER),
        ("petro approval rating", Kind.OTHER),
    ],
)
def test_what_is_asked_for(question: str, wanted: Kind) -> None:
    assert kind(question) is wanted


@pytest.mark.parametrize(
    ("question", "holding", "lacking"),
    [
        ("On what date was he shot?", "He was shot on June 7.", "He was shot in June 2025."),
        ("¿Qué día fue?", "Fue el 7 de junio.", "Fue en 2025."),
        ("What rate was set?", "A rate of 50 percent.", "A rate was set for 50 goods."),
        ("What did it cost?", "It cost 3.5 billion dollars.", "It cost 3,500 lives."),
        ("How many tonnes were seized?", "They seized 850 metric tonnes.", "They seized 3 ships."),
        ("How many tonnes were seized?", "Two tonnes were seized.", "In 2024 tonnes were seized."),
        ("How old is he?", "He is 64.", "He is old since 1964."),
        ("When did it end?", "It ended in 2015.", "It may have ended."),
        ("When did it end in 2015?", "It ended in May.", "It ended in 2015."),
        ("Who leads the Gulf Clan?", "Chiquito leads it.", "The Gulf Clan has a leader."),
        ("Who leads the Gulf Clan?", "Now Chiquito leads it.", "The Gulf Clan has a leader."),
    ],
)
def test_whether_a_text_holds_it(question: str, holding: str, lacking: str) -> None:
    assert holds_answer(question, holding)
    assert not holds_answer(question, lacking)


def test_any_text_may_hold_what_has_no_form() -> None:
    assert holds_answer("Why was it banned?", "Nothing at all.")
