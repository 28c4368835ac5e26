"""Quantities: numbers in prose, with what they count and what else they may mean."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sourcebook.index.dates import mentions
from sourcebook.index.words import listed
from sourcebook.service.language.lexicon import Kind
from sourcebook.service.language.quantities import Quantity, quantities

DATA = Path(__file__).parent / "data"


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
        ("12 of the 30 towns", "12 of the 30 towns", Kind.COUNT, 12),
        ("12 of New York’s 62 counties", "12 of New York’s 62 counties", Kind.COUNT, 12),
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
        "one in ",
        "two to ",
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


ENGLISH_ONES = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
ENGLISH_TENS = listed("twenty thirty forty fifty sixty seventy eighty ninety")
SPANISH_ONES = listed(
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro "
    "veinticinco veintiséis veintisiete veintiocho veintinueve"
)
SPANISH_TENS = listed("treinta cuarenta cincuenta sesenta setenta ochenta noventa")
SPANISH_HUNDREDS = listed(
    "ciento doscientas trescientas cuatrocientas quinientas seiscientas setecientas ochocientas "
    "novecientas"
)


def in_english(number: int) -> str:
    """The number in words, as a style guide has it."""
    for size, name in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = number % size
            joint = " and " if 0 < rest < 100 else " "
            more = joint + in_english(rest) if rest else ""
            return f"{in_english(number // size)} {name}{more}"
    if number < 20:
        return ENGLISH_ONES[number]
    ones = f"-{ENGLISH_ONES[number % 10]}" if number % 10 else ""
    return ENGLISH_TENS[number // 10 - 2] + ones


def in_spanish(number: int) -> str:
    """The number in words, before a feminine noun."""
    if number >= 10**6:
        many = "un millón" if number < 2 * 10**6 else f"{in_spanish(number // 10**6)} millones"
        return f"{many} {in_spanish(number % 10**6)}" if number % 10**6 else many
    if number >= 1000:
        many = "mil" if number < 2000 else f"{in_spanish(number // 1000)} mil"
        return f"{many} {in_spanish(number % 1000)}" if number % 1000 else many
    if number == 100:
        return "cien"
    if number > 100:
        rest = f" {in_spanish(number % 100)}" if number % 100 else ""
        return SPANISH_HUNDREDS[number // 100 - 1] + rest
    if number < 30:
        return SPANISH_ONES[number]
    ones = f" y {SPANISH_ONES[number % 10]}" if number % 10 else ""
    return SPANISH_TENS[number // 10 - 3] + ones


# "y un mil", "veintiuno millones" are no Spanish; what stands before thousands has other forms.
SPANISH_NUMBERS = st.integers(2, 10**9 - 1).filter(
    lambda number: (number // 1000) % 10 != 1 and (number // 10**6) % 10 != 1
)


@given(st.integers(2, 10**9 - 1))
def test_every_number_in_english_words(number: int) -> None:
    (quantity,) = quantities(f"They paid {in_english(number)} dollars.", (), "en")
    assert (quantity.value, quantity.kind) == (number, Kind.MONEY)


@given(SPANISH_NUMBERS)
def test_every_number_in_spanish_words(number: int) -> None:
    (quantity,) = quantities(f"Pagaron {in_spanish(number)} toneladas.", (), "es")
    assert (quantity.value, quantity.kind) == (number, Kind.MASS)


@given(st.integers(0, 10**8), st.integers(1, 99))
def test_points_and_commas_are_read_by_the_language(whole: int, hundredths: int) -> None:
    english = f"They paid {whole:,}.{hundredths:02d} dollars."
    swapped = f"{whole:,}".replace(",", ".")
    spanish = f"Pagaron {swapped},{hundredths:02d} euros."
    expected = pytest.approx(whole + hundredths / 100)
    assert [each.value for each in quantities(english, (), "en")] == [expected]
    assert [each.value for each in quantities(spanish, (), "es")] == [expected]


PHRASES = [
    (language, json.loads(line))
    for language in ("en", "es")
    for line in (DATA / f"numbers.{language}.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize(("language", "count"), [("en", 89), ("es", 50)])
def test_at_most_one_of_the_listed_numbers_is_read_wrongly(language: str, count: int) -> None:
    phrases = [phrase for each, phrase in PHRASES if each == language]
    assert len(phrases) == count
    wrong = []
    for phrase in phrases:
        text = phrase["text"]
        values = [each.value for each in quantities(text, mentions(text), language)]
        if values != pytest.approx(phrase["values"]):
            wrong.append((text, values))
    assert len(wrong) <= 1, wrong


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "one",
            "in",
            "a",
            "half",
            "million",
            "of",
            "five",
            "fifths",
            "to",
            "y",
            "medio",
            "mil",
            "un",
            "and a half",
            "two",
            "-",
            "hundred",
            "$",
            ".5",
            "4.375",
            "percent",
            ",",
            "dozen",
        ]
    ),
    max_size=9,
).map(" ".join)


@given(st.text("0123456789.,%$€ -abc\n", max_size=40) | st.text("01 ,.", max_size=12) | FRAGMENTS)
def test_any_text_is_read_in_order(text: str) -> None:
    spans = [(each.start, each.end) for each in found(text)]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
