"""Quantities: numbers in prose, with what they count and what else they may mean."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sourcebook.index.dates import mentions
from sourcebook.service.language.lexicon import Kind
from sourcebook.service.language.quantities import Quantity, quantities


def found(text: str) -> list[Quantity]:
    return quantities(text, mentions(text))


@pytest.mark.parametrize(
    ("text", "words", "kind", "value"),
    [
        ("around 253,000 hectares of land", "around 253,000 hectares", Kind.AREA, 253_000),
        ("about 250 000 hectares", "about 250 000 hectares", Kind.AREA, 250_000),
        ("unas 253.000 hectáreas", "unas 253.000 hectáreas", Kind.AREA, 253_000),
        ("two hundred thousand hectares", "two hundred thousand hectares", Kind.AREA, 200_000),
        ("supplies 67 percent of", "67 percent", Kind.SHARE, 67),
        ("over 4% of GDP", "over 4%", Kind.SHARE, 4),
        ("half of the cabinet", "half", Kind.SHARE, 50),
        ("a quarter of the 480 schools", "a quarter of the 480 schools", Kind.SHARE, 25),
        ("67% of 120 members voted", "67% of 120 members", Kind.SHARE, 67),
        ("two-thirds of the land", "two-thirds", Kind.SHARE, 200 / 3),
        ("some 850 tonnes in 2024", "some 850 tonnes", Kind.MASS, 850),
        ("1,5 millones de toneladas", "1,5 millones de toneladas", Kind.MASS, 1_500_000),
        ("US$1.5 billion in aid", "US$1.5 billion", Kind.MONEY, 1.5e9),
        ("around $300 per month", "around $300", Kind.MONEY, 300),
        ("more than six decades", "more than six decades", Kind.TIME, 60),
        ("the 62-year-old economist", "62-year-old", Kind.AGE, 62),
        ("she is 62 years old now", "62 years old", Kind.AGE, 62),
        ("more than six times as much", "more than six times", Kind.TIMES, 6),
        ("19 independent experts tasked", "19 independent experts", Kind.COUNT, 19),
        ("eight U.S. presidents", "eight U.S. presidents", Kind.COUNT, 8),
        ("316 million people used", "316 million people", Kind.COUNT, 316e6),
        ("forty-one soldiers were", "forty-one soldiers", Kind.COUNT, 41),
        ("just one four-year term", "four-year", Kind.TIME, 4),
        ("12 of the 30 towns", "12", Kind.COUNT, 12),
    ],
)
def test_what_a_quantity_is(text: str, words: str, kind: Kind, value: float) -> None:
    first = found(text)[0]
    assert text[first.start : first.end] == words
    assert first.kind is kind
    assert first.value == pytest.approx(value)
    assert first.low <= first.value <= first.high


@pytest.mark.parametrize(
    "text",
    [
        "the 68th session on October 19th, 2025",
        "in the 1990s, from 2014 to 2019",
        "COVID-19, B52, version 1.2.3",
        "one of the few, the two of them",
        "call 020 080",
        f"account 1{'0' * 400}",
        "",
    ],
)
def test_what_no_quantity_is(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("253,000 ha", "more than 250,000 hectares", True),
        ("253,000 ha", "about 250,000 hectares", True),
        ("253,000 ha", "253,400 hectares", True),
        ("253,000 ha", "204,000 hectares", False),
        ("204,000 ha", "more than 250,000 hectares", False),
        ("under 50,000 ha", "45,000 ha", True),
        ("under 50,000 ha", "60,000 ha", False),
        ("100 hectares", "247 acres", True),
        ("2,000 kg", "2 tonnes", True),
        ("six decades", "60 years", True),
        ("more than six decades", "over 40 years", False),
        ("19 experts", "20 experts", False),
        ("300 tons", "340 tons", False),
    ],
)
def test_whether_two_quantities_may_be_one(one: str, other: str, agree: bool) -> None:
    (first,), (second,) = found(one), found(other)
    assert first.kind is second.kind
    assert first.agrees(second) == second.agrees(first) == agree


def test_what_is_counted() -> None:
    nouns = [each.noun for each in found("30 member states, 12 countries, 7 of them, 62 percent")]
    assert nouns == ["member states", "countries", "", "percent"]


@given(st.integers(1, 10**9), st.sampled_from(["about ", "over ", ""]))
def test_every_number_with_commas(number: int, lead: str) -> None:
    text = f"They saw {lead}{number:,} birds."
    (quantity,) = found(text)
    assert text[quantity.start : quantity.end] == f"{lead}{number:,} birds"
    assert quantity.value == number


@given(st.text("0123456789.,%$€ -abc\n", max_size=40) | st.text("01 ,.", max_size=12))
def test_any_text_is_read_in_order(text: str) -> None:
    spans = [(each.start, each.end) for each in found(text)]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
