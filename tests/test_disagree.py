"""Disagreement: what sources say differently is shown side by side, and only that."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from conftest import article_from

from sourcebook.index.article import Article
from sourcebook.index.library import Library
from sourcebook.service.asking.answer import Answer, Status
from sourcebook.service.asking.contradictions import DifferenceKind
from sourcebook.service.asking.engine import Engine

MakeLibrary = Callable[..., Library]

# What else an article says, so that none is taken for a copy of another.
REST = [
    "The valley has grown its own wheat for centuries, and sells most of it in the market town.",
    "Our reporter spoke to neighbours, who would rather talk about the weather and their dogs.",
    "Subscribers can read the whole series on the region, with maps and old photographs, online.",
]


def article(name: str, text: str, published: str | None = None) -> Article:
    made = article_from(f"{text} {REST[len(name) % 3]}", name)
    facts = replace(made.metadata, publisher=name, published=published)
    return replace(made, metadata=facts)


def ask(make_library: MakeLibrary, question: str, *texts: str) -> Answer:
    """Ask a library of these texts, published in turn in 2001, 2002 and so on."""
    library = make_library(
        article(name, text, str(2001 + n))
        for n, (name, text) in enumerate(zip(("A", "BB", "CCC"), texts, strict=False))
    )
    answer = Engine.of(library).ask(question)
    assert answer.status is not Status.NOT_IN_LIBRARY
    return answer


REAL = [
    (
        "When was the Alma dam finished?",
        ["The Alma dam was finished in 1989.", "Workers finished the Alma dam in 1986."],
        DifferenceKind.DATE,
        ["1989", "1986"],
    ),
    (
        "In what year was the Alma dam finished?",
        ["The Alma dam was finished in 1989.", "The Alma dam was finished in 1986 and 1989."],
        None,
        [],
    ),
    (
        "How many people did the Alma flood displace?",
        [
            "The Alma flood displaced 12,000 people in 2019.",
            "In 2019 the Alma flood displaced about 20,000 people.",
        ],
        DifferenceKind.NUMBER,
        ["12,000 people", "about 20,000 people"],
    ),
    (
        "Did the council or the court close the Alma mine?",
        ["The council closed the Alma mine in 2015.", "A court closed the Alma mine in 2015."],
        DifferenceKind.CLAIM,
        ["council", "court"],
    ),
    (
        "What does the Alma plant supply?",
        [
            "The Alma plant supplies 37 percent of the region's power.",
            "The Alma plant supplies 37% of the region's water.",
        ],
        DifferenceKind.CLAIM,
        ["37 percent of the region's power", "37% of the region's water"],
    ),
    (
        "How much land near Alma is under wheat?",
        [
            "Wheat near Alma covers 5,300 hectares of land, close to the all-time high.",
            "Wheat near Alma covers more than 5,000 hectares of land, the highest ever.",
        ],
        DifferenceKind.CLAIM,
        ["close to the all-time high", "highest ever"],
    ),
    (
        "Why did the Alma bridge collapse?",
        [
            "The Alma bridge collapsed under a heavy train in March and killed 14 passengers.",
            "The Alma bridge collapsed under a heavy train in March and killed 17 passengers.",
        ],
        DifferenceKind.NUMBER,
        ["14 passengers", "17 passengers"],
    ),
]


@pytest.mark.parametrize(("question", "texts", "kind", "values"), REAL)
def test_what_sources_say_differently(
    make_library: MakeLibrary,
    question: str,
    texts: list[str],
    kind: DifferenceKind | None,
    values: list[str],
) -> None:
    answer = ask(make_library, question, *texts)
    found = [(each.kind, [side.value for side in each.sides]) for each in answer.disagreements]
    assert found == ([(kind, values)] if kind else [])


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        (  # rounded
            "How much land near Alma is under wheat?",
            ["Wheat near Alma covers 5,300 hectares.", "Wheat near Alma covers over 5,000 ha."],
        ),
        (  # of different years
            "How many people did floods in Alma displace?",
            [
                "Floods in Alma displaced 12,000 people in 2019.",
                "Floods in Alma displaced 20,000 people in 2021.",
            ],
        ),
        (  # of different matters
            "When was the Alma dam finished?",
            ["The Alma dam was finished in 1989.", "The Alma railway was opened in 1912."],
        ),
        (  # as precise as it is known
            "When was the Alma dam finished?",
            ["The Alma dam was finished in 1989.", "The Alma dam was finished in May 1989."],
        ),
        (  # a day without a year
            "When was the Alma dam finished?",
            ["The Alma dam was finished in 1989.", "The Alma dam was finished on May 3."],
        ),
        (  # both say the same
            "Did the council or the court close the Alma mine?",
            ["The court closed the Alma mine in 2015.", "A court closed the Alma mine in 2015."],
        ),
        (  # within one article
            "When was the Alma dam finished?",
            ["The Alma dam was finished in 1989. The Alma dam was finished in 1986."],
        ),
    ],
)
def test_what_is_no_disagreement(
    make_library: MakeLibrary, question: str, texts: list[str]
) -> None:
    assert ask(make_library, question, *texts).disagreements == ()


def test_sides_by_date_of_publication_each_with_its_citation(make_library: MakeLibrary) -> None:
    library = make_library(
        [
            article("Post", "The Alma dam was finished in 1989.", "2010-05-01"),
            article("Herald", "The Alma dam was finished in 1986.", "2001"),
            article("Nobody's", "The Alma dam was finished in 1990."),
        ]
    )
    answer = Engine.of(library).ask("When was the Alma dam finished?")
    (matter,) = answer.disagreements
    assert [side.published for side in matter.sides] == ["2001", "2010-05-01", None]
    cited = {citation.number: citation for citation in answer.citations}
    assert [cited[side.citation].article.metadata.publisher for side in matter.sides] == [
        "Herald",
        "Post",
        "Nobody's",
    ]
    for side in matter.sides:
        assert side.text in cited[side.citation].exact
        assert side.value in side.text
    assert answer.short is None  # showing one of three would settle it
    (older,) = answer.outdated
    assert cited[older].article.metadata.publisher == "Herald"
    assert answer.publishers == len({number for s in answer.sentences for number in s.citations})


def test_a_copy_does_not_disagree_with_its_original(make_library: MakeLibrary) -> None:
    body = " ".join(f"Sentence {n} of a long report on the valley and its dams." for n in range(40))
    first = article_from(f"The Alma dam was finished in 1989. {body}", "first")
    copy = article_from(f"The Alma dam was finished in 1986. {body}", "copy")
    library = make_library([first, copy])
    with library.view() as view:
        assert [record.copy_of for record in view.records()] == [None, first.id]
    assert Engine.of(library).ask("When was the Alma dam finished?").disagreements == ()


def test_a_further_side_is_cited_and_is_no_sentence_of_the_answer(engine: Engine) -> None:
    answer = engine.ask("coca area in colombia: highest ever, or only near the peak?")
    (matter,) = answer.disagreements
    spoken = {number for sentence in answer.sentences for number in sentence.citations}
    shown = {side.citation for side in matter.sides}
    assert shown - spoken
    assert [each.number for each in answer.citations] == list(range(1, len(answer.citations) + 1))


def test_the_judged_disagreements_of_the_seeds(engine: Engine) -> None:
    values = {
        "Was it 1996 or 1997 when Washington decertified Samper's Colombia?": {"1996", "1997"},
        "Who put an end to the spraying flights in 2015, judges or President Santos?": {
            "courts",
            "Santos",
        },
        "Is the 67 percent ascribed to Colombia a share of the world's coca or of its cocaine?": {
            "67 percent of the world's cocaine production",
            "67 percent of the world's coca",
        },
    }
    for question, wanted in values.items():
        (matter,) = engine.ask(question).disagreements
        assert {side.value for side in matter.sides} == wanted
