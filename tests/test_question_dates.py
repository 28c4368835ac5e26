"""The periods that a question names, with their ends and what they are of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sourcebook.service.language.question_dates import Period, periods

Days = tuple[str | None, str | None]
YEAR_2023 = ("2023-01-01", "2023-12-31")


@pytest.mark.parametrize(
    ("question", "days"),
    [
        ("How much coca grew in 2023?", [YEAR_2023]),
        ("coca hectares 2023", [YEAR_2023]),
        ("What changed since 2023?", [("2023-01-01", None)]),
        ("What changed AFTER 2023-05-01?", [("2023-05-02", None)]),
        ("What changed after 2023?", [("2024-01-01", None)]),
        ("What was said before 2025?", [(None, "2024-12-31")]),
        ("What was agreed before March 2024?", [(None, "2024-02-29")]),
        ("What was agreed prior to 1 March 2023?", [(None, "2023-02-28")]),
        ("What grew up to 2020?", [(None, "2020-12-31")]),
        ("What has to be done by June 2030?", [(None, "2030-06-30")]),
        ("Who met on 19 September 2025?", [("2025-09-19", "2025-09-19")]),
        ("Who met on September 19, 2025?", [("2025-09-19", "2025-09-19")]),
        (
            "Coca between 2019 and 2021, not since 2010",
            [("2019-01-01", "2021-12-31"), ("2010-01-01", None)],
        ),
        ("Coca between May 2019 and June 2019", [("2019-05-01", "2019-06-30")]),
        ("How far did it fall from 2012 to 2014?", [("2012-01-01", "2014-12-31")]),
        ("Fines 2014-2019", [("2014-01-01", "2019-12-31")]),
        ("What rose in 2019 compared to 2023?", [("2019-01-01", "2019-12-31"), YEAR_2023]),
        (
            "Was it 1996 or 1997 when it fell?",
            [("1996-01-01", "1996-12-31"), ("1997-01-01", "1997-12-31")],
        ),
        ("the aftermath of 2023, whereafter2021", [YEAR_2023]),
        ("¿Qué cambió desde 2023 hasta 2025-06?", [("2023-01-01", "2025-06-30")]),
        ("¿Qué se dijo antes de 2020?", [(None, "2019-12-31")]),
        ("¿Qué se dijo antes de mayo de 2020?", [(None, "2020-04-30")]),
        ("¿Qué pasó después del 5 de mayo de 2021?", [("2021-05-06", None)]),
        ("Coca entre 2019 y 2021", [("2019-01-01", "2021-12-31")]),
        ("¿Cuánta coca hubo a partir de 2023?", [("2023-01-01", None)]),
        ("¿Cuánta coca hubo en el año 2023?", [YEAR_2023]),
        ("How many people live there?", []),
        ("What happened on October 19?", []),
        ("Did 1,700 tonnes arrive?", []),
    ],
)
def test_events(question: str, days: list[Days]) -> None:
    assert [(each.first, each.last) for each in periods(question)] == days
    assert not any(each.published for each in periods(question))


@pytest.mark.parametrize(
    ("question", "cut", "days"),
    [
        ("Which articles published in 2023 mention coca?", "published in 2023", YEAR_2023),
        (
            "What was reported in May 2025 on fines?",
            "reported in May 2025",
            ("2025-05-01", "2025-05-31"),
        ),
        ("What was reported before 2025 on fines?", "reported before 2025", (None, "2024-12-31")),
        ("What was printed since 2024?", "printed since 2024", ("2024-01-01", None)),
        ("What do articles from 2023 say?", "from 2023", YEAR_2023),
        ("What do articles since 2023 say?", "since 2023", ("2023-01-01", None)),
        ("What does the 2023 piece say?", "2023", YEAR_2023),
        ("What does the 2023 VICE article say?", "2023", YEAR_2023),
        (
            "Coca in stories published between 2019 and 2021",
            "published between 2019 and 2021",
            ("2019-01-01", "2021-12-31"),
        ),
        ("What was published by The Hill in 2023?", "published by The Hill in 2023", YEAR_2023),
        (
            "¿Qué artículos publicados en mayo de 2025 hay?",
            "publicados en mayo de 2025",
            ("2025-05-01", "2025-05-31"),
        ),
        ("¿Qué dicen los artículos de 2023?", "de 2023", YEAR_2023),
    ],
)
def test_publications(question: str, cut: str, days: Days) -> None:
    [period] = periods(question)
    assert period.published
    assert question[period.start : period.end] == cut
    assert (period.first, period.last) == days


@pytest.mark.parametrize(
    ("first", "last", "iso", "states", "may_hold"),
    [
        ("2023-01-01", "2023-12-31", "2023", True, True),
        ("2023-01-01", "2023-12-31", "2023-05-03", True, True),
        ("2023-05-01", "2023-05-31", "2023", False, True),
        ("2023-05-01", "2023-05-31", "2023-06", False, False),
        (None, "2024-12-31", "2025", False, False),
        (None, "2024-12-31", "1997", True, True),
        ("2024-01-01", None, "2023-12-31", False, False),
        ("2024-01-01", None, "2024-02", True, True),
    ],
)
def test_dates_of_a_period(
    first: str | None, last: str | None, iso: str, states: bool, may_hold: bool
) -> None:
    period = Period(0, 0, first, last)
    assert (period.states(iso), period.may_hold(iso)) == (states, may_hold)


def test_what_a_text_mentions() -> None:
    period = Period(0, 0, None, "2024-12-31")
    assert period.mentioned_in("It was last refused in March 1997, and again in 2025.")
    assert not period.mentioned_in("It was refused in 2025, on 3 May.")


@given(st.text(max_size=60), st.integers(1900, 2099))
def test_any_text_has_periods_that_stand_in_it(text: str, year: int) -> None:
    question = f"{text} in {year}"
    for each in periods(question):
        assert 0 <= each.start < each.end <= len(question)
        assert each.first is None or each.last is None or each.first <= each.last
