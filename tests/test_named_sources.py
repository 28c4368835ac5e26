"""Named sources: which of a library's sources a question asks, and which words say so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sourcebook.index.search.view import Names
from sourcebook.service.asking.named_sources import (
    Source,
    named_sources,
    unknown_source,
    without,
)

NAMES = Names(
    publishers=(
        "AP",
        "BBC News",
        "Diplomatic Courier",
        "El País",
        "Foreign Policy",
        "The Conversation",
        "The Hill",
        "The Independent",
        "The Nation",
        "The New York Times",
        "Time",
        "Washington Office on Latin America (WOLA)",
        "www.insightcrime.org",
        "—",
    ),
    authors=(
        "Adam Isacson",
        "J. D. Vance",
        "Laura Gil",
        "Lucía González Camelo",
        "November",
        "Óscar Naranjo",
        "…",
    ),
    hosts=("barrons.com", "bbc.co.uk", "colombia.com", "thehill.com", "vice.com"),
)


def known(source: Source) -> tuple[str, ...]:
    return (*source.publishers, *source.authors, *source.hosts)


HILL = ("The Hill", "thehill.com")


@pytest.mark.parametrize(
    ("question", "names", "left"),
    [
        ("According to The Hill, why did it fall?", [HILL], "Why did it fall?"),
        ("Why, according to The Hill, did it fall?", [HILL], "Why did it fall?"),
        ("Why did it fall, according to the Hill?", [HILL], "Why did it fall?"),
        ("According to thehill.com, why did it fall?", [HILL], "Why did it fall?"),
        ("According to the Hill's article, why did it fall?", [HILL], "Why did it fall?"),
        ("What does The Hill say about coca?", [HILL], "What about coca?"),
        ("Did The Hill report a fall in exports?", [HILL], "A fall in exports?"),
        ("How many hectares does VICE report?", [("vice.com",)], "How many hectares?"),
        ("According to VICE News, why did it fall?", [("vice.com",)], "Why did it fall?"),
        ("What was reported in VICE about coca?", [("vice.com",)], "What was about coca?"),
        ("Why did it fall, as reported by Barron's?", [("barrons.com",)], "Why did it fall?"),
        ("Why did it fall according to Barron’s?", [("barrons.com",)], "Why did it fall?"),
        ("What does BBC say of fines?", [("BBC News", "bbc.co.uk")], "What of fines?"),
        ("What does BBC News say of fines?", [("BBC News", "bbc.co.uk")], "What of fines?"),
        (
            "According to WOLA, what fell?",
            [("Washington Office on Latin America (WOLA)",)],
            "What fell?",
        ),
        ("What fell, according to the NYT?", [("The New York Times",)], "What fell?"),
        ("What fell, according to New York Times?", [("The New York Times",)], "What fell?"),
        ("What does Insight Crime say of fines?", [("www.insightcrime.org",)], "What of fines?"),
        ("what does theconversation say of fines", [("The Conversation",)], "What of fines"),
        ("According to Isacson, what fell?", [("Adam Isacson",)], "What fell?"),
        (
            "Isacson says exports fell. By how much?",
            [("Adam Isacson",)],
            "Exports fell. By how much?",
        ),
        ("Why does Adam Isacson argue that it fell?", [("Adam Isacson",)], "Why that it fell?"),
        (
            "For González Camelo, what makes 2025 special?",
            [("Lucía González Camelo",)],
            "What makes 2025 special?",
        ),
        ("According to the author Laura Gil, what fell?", [("Laura Gil",)], "What fell?"),
        (
            "The Conversation author says exports fell. Why?",
            [("The Conversation",)],
            "Exports fell. Why?",
        ),
        (
            "Which flaws do the Foreign Policy and VICE pieces see?",
            [("Foreign Policy",), ("vice.com",)],
            "Which flaws do?",
        ),
        ("In VICE's account, what fell?", [("vice.com",)], "What fell?"),
        (
            "Which flaws do the VICE and Foreign Policy pieces point out?",
            [("vice.com",), ("Foreign Policy",)],
            "Which flaws do?",
        ),
        (
            "What fell, according to The Hill and Foreign Policy?",
            [HILL, ("Foreign Policy",)],
            "What fell?",
        ),
        ("What fell, according to foreign policy?", [], None),
        ("What does U.S. foreign policy say of coca?", [], None),
        ("What is Foreign Policy made of?", [], None),
        ("What do the nation and the independent press say?", [], None),
        ("In the nation, who says that it fell?", [], None),
        ("According to independent experts, what fell?", [], None),
        ("Why did coca fall in The Nation?", [("The Nation",)], "Why did coca fall?"),
        ("What fell in November?", [], None),
        ("According to November figures, what fell?", [], None),
        ("How much coca is grown in Colombia?", [], None),
        ("Last time, what did it report?", [], None),
        ("What vice says a prohibition has", [], None),
        ("What fell, according to Petro?", [], None),
        ("¿Qué cayó, según The Hill?", [HILL], "¿Qué cayó?"),
        ("Según El País, ¿qué cayó?", [("El País",)], "¿Qué cayó?"),
        ("De acuerdo con El Pais, ¿qué cayó?", [("El País",)], "¿Qué cayó?"),
        ("¿Qué dice Isacson de la coca?", [("Adam Isacson",)], "¿Qué de la coca?"),
        ("Isacson dice que cayó. ¿Por qué?", [("Adam Isacson",)], "Que cayó. ¿Por qué?"),
        ("¿Qué cayó, según el artículo de VICE?", [("vice.com",)], "¿Qué cayó?"),
        ("Según Naranjo, ¿qué cayó?", [("Óscar Naranjo",)], "¿Qué cayó?"),
    ],
)
def test_asked_sources(question: str, names: list[tuple[str, ...]], left: str | None) -> None:
    asked = [source for source in named_sources(question, NAMES) if source.asked]
    assert [known(source) for source in asked] == names
    if left is not None:
        assert without(question, [(one.cut_start, one.cut_end) for one in asked]) == left


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Who reads The Conversation?", [("The Conversation",)]),
        ("coca VICE 2023", [("vice.com",)]),
        ("coca on vice.com", [("vice.com",)]),
        ("What does laura gil propose, or Oscar Naranjo?", [("Laura Gil",), ("Óscar Naranjo",)]),
        ("What does Laura Gill propose?", [("Laura Gil",)]),
        ("WHAT IS VICE?", []),
        ("What does Laura Chinchilla propose?", []),
        ("a conversation on foreign aid policy", []),
    ],
)
def test_sources_that_are_only_mentioned(question: str, names: list[tuple[str, ...]]) -> None:
    found = named_sources(question, NAMES)
    assert [known(source) for source in found] == names
    assert not any(source.asked for source in found)


@pytest.mark.parametrize(
    ("question", "written", "left"),
    [
        ("According to The Herald, what fell?", "The Herald", "What fell?"),
        ("What fell, according to La Silla Vacía?", "La Silla Vacía", "What fell?"),
        ("What fell, according to herald.com?", "herald.com", "What fell?"),
        ("Según El Tiempo, ¿qué cayó?", "El Tiempo", "¿Qué cayó?"),
    ],
)
def test_unknown_publications(question: str, written: str, left: str) -> None:
    source = unknown_source(question)
    assert source
    assert (source.written, source.held, source.asked) == (written, False, True)
    assert question[source.start : source.end] == written
    assert without(question, [(source.cut_start, source.cut_end)]) == left


@pytest.mark.parametrize(
    "question",
    ["According to the minister, what fell?", "According to Petro, what fell?", "The Herald fell."],
)
def test_who_is_no_publication(question: str) -> None:
    assert unknown_source(question) is None


@given(
    st.lists(
        st.sampled_from(
            [
                "According to",
                "The Hill",
                "VICE",
                "and",
                ",",
                "says",
                "in",
                "Isacson",
                "'s article",
                "what",
                "does",
                "El País",
                "?",
                "foreign policy",
                "vice.com",
                "según",
            ]
        ),
        max_size=12,
    )
)
def test_what_is_cut_holds_the_name(parts: list[str]) -> None:
    question = " ".join(parts)
    for source in named_sources(question, NAMES):
        assert question[source.start : source.end] == source.written
        assert 0 <= source.cut_start < source.cut_end <= len(question)
        assert source.held
        if source.asked and not any(word in parts for word in ("and", ",")):
            assert source.cut_start <= source.start < source.end <= source.cut_end
