"""Syndicated copies: the signature estimates what shingles share."""

import random
import re

import pytest

from sourcebook.index.article import Article
from sourcebook.index.duplicates import BANDS, SAME, SHINGLE_WORDS, bands, signature, similarity

CHANCE = random.Random(4)
WORDS = [f"word{number}" for number in range(3_000)]


def jaccard(one: str, other: str) -> float:
    shingles = []
    for text in (one, other):
        words = re.findall(r"\w+", text.casefold())
        shingles.append({tuple(words[i : i + SHINGLE_WORDS]) for i in range(len(words) - 4)})
    return len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])


@pytest.mark.parametrize("shared", [0, 200, 400, 600, 800, 950, 1000])
def test_the_estimate_is_near_the_truth(shared: int) -> None:
    text = " ".join(CHANCE.choices(WORDS, k=1_000))
    other = " ".join(text.split()[:shared] + CHANCE.choices(WORDS, k=1_000 - shared))
    truth = jaccard(text, other)
    # Four standard deviations of a mean over 128 draws.
    assert similarity(signature(text), signature(other)) == pytest.approx(truth, abs=0.18)


def test_a_syndicated_copy_is_recognised(seed_articles: list[Article]) -> None:
    for article in seed_articles:
        copy = f"THE HERALD: {article.text.upper()}\n\nThis article was first printed elsewhere."
        one, other = signature(article.text), signature(copy)
        assert similarity(one, other) >= SAME
        assert set(bands(one)) & set(bands(other))


def test_other_articles_on_the_same_matter_are_no_copies(seed_articles: list[Article]) -> None:
    signatures = [signature(article.text) for article in seed_articles]
    for number, one in enumerate(signatures):
        assert similarity(one, one) == 1
        assert all(similarity(one, other) < 0.2 for other in signatures[:number])


def test_signatures_do_not_depend_on_case_and_space_and_have_one_form() -> None:
    assert signature("The  Coca\nLEAF, it grows.") == signature("the coca leaf it grows")
    assert len(signature("coca")) == 512
    assert len(bands(signature("coca"))) == BANDS
    assert signature("one two three four five six") != signature("six five four three two one")


def test_texts_without_a_word_are_not_all_alike() -> None:
    assert similarity(signature("👍 👎"), signature("🎉")) < SAME


def test_a_long_text_takes_no_longer_than_it_must() -> None:
    text = " ".join(CHANCE.choices(WORDS, k=200_000))
    assert similarity(signature(text), signature(text + " end")) > 0.95
