"""Evidence: whole sentences of one paragraph, those that match and those that hold the answer."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import candidate, hit
from test_plan import Held

from sourcebook.index.article import Lead, LeadKind
from sourcebook.index.encoding.reader import PassageReading
from sourcebook.index.passages import Span
from sourcebook.index.profile import EvidenceThresholds
from sourcebook.service.asking.compose import for_each_name
from sourcebook.service.asking.decide import MOST_CITED
from sourcebook.service.asking.evidence import MAX_SENTENCES, evidence, whole
from sourcebook.service.asking.query import plan
from sourcebook.service.language.answer_types import Expected, expected

THRESHOLDS = EvidenceThresholds(sentence_cost=0.03, typed=0.05, near_best=0.9)
SENTENCES = ["Rain fell on Monday.", "Coca grew in Cauca.", "Everybody paid well.", "Nobody came."]
TEXT = " ".join(SENTENCES)


def find(
    matches: dict[str, list[float]],
    weights: list[float],
    wanted: Expected | None = None,
    *,
    text: str = TEXT,
    read: str = "",
    margin: float = 1.0,
    leads: tuple[Lead, ...] = (),
    question: str = "",
) -> str:
    """The evidence when these words match the question's tokens so well, and others not at all.

    The reader found the words `read`, if any, and they score by `margin` above "no answer".
    """
    starts = tuple(found.start() for found in re.finditer(r"\S+", text))
    words = text.split()
    similarity = np.zeros((len(weights), len(words)), np.float32)
    for word, values in matches.items():
        similarity[:, words.index(word)] = values
    at = text.index(read)
    said = PassageReading(1.0, at, at + len(read), margin, 0.0) if read else None
    made = candidate(text, "a", starts=starts)
    made = made._replace(
        source=replace(made.source, passage=replace(made.source.passage, leads=leads))
    )
    found = hit(made, similarity=similarity, reading=said)
    asked = plan(question, Held()).words if question else ()
    span: Span = evidence(found, np.array(weights, np.float32), wanted, THRESHOLDS, asked)
    return text[span.start : span.end]


def test_the_best_sentence() -> None:
    assert find({"Cauca.": [0.9], "Monday.": [0.3]}, [1]) == SENTENCES[1]


def test_a_further_sentence_must_be_worth_reading() -> None:
    worth, not_worth = THRESHOLDS.sentence_cost * 2 + 0.01, THRESHOLDS.sentence_cost * 2 - 0.01
    assert find({"Coca": [0.9, 0], "paid": [0, worth]}, [1, 1]) == " ".join(SENTENCES[1:3])
    assert find({"Coca": [0.9, 0], "paid": [0, not_worth]}, [1, 1]) == SENTENCES[1]


def test_weights_decide_what_matters() -> None:
    matches = {"Rain": [0.9, 0], "Nobody": [0, 0.9]}
    assert find(matches, [9, 1]) == SENTENCES[0]
    assert find(matches, [1, 9]) == SENTENCES[3]


def test_words_of_the_expected_type_are_worth_something() -> None:
    where = expected("Where did it grow?")
    for lead, best in (
        (THRESHOLDS.typed + 0.01, SENTENCES[3]),
        (THRESHOLDS.typed - 0.01, SENTENCES[1]),
    ):
        matches = {"Coca": [0.5], "Nobody": [0.5 + lead]}
        assert find(matches, [1], where) == best  # of the two, only Cauca is a name
        assert find(matches, [1]) == SENTENCES[3]


def test_never_more_than_three_sentences() -> None:
    all_matter: dict[str, list[float]] = {
        "Rain": [1, 0, 0, 0],
        "Coca": [0, 1, 0, 0],
        "paid": [0, 0, 1, 0],
    }
    found = find({**all_matter, "Nobody": [0, 0, 0, 1]}, [1, 1, 1, 1])
    assert found == " ".join(SENTENCES[:MAX_SENTENCES])


def test_the_first_of_equals() -> None:
    assert find({}, [1]) == SENTENCES[0]


def test_never_across_paragraphs() -> None:
    """Two sentences that belong together, with and without the end of a paragraph between them."""
    matches = {"Coca": [0.9, 0.0], "paid": [0.0, 0.9]}
    assert find(matches, [1, 1]) == " ".join(SENTENCES[1:3])
    for end in ("\n\n", "\n"):
        text = f"{' '.join(SENTENCES[:2])}{end}{' '.join(SENTENCES[2:])}"
        assert find(matches, [1, 1], text=text) == SENTENCES[1]


@pytest.mark.parametrize(
    ("read", "margin", "shown"),
    [
        ("Cauca", 1.0, SENTENCES[1]),
        ("Monday", 1.0, " ".join(SENTENCES[:2])),  # both: what matches, and what was found
        ("Nobody", 1.0, " ".join(SENTENCES[1:4])),
        ("Nobody", -1.0, SENTENCES[1]),  # it rather found nothing
    ],
)
def test_what_the_reader_found_is_shown(read: str, margin: float, shown: str) -> None:
    assert find({"Coca": [0.9]}, [1], read=read, margin=margin) == shown


def test_what_the_reader_found_comes_first_where_both_do_not_fit() -> None:
    far = f"{SENTENCES[0]} {TEXT}"
    assert find({"Nobody": [0.9]}, [1], text=far, read="Monday") == SENTENCES[0]
    apart = f"{SENTENCES[0]}\n\n{' '.join(SENTENCES[1:])}"
    assert find({"Coca": [0.9]}, [1], text=apart, read="Monday") == SENTENCES[0]
    across = find({"Coca": [0.9]}, [1], text=apart, read="Monday.\n\nCoca grew")
    assert across == SENTENCES[0]


def test_of_a_table_the_row_with_the_questions_words_is_shown() -> None:
    """Whatever is most alike and wherever the reader looks, and never the header."""
    header, rows = "Port | Seizures", ["Turbo | 22", "El Paso | 41. A record.", "Tumaco | 35"]
    text = "\n\n".join([header, *rows])
    lead = Lead(
        kind=LeadKind.HEADER,
        text=header,
        start=0,
        end=len(header),
        first=len(header) + 2,
        last=len(text),
    )
    table: dict[str, Any] = {"text": text, "leads": (lead,)}
    alike = {"Port": [0.9, 0.0], "Tumaco": [0.0, 0.5]}
    assert find(alike, [1, 1], text=text) == header
    assert find(alike, [1, 1], **table) == rows[2]
    assert find(alike, [1, 1], **table, read="Seizures") == rows[2]
    for read in ("", "Seizures", "Turbo"):
        question = "How many seizures were there in El Paso?"
        assert find(alike, [1, 1], **table, question=question, read=read) == rows[1], read


@pytest.mark.parametrize(
    ("before", "sentence", "refers"),
    [
        ("Prices rose.", "They fell by June.", True),
        ("Ana Gil spoke.", "She left by June.", True),
        ("Lima and Quito agreed.", "“Both signed by June.", True),
        ("Los precios subieron.", "Estos bajaron en junio.", True),
        ("Prices rose.", "Rents fell by June.", False),
        ("Prices rose.", "Then they fell by June.", False),
    ],
)
def test_what_the_first_word_refers_to_is_shown(before: str, sentence: str, refers: bool) -> None:
    text = f"Nobody knew. {before} {sentence}"
    last = sentence.rsplit(maxsplit=1)[-1]
    assert find({last: [0.9]}, [1], text=text) == (f"{before} {sentence}" if refers else sentence)
    apart = f"Nobody knew. {before}\n\n{sentence}"
    assert find({last: [0.9]}, [1], text=apart) == sentence
    assert find({last: [0.9]}, [1], text=sentence) == sentence


def test_a_sentence_is_quoted_with_what_it_refers_to_and_in_its_row() -> None:
    text = "Port | Seizures\n\nTurbo | 22\n\nEl Paso | 41. A record.\n\nPrices rose. They fell."
    lead = Lead(kind=LeadKind.HEADER, text=text[:15], start=0, end=15, first=17, last=53)
    passage = replace(candidate(text, "a").source.passage, leads=(lead,))
    quoted = {
        passage.text_of(each): passage.text_of(whole(passage, each)) for each in passage.sentences
    }
    assert [one for one in quoted if quoted[one] != one] == [
        "El Paso | 41.",
        "A record.",
        "They fell.",
    ]
    assert quoted["A record."] == "El Paso | 41. A record."
    assert quoted["They fell."] == "Prices rose. They fell."


def test_a_piece_for_each_name_of_the_question() -> None:
    """The best hit is on Ana Ruiz; whoever asks of Bo Paz, too, sees the best passage on him."""
    texts = {"a": "Ana Ruiz was mayor.", "b": "It rained.", "c": "Mr Paz sang.", "d": "Bo Paz ran."}
    hits = [hit(candidate(text, name, row=n)) for n, (name, text) in enumerate(texts.items())]
    both, one = (plan(f"What of {names}?", Held()) for names in ("Ana Ruiz and Paz", "Ana Ruiz"))
    assert for_each_name(both, hits[:1], hits) == (hits[0], hits[2])
    assert for_each_name(one, hits[:1], hits) == (hits[0],)
    assert for_each_name(plan("What of Eva Lind?", Held()), hits[:2], hits) == tuple(hits[:2])
    four = [hit(candidate("It rained.", f"r{n}", row=9 + n)) for n in range(MOST_CITED)]
    assert for_each_name(both, four, [*four, *hits]) == tuple(four)
    named = hit(candidate("It rained.", "s", row=20, publisher="Daily Paz"))
    assert for_each_name(both, hits[:1], [hits[0], named]) == (hits[0], named)


PARAGRAPHS = "Rain fell. Coca grew.\n\nThey paid well. Nobody came.\nIt ended. All left. He wrote."
WORDS = PARAGRAPHS.split()


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=len(WORDS), max_size=len(WORDS)),
    st.integers(0, len(PARAGRAPHS) - 1),
    st.integers(1, 40),
    st.sampled_from((-1.0, 1.0)),
)
def test_always_whole_sentences_of_one_paragraph(
    values: list[float], at: int, length: int, margin: float
) -> None:
    matches = dict(zip(WORDS, ([value] for value in values), strict=True))
    read = PARAGRAPHS[at : at + length]
    found = find(matches, [1], text=PARAGRAPHS, read=read, margin=margin)
    assert "\n" not in found
    assert any(
        found == " ".join(sentences[first:last])
        for paragraph in PARAGRAPHS.split("\n")
        for sentences in [[f"{each}." for each in paragraph.rstrip(".").split(". ")]]
        for first in range(len(sentences))
        for last in range(first + 1, len(sentences) + 1)
    )
