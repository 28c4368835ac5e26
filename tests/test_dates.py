"""Dates: written out in many forms, and mentioned in prose."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sourcebook.index.dates import Mention, iso_date, mentions


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2025", "2025"),
        ("2025-09", "2025-09"),
        ("2025-9-3", "2025-09-03"),
        ("2025-09-19T10:00:00Z", "2025-09-19"),
        ("2025-09-19 10:00:00+02:00", "2025-09-19"),
        ("20250919", "2025-09-19"),
        ("Sept. 19, 2025", "2025-09-19"),
        ("Nov 19th, 2025", "2025-11-19"),
        ("19 September 2025", "2025-09-19"),
        ("Friday, September 19, 2025 at 10:30 AM EST", "2025-09-19"),
        ("Fri, 19 Sep 2025 10:00:00 +0000", "2025-09-19"),
        ("19 de noviembre de 2025", "2025-11-19"),
        ("1er juillet 2024", "2024-07-01"),
        ("19. März 2024", "2024-03-19"),
        ("juin 2024", "2024-06"),
        ("19/09/2025", "2025-09-19"),
        ("09/19/2025", "2025-09-19"),
        ("03/04/2025", "2025"),
        ("2025-13-01", None),
        ("31 February 2024", None),
        ("2024-02-30", None),
        ("12 monkeys 2024", None),
        ("May 5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates(text: str, iso: str | None) -> None:
    assert iso_date(text) == iso


@given(st.dates(datetime.date(1000, 1, 1), datetime.date(2999, 12, 31)))
def test_every_day_in_every_form(day: datetime.date) -> None:
    words = [f"{day:%B} {day.day}, {day.year}", f"{day.day} {day:%b} {day.year}"]
    forms = [day, day.isoformat(), *words]
    assert {iso_date(form) for form in forms} == {day.isoformat()}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("By September 15, the House decides", {"September 15": "--09-15"}),
        ("in Tumaco on December 30, 2020. The", {"December 30, 2020": "2020-12-30"}),
        ("from 2014 to 2019", {"2014": "2014", "2019": "2019"}),
        ("in 1962–66 and 1970-1973", {"1962": "1962", "1970": "1970", "1973": "1973"}),
        ("On October 19th he", {"October 19th": "--10-19"}),
        ("It ends on 30 June. Then", {"30 June": "--06-30"}),
        ("until 3 March 2025.", {"3 March 2025": "2025-03-03"}),
        ("el 15 de septiembre de 2025", {"15 de septiembre de 2025": "2025-09-15"}),
        ("en enero de 2020", {"enero de 2020": "2020-01"}),
        (
            "21 February 1804 and Sept. 2001",
            {"21 February 1804": "1804-02-21", "Sept. 2001": "2001-09"},
        ),
        ("2025-09-19 or 2025-10", {"2025-09-19": "2025-09-19", "2025-10": "2025-10"}),
        ("Hastings was fought in 1066.", {"1066": "1066"}),
        ("the 2016 Peace Accords (2017)", {"2016": "2016", "2017": "2017"}),
        ("February 29, then February 30", {"February 29": "--02-29"}),
        ("in May 2025 he may 15 times", {"May 2025": "2025-05"}),
        ("since mid-2020, and by late-1998", {"2020": "2020", "1998": "1998"}),
        ("on the 3rd of May, then", {"3rd of May": "--05-03"}),
        ("on the 3rd of May 2019.", {"3rd of May 2019": "2019-05-03"}),
        (
            "el 5 de mayo de 2019 y el 1.º de junio",
            {"5 de mayo de 2019": "2019-05-05", "1.º de junio": "--06-01"},
        ),
        ("en 2019, in Q3 2021", {"2019": "2019", "2021": "2021"}),
    ],
)
def test_dates_in_prose(text: str, found: dict[str, str]) -> None:
    assert {text[each.start : each.end]: each.iso for each in mentions(text)} == found


@pytest.mark.parametrize(
    "text",
    [
        "the 1990s and the mid–2010s",
        "1400 tons, 1,700 tons, $2000, 2000%",
        "1850.5 metres, version 2.2019",
        "COVID-2019, B2019, 12019",
        "may set 2 records",
        "",
    ],
)
def test_numbers_that_are_no_dates(text: str) -> None:
    assert mentions(text) == []


@given(st.dates(datetime.date(1500, 1, 1), datetime.date(2099, 12, 31)), st.text("ab ,.é\n"))
def test_every_day_is_found_where_it_stands(day: datetime.date, before: str) -> None:
    for form in (f"{day:%B} {day.day}, {day.year}", f"{day.day} {day:%B} {day.year}", f"{day}"):
        text = f"{before} {form} {before}"
        start = text.index(form)
        assert mentions(text) == [Mention(start, start + len(form), day.isoformat())]
