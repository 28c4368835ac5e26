"""Near copies: the signature estimates what shingles share, and facts decide what is a copy."""

import random
import re
from dataclasses import replace

import pytest
from conftest import article_from
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcebook.eval.parsing.copies import Pair, made_of, measure, pairs, resemble
from sourcebook.index.article import Article
from sourcebook.index.differences import (
    Kind,
    Names,
    Sentence,
    differences,
    same_text,
    same_words,
)
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


# --- facts --------------------------------------------------------------------------------------

JUDGED = {pair.id: pair for pair in pairs()}


@pytest.mark.parametrize("pair", JUDGED.values(), ids=JUDGED)
def test_the_judged_pairs(pair: Pair) -> None:
    """All but one are decided right: a quarter of that text is cut."""
    copy = resemble(pair.one, pair.other) and same_text(pair.one, pair.other)
    assert copy is (pair.same and pair.id != "copies-06")
    assert same_text(pair.other, pair.one) is same_text(pair.one, pair.other)


def test_the_measure_counts_what_is_right() -> None:
    table = measure(None)
    assert table.rows[-1] == ("all", "40", "19", "39")
    assert len(JUDGED) == 40
    with pytest.raises(ValueError, match="'The' stands 2 times"):
        made_of("The dam. The mayor.", {"replace": [["The", "A"]]})


TEXTS = sorted({pair.one.text for pair in JUDGED.values()})
TEXT = st.sampled_from(TEXTS) | st.text(alphabet="ab12 .,\n²½٣mG", min_size=1, max_size=40)


@settings(deadline=None)
@given(TEXT, st.data())
def test_a_copy_with_another_digit_is_none(text: str, data: st.DataObject) -> None:
    """Wherever the digit stands, in whatever is around it."""
    digits = [n for n, character in enumerate(text) if character.isdecimal()]
    if not digits:
        return
    at = data.draw(st.sampled_from(digits))
    zero = ord(text[at]) - int(text[at])
    digit = data.draw(st.integers(0, 9).filter(lambda new: new != int(text[at])))
    changed = text[:at] + chr(zero + digit) + text[at + 1 :]
    around = data.draw(st.sampled_from(["{}", "Read this first.\n\n{}", "{}\n\nPrinted again."]))
    other = around.format(changed)
    assert not same_words(text, other)
    assert not same_text(article_from(text, "a"), article_from(other, "b"))


@settings(deadline=None)
@given(TEXT)
def test_typography_and_what_is_printed_around_it_make_no_other_text(text: str) -> None:
    framed = f"From our partners.\n\n{text}\n\nAll rights reserved."
    for other in (text, text.upper(), framed, text.replace(" ", "\u00a0").replace('"', "”")):
        assert same_words(text, other)
        assert same_words(other, text)


@pytest.mark.parametrize(
    ("one", "other", "kind", "words"),
    [
        ("At least 12 people died.", "At least 47 people died.", Kind.NUMBER, ("12", "47")),
        ("It costs $5 a day.", "It costs €5 a day.", Kind.NUMBER, ("$", "€")),
        ("Twelve people died there.", "Forty people died there.", Kind.WORD, ("Twelve", "Forty")),
        (
            "Prices rose in May, he said.",
            "Prices fell in May, he said.",
            Kind.WORD,
            ("rose", "fell"),
        ),
        ("It met on 3 May.", "It met on 3 June.", Kind.WORD, ("May", "June")),
        ("Ana Ruiz left the office.", "Ana Gil left the office.", Kind.NAME, ("Ruiz", "Gil")),
        ("He will pay the fine.", "He will not pay the fine.", Kind.WORD, None),
        ("He did pay the fine.", "He didn’t pay the fine.", Kind.WORD, None),
        ("La ley se aplica allí.", "La ley jamás se aplica allí.", Kind.WORD, None),
        ("He organised 1,000 people.", "He organized 1000 people.", None, None),
        ("He left the “office”.", 'He left, the "office".', None, None),
        ("The mayor, Ana Ruiz, left.", "The mayor left.", None, None),  # only one says it
        ("Fall in the price of coal", "FALL IN THE PRICE OF COAL", None, None),
        ("The mayor left.", "A mayor left.", None, None),
    ],
)
def test_what_two_sentences_differ_in(
    one: str, other: str, kind: Kind | None, words: tuple[str, str] | None
) -> None:
    found = [*differences(Sentence(one), Sentence(other), Names(("It was twelve or forty.",)))]
    first = found[0] if found else None
    assert (first and first.kind) is kind
    if first and words:
        mine, theirs = first.one, first.other
        assert (one[mine.start : mine.end], other[theirs.start : theirs.end]) == words


def test_publishers_make_no_other_text() -> None:
    text = "The Herald reports that the dam broke on Monday.\n\nNobody was hurt, said the mayor."
    one = article_from(text, "one")
    other = article_from(text.replace("Herald", "Gazette"), "other")
    assert not same_text(one, other)
    known = [
        replace(each, metadata=replace(each.metadata, publisher=f"The {name}"))
        for each, name in ((one, "Herald"), (other, "Gazette"))
    ]
    assert same_text(*known)


def test_texts_that_differ_in_too_much_are_not_compared() -> None:
    one, other = ("\n".join(f"{name} {n} b" for n in range(101)) for name in "xy")
    assert not same_words(one, other)
