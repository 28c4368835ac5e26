"""Word data: each language alone, the sets that derive from others, and all languages together."""

import re
from collections.abc import Mapping
from dataclasses import fields

import pytest

from sourcebook.index.dates import MONTHS
from sourcebook.index.words import (
    ENGLISH_MONTHS,
    ENGLISH_SHORT_MONTHS,
    SPANISH_MONTHS,
    STOP_WORDS,
    WORD,
    listed,
)
from sourcebook.service.language.languages import LANGUAGES, LEXICON
from sourcebook.service.language.lexicon import Kind, Lexicon, derived, either, phrases
from sourcebook.service.language.words import folded

NAMES = [each.name for each in fields(Lexicon)]
# Grammar in either language: never a name, a topic or something that is counted.
ARTICLES = {"en": {"a", "an", "the"}, "es": {"el", "la", "los", "las"}}


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("name", NAMES)
def test_words_are_in_the_form_that_texts_are_compared_in(language: str, name: str) -> None:
    for word in getattr(LANGUAGES[language], name):
        assert word == word.casefold() == " ".join(word.split())
        assert word


def test_negations_have_no_accents(language: str) -> None:
    negations = LANGUAGES[language].negations
    assert negations == {folded(word) for word in negations}
    assert negations


@pytest.mark.parametrize("name", ["function_words", "no_name", "never_counted"])
def test_articles_are_in_every_list_of_grammar(language: str, name: str) -> None:
    assert getattr(LANGUAGES[language], name) >= ARTICLES[language]


def test_the_english_function_words_build_on_the_stop_words_of_the_index() -> None:
    assert LANGUAGES["en"].function_words > STOP_WORDS
    assert all(WORD.fullmatch(word) and folded(word) == word for word in STOP_WORDS)


@pytest.mark.parametrize("name", ["no_name", "never_counted", "openers"])
def test_a_derived_list_is_not_its_base(language: str, name: str) -> None:
    lexicon = LANGUAGES[language]
    assert getattr(lexicon, name) not in (lexicon.function_words, STOP_WORDS, frozenset())


@pytest.mark.parametrize(
    "differences",
    [{"less": "not"}, {"only": "not"}, {"more": "the"}, {"more": "not not"}, {"less": "the the"}],
)
def test_a_difference_that_is_none_is_refused(differences: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"not|the"):
        derived(frozenset({"a", "the"}), **differences)


def test_differences() -> None:
    base = frozenset({"a", "the"})
    assert derived(base, less="the", more="not") == {"a", "not"}
    assert derived(base, only="the", more="not") == {"the", "not"}
    assert derived(base, less="the", more="the") == base


def test_no_word_means_two_numbers() -> None:
    for lexicon in LANGUAGES.values():
        assert not lexicon.numbers.keys() & lexicon.scales.keys()
        assert lexicon.unchecked_numbers <= lexicon.numbers.keys()
        assert all(phrase.casefold() not in lexicon.numbers for phrase in lexicon.fractions)


def test_the_numbers_are_right() -> None:
    numbers = LANGUAGES["en"].numbers
    assert [numbers[word] for word in ("zero", "eleven", "nineteen", "forty")] == [0, 11, 19, 40]
    numbers = LANGUAGES["es"].numbers
    assert [numbers[word] for word in ("dos", "catorce", "diecinueve", "noventa")] == [
        2,
        14,
        19,
        90,
    ]


def test_languages_agree_where_both_have_a_word() -> None:
    one, other = LANGUAGES.values()
    for name in NAMES:
        ones, others = getattr(one, name), getattr(other, name)
        if isinstance(ones, Mapping):
            assert {word: ones[word] for word in ones if word in others} == {
                word: others[word] for word in others if word in ones
            }


def test_the_lexicon_has_the_words_of_every_language() -> None:
    for lexicon in LANGUAGES.values():
        for name in NAMES:
            assert set(getattr(lexicon, name)) <= set(getattr(LEXICON, name))
    assert {"two", "dos"} <= LEXICON.numbers.keys()


def test_every_kind_but_counts_and_ages_has_units(language: str) -> None:
    kinds = {unit.kind for unit in LANGUAGES[language].units.values()}
    assert kinds == set(Kind) - {Kind.COUNT, Kind.AGE}


def test_every_month_is_known_by_its_start() -> None:
    assert [MONTHS[month[:3].lower()] for month in ENGLISH_MONTHS] == list(range(1, 13))
    short = {MONTHS[month[:3].lower()] for month in ENGLISH_SHORT_MONTHS}
    assert short == set(range(1, 13)) - {5}  # May has no shorter form
    starts = [MONTHS[month[:3]] for month in SPANISH_MONTHS]
    assert sorted(starts) == sorted([*range(1, 13), 9])  # septiembre, setiembre


def test_listed_refuses_a_word_that_stands_there_twice() -> None:
    assert listed("b a") == ("b", "a")
    with pytest.raises(ValueError, match="'a'"):
        listed("a b a")


def test_either_prefers_the_longest() -> None:
    found = re.match(either(phrases("up|up to|3.5")), "up to 2020")
    assert found
    assert found[0] == "up to"
    assert not re.fullmatch(either(phrases("3.5")), "345")
