"""Verifying quotes: exact, nearly, or not there; and where the article says what."""

import random

import pytest
from conftest import MakeLibrary
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sourcebook.index.article import Article
from sourcebook.index.errors import InputError, NotFoundError
from sourcebook.index.library import Library
from sourcebook.service.documents.verify import Match, normalise, verify
from sourcebook.service.language.quotations import MAX_DRAFT, quotes_in

TEXT = (
    "“We waited far too long,” said Óscar Naranjo — a general — in the U.S.\n\n"
    "The farmers’ co-operative   grows 3½ tonnes of coca … and cacao."
)


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    return make_library(text=TEXT, other="The farmers’ market sells cacao.")


def check(library: Library, quote: str) -> tuple[Match, list[str]]:
    [verdict] = verify(library, [quote])
    for place in verdict.locations:
        article = library.article(place.article_id)
        assert article.text[place.start : place.end] == place.text
        assert place.text_sha256 == article.sha256
    return verdict.match, [place.text for place in verdict.locations]


@pytest.mark.parametrize(
    ("quote", "match", "texts"),
    [
        ("We waited far too long", "exact", ["We waited far too long"]),
        ("The farmers’", "exact", ["The farmers’", "The farmers’"]),
        ("the farmers' CO–OPERATIVE grows", "normalised", ["The farmers’ co-operative   grows"]),
        ('"we waited far too long," said', "normalised", ["“We waited far too long,” said"]),
        ("Naranjo - a general - in", "normalised", ["Naranjo — a general — in"]),
        ("in the u.s. the farmers", "normalised", ["in the U.S.\n\nThe farmers"]),
        ("farmers´ co-operative", "normalised", ["farmers’ co-operative"]),
        ("of coca ... and cacao", "normalised", ["of coca … and cacao"]),
        ("  grows\t3½ tonnes\n", "normalised", ["grows 3½ tonnes"]),
        ("we waited far too lung", "not_found", []),
        ("Oscar Naranjo", "not_found", []),
        ("grows 4½ tonnes of coca", "not_found", []),
        ("a sentence on submarines", "not_found", []),
    ],
)
def test_quotes(library: Library, quote: str, match: str, texts: list[str]) -> None:
    assert check(library, quote) == (match, texts)


def test_one_article_only(library: Library) -> None:
    [verdict] = verify(library, ["The farmers’"])
    ids = [place.article_id for place in verdict.locations]
    for wanted in ids:
        [one] = verify(library, ["The farmers’"], wanted)
        assert [place.article_id for place in one.locations] == [wanted]
    [elsewhere] = verify(library, ["We waited far too long"], ids[1])
    assert elsewhere.match is Match.NOT_FOUND
    with pytest.raises(NotFoundError, match="nowhere"):
        verify(library, ["The farmers’"], "nowhere")


@pytest.mark.parametrize("quote", ["", " \n", "x" * (MAX_DRAFT + 1)])
def test_what_is_no_quote_is_refused(library: Library, quote: str) -> None:
    with pytest.raises(InputError):
        verify(library, [quote])


seeds = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@seeds
@given(st.randoms(use_true_random=False))
def test_any_part_of_an_article_is_exact_at_its_place(
    seed_library: Library, seed_articles: list[Article], chance: random.Random
) -> None:
    article = chance.choice(seed_articles)
    start = chance.randrange(len(article.text) - 40)
    end = start + chance.randrange(20, 400)
    quote = article.text[start:end]
    [verdict] = verify(seed_library, [quote])
    assert verdict.match is Match.EXACT
    places = {(place.article_id, place.start, place.end) for place in verdict.locations}
    assert (article.id, start, start + len(quote)) in places
    assert {place.text for place in verdict.locations} == {quote}


@seeds
@given(st.randoms(use_true_random=False))
def test_any_variant_of_a_part_is_found_at_its_place(
    seed_library: Library, seed_articles: list[Article], chance: random.Random
) -> None:
    """In capitals, with other quotation marks and dashes, and broken into other lines."""
    article = chance.choice(seed_articles)
    words = article.text.split()
    first = chance.randrange(len(words) - 30)
    chosen = words[first : first + chance.randrange(12, 30)]
    straight = str.maketrans("“”‘’—–", "\"\"''--")
    quote = chance.choice([" ", "\n", "  "]).join(chosen).translate(straight).upper()
    [verdict] = verify(seed_library, [quote])
    assert verdict.match is not Match.NOT_FOUND
    assert any(
        place.article_id == article.id and place.text.split() == chosen
        for place in verdict.locations
    )


@given(st.text(max_size=80))
def test_normalising_any_text(text: str) -> None:
    normal, origin = normalise(text)
    assert len(normal) == len(origin)
    assert origin.tolist() == sorted(origin.tolist())
    assert all(0 <= at < len(text) for at in origin)
    assert "  " not in normal


@pytest.mark.parametrize(
    ("draft", "quotes"),
    [
        ("He said “one two three” twice.", ["one two three"]),
        ('He said "one two three" and "four five six".', ["one two three", "four five six"]),
        ("Dijo «uno dos tres». Er sagt „eins zwei drei“.", ["uno dos tres", "eins zwei drei"]),
        ('"one two three” and then "four five six"', ["one two three", "four five six"]),
        ('He said “one two three" and “four five six”.', ["one two three", "four five six"]),
        ('“He said "one two three" to us.”', ['He said "one two three" to us.']),
        ('"He said “one two three” to us."', ["He said “one two three” to us."]),
        ("The “peace process” of the so-called 'total peace'.", []),
        ("Nothing is quoted here", []),
        ("“An open quote that is never closed", []),
    ],
)
def test_quotes_in_a_draft(draft: str, quotes: list[str]) -> None:
    assert quotes_in(draft) == quotes
