"""Words: case, accents and endings aside; and whether they negate."""

import pytest

from sourcebook.service.language.words import WITH_APOSTROPHES, folded, negated


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
