"""Signals: worked by hand on made hits, and read from a real library."""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import candidate, hit

from sourcebook.index.encoding.tokens import Vectors
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.query import Query, content_words
from sourcebook.service.asking.rank import Hit, Ranking
from sourcebook.service.asking.signals import Signals, missing_entities, signals
from sourcebook.service.language.answer_types import expected
from sourcebook.service.language.words import WITH_APOSTROPHES

TEXT = "Rain fell on Monday. Colombia seized 850 tonnes of cocaine in Cauca."


class Asked(NamedTuple):
    """A question, its best hit, and the weights of its word pieces."""

    query: Query
    best: Hit
    weights: Vectors

    def signals(self) -> Signals:
        return signals(self.query, Ranking((self.best,), self.weights))


def ask(
    question: str,
    text: str = TEXT,
    matches: dict[tuple[str, str], float] | None = None,
    **rarity: float,
) -> Asked:
    """A question whose word pieces are its words, as those of the text are.

    `matches` are similarities of a word of the question and one of the text; equal words have 1,
    all others 0.
    """
    asked, said = list(WITH_APOSTROPHES.finditer(question)), list(WITH_APOSTROPHES.finditer(text))
    similarity: Vectors = np.zeros((len(asked), len(said)), np.float32)
    for row, one in enumerate(asked):
        for column, other in enumerate(said):
            same = float(one[0].casefold() == other[0].casefold())
            similarity[row, column] = (matches or {}).get((one[0], other[0]), same)
    made = candidate(text, "title", dense=0.4, starts=tuple(match.start() for match in said))
    pieces = [match.span() for match in asked]
    words = tuple(content_words(question, pieces, rarity))
    query = Query(text=question, pieces=pieces, words=words, wanted=expected(question))
    best = hit(made, late=0.7, similarity=similarity)
    return Asked(query, best, np.ones(len(asked), np.float32))


def test_scores_by_hand() -> None:
    asked = ask("Who seized cocaine?", matches={("Who", "Colombia"): 0.4, ("Who", "Rain"): 0.9})
    seen = asked.signals()
    assert (seen.late, seen.dense) == (0.7, 0.4)
    # The second sentence: (.4 + 1 + 1) / 3.
    assert seen.sentence == pytest.approx(0.8)
    assert seen.weakest == pytest.approx(1.0)  # "who" is a stop word
    assert seen.length == pytest.approx(math.log(3))
    weak = ask("Who sold cocaine?", matches={("sold", "seized"): 0.3}).signals()
    assert weak.weakest == pytest.approx(0.3)


def test_the_rarest_word_that_the_sentence_lacks() -> None:
    held: dict[str, Any] = {"seiz": 0.6, "cocain": 0.2}
    assert ask("Who seized cocaine?", **held).signals().missing == 0
    assert ask("Who sold cocaine?", sold=0.5, **held).signals().missing == 0.5
    # What the library holds nowhere may be said in other words.
    assert ask("Who confiscated cocaine?", confisc=1.0, **held).signals().missing == 0


@pytest.mark.parametrize(
    ("question", "flags"),
    [
        ("Who seized 850 tonnes in Cauca?", set()),
        ("Who seized 950 tonnes in Cauca?", {"number_missing"}),
        ("Who seized tonnes in Nariño?", {"name_missing"}),
        ("Who seized cocaine on Monday?", set()),  # the passage holds the name
        ("Who seized tonnes in Cuaca?", {"name_missing"}),
        ("Who seized tonnes in Colmbia?", set()),  # misspelt
        ("Was Colómbia's cocaine seized in Cauca?", set()),
        ("Who did not seize cocaine?", {"negated", "negation_unmatched"}),
        ("When was cocaine seized?", {"unfit"}),
    ],
)
def test_flags(question: str, flags: set[str]) -> None:
    seen = ask(question).signals()
    names = ("name_missing", "number_missing", "negated", "negation_unmatched", "opposite", "unfit")
    assert {name for name in names if getattr(seen, name)} == flags


def test_a_negated_sentence_matches_a_negated_question() -> None:
    seen = ask("Who wasn't certified?", "Colombia was not certified.").signals()
    assert (seen.negated, seen.negation_unmatched) == (1, 0)


def test_the_opposite_of_a_word_that_is_not_said() -> None:
    text = "Colombia was decertified, while exports rose."
    assert ask("Who was certified?", text).signals().opposite
    assert ask("Did exports fall?", text).signals().opposite
    assert ask("Did it increase?", "It decreased.").signals().opposite
    assert not ask("Did it increase or decrease?", "It decreased.").signals().opposite
    assert not ask("Who was decertified?", text).signals().opposite


def test_words_are_joined_with_their_pieces() -> None:
    text = "Did the UN fly to Bogotá in 2024, or Bob"
    starts = [0, 4, 8, 11, 15, 18, 21, 25, 28, 30, 34, 37]  # Bog-otá, 20-24
    pieces = [(start, start + 1) for start in starts]
    words = content_words(text, pieces, {"un": 0.5})
    assert [(word.text, word.pieces, word.named) for word in words] == [
        ("UN", (2,), True),
        ("fly", (3,), False),
        ("Bogotá", (5, 6), True),
        ("2024", (8, 9), True),
        ("Bob", (11,), True),
    ]
    assert [word.rarity for word in words] == [0.5, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("question", "named"), [("Petro spoke", False), ("Gustavo Petro spoke", True), ("UN? no", True)]
)
def test_the_first_word_has_a_capital_letter_anyway(question: str, named: bool) -> None:
    assert ask(question).query.words[0].named is named


def test_what_is_missing_is_named_as_it_was_asked() -> None:
    asked = ask("Did Emmanuel Macron sell quince in 2031?", matches={("sell", "seized"): 0.5})

    def missing(of: Asked, held: set[str]) -> list[str]:
        return missing_entities(of.query, of.best, held, unsaid=0.3)

    # "sell" may be said in other words.
    assert missing(asked, set()) == ["Emmanuel Macron", "2031", "quince"]
    assert missing(asked, {"Macron", "2031", "quince"}) == ["Emmanuel"]
    assert missing(ask("Did Bo's men sell it?"), set())[0] == "Bo"
    # What the best passage holds in another spelling is not missing.
    assert missing(ask("Did the US help Cáucas?", "The U.S. and Cauca."), set()) == ["help"]
    assert missing(asked, {word.text for word in asked.query.words}) == []


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_question_and_text_give_finite_signals(question: str, text: str) -> None:
    asked, said = f"{question} a", " ".join(f"b {text}".split())
    seen = ask(asked, said).signals()
    assert all(math.isfinite(getattr(seen, name)) for name in seen.__slots__)


def test_a_real_library_gives_them(engine: Engine) -> None:
    found = engine.examine("How much cocaine did Colombia seize in 2024?")
    seen = signals(found.query, found.ranking)
    assert 0.5 < seen.sentence <= 1
    flags = ("name_missing", "number_missing", "negated", "opposite", "unfit")
    assert {name: getattr(seen, name) for name in flags} == dict.fromkeys(flags, False)
    rarity = {word.stem: word.rarity for word in engine.examine("quokka cocaine").query.words}
    assert rarity["quokka"] == pytest.approx(1)
    assert 0 < rarity["cocain"] < 0.9
