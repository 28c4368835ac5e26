"""The checks on what a language model wrote: what the quotes carry stays, anything else goes."""

import re
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sourcebook.service.writing.checks import (
    MAX_DRAFT,
    MAX_SENTENCES,
    Dropped,
    Written,
    WrittenSentence,
    fault,
    keep_checked,
    sentences_of,
)

QUOTES: Mapping[int, str] = {
    1: "Colombian authorities seized about 850 tonnes of cocaine in 2024, a record, and almost "
    "twice the amount of five years earlier.",
    2: "President Gustavo Petro told the U.S. Congress that “the war on drugs has failed”, and "
    "asked for 1,250 million dollars.",
    3: "Two of the twelve departments did not report.",
}
QUESTION = "How much cocaine did Colombia seize under Duque?"


def kept(draft: str) -> Written:
    return keep_checked(draft, QUESTION, QUOTES, model="m")


@pytest.mark.parametrize(
    "draft",
    [
        "Authorities seized about 850 tonnes of cocaine in 2024 [1].",
        "In 2024, about 850 tonnes of cocaine were seized, a record. [1]",
        "- Seizures of cocaine nearly doubled in five years [1].",
        "Petro told Congress that “the war on drugs has failed” [2].",
        "Petro said “the war on drugs has failed,” to the US Congress [2].",
        "Petro asked for 1250 million dollars. [ 2 ]",
        "2 of the 12 departments did not report [3].",
        "Petro asked for $1,250 million [2].",
        "However, two departments did not report [3].",
        "Colombia seized 850 tonnes of cocaine, and Petro called the war on drugs failed [1][2].",
        "Under Duque, cocaine was seized [1].",
    ],
)
def test_what_the_quotes_carry_is_kept(draft: str) -> None:
    found = kept(draft)
    assert (len(found.sentences), found.dropped) == (1, ())
    assert "[" not in found.sentences[0].text


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        ("Authorities seized cocaine in 2024.", "cites nothing"),
        ("Authorities seized cocaine in 2024 [7].", r"cites \[7\]"),
        ("Authorities seized 851 tonnes of cocaine in 2024 [1].", "number 851"),
        ("Authorities seized 850 tonnes of cocaine in 2024 [2].", "number 850"),
        ("Three of the departments did not report [3].", "number 3"),
        ("Authorities seized 850 thousand tonnes of cocaine [1].", "not say 850 of that"),
        ("Authorities seized 850 kilograms of cocaine in 2024 [1].", "not say 850 of that"),
        ("Authorities seized 5 tonnes of cocaine in 2024 [1].", "not say 5 of that"),
        ("Petro asked for 1,250 million euros [2].", "not say million of that"),
        ("Petro asked for 1,250% of dollars [2].", "not say 1250 of that"),
        ("Authorities under Santos seized cocaine, a record [1].", "name Santos"),
        ("Santos told Congress the war on drugs has failed [2].", "name Santos"),
        ("Petro told Congress that “the war on drugs is won” [2].", "quotation"),
        ('Petro told Congress "the war on drugs is over" [2].', "quotation"),
        ("Petro told Congress the war is ‘over and done’ [2].", "quotation"),
        ("Authorities did not seize cocaine in 2024 [1].", "negated"),
        ("Authorities seized cocaine, see http://evil.example/x [1].", "link"),
        ("Authorities seized ![cocaine](x) in 2024 [1].", "link or markup"),
        ("Authorities seized <img src=x> cocaine [1].", "link or markup"),
        ("Cocaine smells of happy little elephants dancing nightly [1].", "most of its words"),
        ("Cocaine " + "seized " * 100 + "[1].", "600 characters"),
    ],
)
def test_what_they_do_not_carry_is_dropped(draft: str, reason: str) -> None:
    found = kept(draft)
    assert found.sentences == ()
    assert len(found.dropped) == 1
    assert re.search(reason, found.dropped[0].reason)


def test_each_sentence_of_a_line_is_checked_by_itself() -> None:
    found = kept(
        "Seized in 2024: 850 tonnes of cocaine. [1] The moon is made of cheese. "
        "Petro addressed Congress: the war on drugs has failed [2]. And in 1999 too [1]. "
        "in 1998 as well [1]."
    )
    assert [one.citations for one in found.sentences] == [(1,), (2,)]
    assert [one.text for one in found.dropped] == [
        "The moon is made of cheese.",
        "And in 1999 too.",
        "in 1998 as well.",
    ]


def test_marks_of_all_forms_are_read() -> None:
    found = list(sentences_of("A rose [1, 3; 2].\nB fell. [2][2]\n[4]\n1. C stood.[3]"))
    assert found == [("A rose.", (1, 3, 2)), ("B fell.", (2,)), ("C stood.", (3,))]


def test_a_draft_without_end_is_cut() -> None:
    found = kept("Two departments did not report [3].\n" * 5_000)
    assert len(found.sentences) == MAX_SENTENCES
    assert len(found.dropped) < 30
    assert found.dropped[0].reason == f"it comes after the first {MAX_DRAFT:,} characters"
    assert "after the first" in found.dropped[1].reason


@pytest.mark.parametrize("draft", ["", "\n\n", "[1]", "." * 200_000, " " * 200_000, "[" * 200_000])
def test_a_draft_that_says_nothing_leaves_nothing(draft: str) -> None:
    assert kept(draft).sentences == ()


@given(st.text())
def test_whatever_is_written_what_is_kept_passes_again(draft: str) -> None:
    for sentence in kept(f"{draft}\nTwo departments did not report [3]. {draft} [1]").sentences:
        assert fault(sentence.text, sentence.citations, QUESTION, QUOTES) is None


def test_kept_and_dropped_are_values() -> None:
    assert kept("Two departments did not report [3]. So be it.") == Written(
        model="m",
        sentences=(WrittenSentence("Two departments did not report.", (3,)),),
        dropped=(Dropped("So be it.", "it cites nothing"),),
    )


def test_what_the_answer_says_anyway_is_not_read_again() -> None:
    """The quote of citation 4 is a row, shown after its header."""
    read: list[str] = []

    def answers(_: str, sentences: Sequence[str]) -> list[bool]:
        read.extend(sentences)
        return [False] * len(sentences)

    row, shown = "Tolima | 433", "Department | Wells […] Tolima | 433"
    draft = f"{row} [4].\n{shown} [4].\nWells of Tolima: 433 [4]."
    found = keep_checked(draft, QUESTION, {4: shown}, model="m", answers=answers, verbatim=[row])
    assert len(found.sentences) == 2
    assert read == ["Wells of Tolima: 433."]
