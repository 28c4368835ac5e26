"""Words: case, accents and endings aside; and whether they negate."""

import pytest

from sourcebook.service.language.words import WITH_APOSTROPHES, folded, negated, topic_words


@pytest.mark.parametrize(
    ("text", "plain"),
    [("COCA", "coca"), ("Jamás", "jamas"), ("Straße", "strasse"), ("ﬁnes", "fines")],
)
def test_case_and_accents_are_folded(text: str, plain: str) -> None:
    assert folded(text) == plain


@pytest.mark.parametrize(
    ("text", "denies"),
    [
        ("It did not rise.", True),
        ("It didn’t rise.", True),
        ("Nunca subió.", True),
        ("Ningún país lo hizo.", True),
        ("Jamás lo dijo.", True),
        ("Nobody knows.", True),
        ("Notably, it rose.", False),
        ("The noise rose.", False),
    ],
)
def test_a_negation_is_a_word_of_its_own(text: str, denies: bool) -> None:
    assert negated(WITH_APOSTROPHES.findall(folded(text))) is denies


def test_topic_words_leave_out_endings_and_words_that_say_little() -> None:
    asked = topic_words("When was Colombia decertified?")
    assert asked == topic_words("The decertification of Colombia")
    assert topic_words("what the year was") == frozenset()
