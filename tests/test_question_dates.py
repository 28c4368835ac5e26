"""The period that a question names."""

import pytest

from sourcebook.service.language.question_dates import period


@pytest.mark.parametrize(
    ("question", "dates"),
    [
        ("What changed since 2023?", ("2023", None)),
        ("What changed AFTER 2023-05-01?", ("2023-05-01", None)),
        ("¿Qué cambió desde 2023 hasta 2025-06?", ("2023", "2025-06")),
        ("¿Qué se dijo antes de 2020?", (None, "2020")),
        ("Coca between 2019 and 2021, not since 2010", ("2019", "2021")),
        ("Coca entre 2019 y 2021", ("2019", "2021")),
        ("What grew up to 2020?", (None, "2020")),
        ("How much coca grew in 2023?", (None, None)),
        ("Coca since 1492", (None, None)),
        ("the aftermath of 2020, whereafter2021", (None, None)),
    ],
)
def test_periods(question: str, dates: tuple[str | None, str | None]) -> None:
    assert period(question) == dates
