"""Disagreement: what sources answer differently is shown side by side, and only that."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import article_from
from made import candidate, hit

from sourcebook.eval.data.disagreements import load_disagreements
from sourcebook.eval.data.files import json_lines
from sourcebook.eval.measures.disagreements import measure_disagreement
from sourcebook.eval.parsing.copies import PAIRS
from sourcebook.index.article import Article, Metadata
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.reader import PassageReading, Reader
from sourcebook.index.library import Library
from sourcebook.index.parsing.parse import parse
from sourcebook.index.passages import Span
from sourcebook.index.storage.records import Filter
from sourcebook.service.answering import Answering
from sourcebook.service.asking.answer import Answer, Status
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.query import query_of
from sourcebook.service.asking.statements import DifferenceKind, Statement, differ, statement_of
from sourcebook.service.asking.versions import versions_of
from sourcebook.service.documents.export import export
from sourcebook.service.writing.checks import Answers, Written
from sourcebook.service.writing.writer import Writer

MakeLibrary = Callable[..., Library]
GOLD = Path(__file__).parents[1] / "eval" / "gold" / "disagreements.dev.jsonl"

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


def said(question: str, text: str, words: str, published: str = "", logit: float = 3.0) -> Any:
    """What is made of a passage in which the reader found these words."""
    start = text.index(words)
    reading = PassageReading(logit, start, start + len(words), 5.0, 0.0)
    source = candidate(text, "a", published=published or None)
    return statement_of(query_of(question), hit(source, reading=reading))


@pytest.mark.parametrize(
    ("question", "text", "words", "value", "kind"),
    [
        ("How many died?", "About 20 people died in 2019.", "20", "About 20 people", "number"),
        ("By what vote?", "It passed by 31 votes to 18.", "18", "31 votes to 18", "number"),
        ("What will it cost?", "It costs between 2 and 3 euros.", "3", "between 2 and 3 euros", ""),
        (
            "When does it end?",
            "It ends on 1 October 2024, with 3 votes.",
            "2024",
            "1 October 2024",
            "",
        ),
        ("What years?", "It was open from 1994 to 2002.", "2002", "1994 to 2002", "date"),
        ("What did the council do?", "It met on 3 May.", "3 May", "3 May", "date"),
    ],
)
def test_a_statement_is_a_whole_number_or_date(
    question: str, text: str, words: str, value: str, kind: str
) -> None:
    found: Statement = said(question, text, words)
    assert found.value == value
    assert found.kind in (kind, found.kind)
    assert found.text == text


@pytest.mark.parametrize(
    ("question", "text", "words"),
    [
        ("Who came?", "It was 20 people in 2019.", "20 people"),  # asks for something else
        ("When was it?", "It was 20 people in 2019.", "20 people"),
        ("How many schools lack books?", "A third of the 90 schools do.", "90"),  # the whole
        ("What happened?", "It rained.", "It rained"),
    ],
)
def test_no_statement_of_what_was_not_asked(question: str, text: str, words: str) -> None:
    assert said(question, text, words) is None


def test_no_statement_where_the_reader_sees_no_answer() -> None:
    assert said("How many came?", "12 people came.", "12", logit=-0.1) is None


@pytest.mark.parametrize(
    ("one", "other", "published", "differs"),
    [
        ("12 people died.", "47 people died.", "", True),
        ("67 percent died.", "67% died.", "", False),  # notation
        ("10 miles were lost.", "16 kilometres were lost.", "", False),  # unit
        ("5,300 hectares burnt.", "Over 5,000 hectares burnt.", "", False),  # rounded
        ("12 people died in 2019.", "47 people died in 2021.", "", False),  # years
        ("12 people died.", "47 people died.", "2021", False),
        ("40 percent died.", "4,000 people died.", "", False),  # of different things
        ("12 people died.", "47 people died, not 12 people as was said.", "", False),  # both known
        ("The dam was finished in 1989.", "The dam was finished in 1986.", "", True),
        ("The dam was finished in 1989.", "The dam was finished in May 1989.", "", False),
        ("It ended on 3 May.", "It ended on 17 May.", "", True),
        ("It ended on 3 May.", "It ended on 3 May 2024.", "", False),
        ("It ended on 3 May.", "It ended on 17 May 2024.", "", True),
        ("12 people died.", "It ended on 3 May.", "", False),
    ],
)
def test_when_two_statements_differ(one: str, other: str, published: str, differs: bool) -> None:
    """The reader finds the first number or date; the second article appeared when it says so."""

    def first(text: str, published: str) -> Statement:
        at = next(n for n, character in enumerate(text) if character.isdigit())
        found: Statement = said("What happened?", text, text[at], published)
        return found

    a, b = first(one, "2019"), first(other, published or "2019")
    assert differ(a, b) is differs
    assert differ(b, a) is differs


def ask(make_library: MakeLibrary, reader: Reader, question: str, *texts: str) -> Answer:
    """Ask a library of these texts, published in one year."""
    library = make_library(
        article(name, text, f"2001-0{n + 1}")
        for n, (name, text) in enumerate(zip(("A", "BB", "CCC"), texts, strict=False))
    )
    return Engine.of(library, reader=reader).ask(question)


def test_sides_by_date_of_publication_each_with_its_citation(
    make_library: MakeLibrary, reader: Reader
) -> None:
    library = make_library(
        [
            article("Post", "The Alma dam was finished in 1989.", "2010-05-01"),
            article("Herald", "The Alma dam was finished in 1986.", "2001"),
            article("Nobody's", "The Alma dam was finished in 1990."),
        ]
    )
    question = "When was the Alma dam finished?"
    answer = Engine.of(library, reader=reader).ask(question)
    (matter,) = answer.disagreements
    assert (matter.matter, matter.kind) == (question, DifferenceKind.DATE)
    assert [side.published for side in matter.sides] == ["2001", "2010-05-01", None]
    cited = {citation.number: citation for citation in answer.citations}
    assert list(cited) == list(range(1, len(cited) + 1))
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


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        (  # within one article
            "When was the Alma dam finished?",
            ["The Alma dam was finished in 1989. The Alma dam was finished in 1986."],
        ),
        (  # of different matters
            "When was the Alma dam finished?",
            ["The Alma dam was finished in 1989.", "The Alma railway was opened in 1912."],
        ),
        (  # up by one, down by another
            "By how much did shares of Alma Bank fall?",
            [
                "Shares of Alma Bank are up 40 percent this year.",
                "Shares of Alma Bank fell 5.4 percent on Tuesday.",
            ],
        ),
    ],
)
def test_what_is_no_disagreement(
    make_library: MakeLibrary, reader: Reader, question: str, texts: list[str]
) -> None:
    answer = ask(make_library, reader, question, *texts)
    assert answer.status is Status.ANSWERED
    assert answer.disagreements == ()


def test_nothing_beside_an_answer_that_is_none(make_library: MakeLibrary, reader: Reader) -> None:
    texts = ["The Alma dam was finished in 1989.", "The Alma dam was finished in 1986."]
    answer = ask(make_library, reader, "Who paid for the Alma dam, and how much?", *texts)
    assert answer.status is not Status.ANSWERED
    assert answer.disagreements == ()


def test_how_many_passages_are_read(make_library: MakeLibrary, reader: Reader) -> None:
    """Two are read to put them in order, and two more of other articles to compare them."""
    library = make_library(
        article(f"Paper {'I' * n}", f"The Alma dam was finished in {1980 + n}.", "2001")
        for n in range(6)
    )
    engine = Engine.of(library, reader=reader)
    (matter,) = engine.ask("When was the Alma dam finished?").disagreements
    profile = engine.profile.reading
    assert len(matter.sides) == profile.count + profile.further


BODY = " ".join(f"Sentence {n} of a long report on the valley and its dams." for n in range(40))


@pytest.mark.parametrize("same", [True, False])
def test_near_copies_that_differ_in_a_fact(
    make_library: MakeLibrary, reader: Reader, same: bool
) -> None:
    """A copy is named where it holds the quote, and is a side where it answers differently."""
    first = article_from(
        f"The Alma dam was finished in 1989.\n\n{BODY}", "first", Metadata(publisher="First")
    )
    year = 1989 if same else 1986
    copy = article_from(
        f"The Alma dam was finished in {year}.\n\n{BODY} Copied.",
        "copy",
        Metadata(publisher="Copy"),
    )
    library = make_library([first, copy])
    with library.view() as view:
        assert [record.copy_of for record in view.records()] == [None, first.id if same else None]
    answer = Engine.of(library, reader=reader).ask("When was the Alma dam finished?")
    also = [record.metadata.publisher for record in answer.citations[0].also]
    values = [side.value for each in answer.disagreements for side in each.sides]
    assert all(each.versions and each.kind == "date" for each in answer.disagreements)
    assert (also, values) == ((["Copy"], []) if same else ([], ["1989", "1986"]))


ORIGINALS = {each["name"]: each["text"] for _, each in json_lines(PAIRS) if "name" in each}
# Of each original a version: what stands for what in it, then the metadata of both.
VERSIONS: dict[str, tuple[str, str, Metadata, Metadata]] = {
    # The notice of the correction names what was printed a day later.
    "landslide": (
        "At least 12 people",
        "At least 44 people",
        Metadata(publisher="Wire", published="2024-05-05"),
        Metadata(publisher="Herald", published="2024-05-06"),
    ),
    "wage": (
        "187 votes to 142",
        "178 votes to 142",
        Metadata(publisher="Wire", published="2024-05-05", modified="2024-05-09"),
        Metadata(publisher="Herald", published="2024-05-06"),
    ),
    "salud": (
        "el 3 de marzo",
        "el 3 de mayo",
        Metadata(publisher="Wire", published="2024-05", language="es"),
        Metadata(publisher="Herald", published="2024-04", language="es"),
    ),
    "reef": (
        "Jorge Prado",
        "Jorge Lima",
        Metadata(publisher="Wire", published="2024-05-05"),
        Metadata(publisher="Herald", published="2024-05-04"),
    ),
    # Two reports of one series, filled in anew each month.
    "school": (
        "240,000 machines",
        "260,000 machines",
        Metadata(title="Laptops lent by March 2024", published="2024-05-05"),
        Metadata(title="Laptops lent by April 2024", published="2024-05-04"),
    ),
}


# The file, and the metadata of an article.
File = tuple[str, Metadata]


def story(
    place: str, said: str, published: str, *, name: str = "Uno", more: str = "", streets: int = 18
) -> File:
    """A report on a place that begins with what is said."""
    rest = " ".join(
        f"The mayor of {place} spoke of {place} and of street {n} of {place} to {place} radio."
        for n in range(streets)
    )
    front = f"# News of {place}\n\n{said}\n\n{rest}"
    return f"{front}\n\n{more or 'Schools stay closed for a week.'}", Metadata(
        publisher=name, published=published
    )


TABLE = "| Puerto | 2022 | 2023 |\n|---|---:|---:|\n"
ROWS = "".join(
    f"| Bahía {name} | {n}1 | {n}2 |\n" for n, name in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3)
)
DEATHS = "At least {} people died in the flood in {}, officials said on {} evening."
REPORTS: dict[str, list[File]] = {
    "a correction": [
        story("Oria", DEATHS.format(12, "Oria", "Sunday"), "2024-05-05"),
        story("Oria", DEATHS.format(47, "Oria", "Tuesday"), "2024-05-06", name="Dos"),
        story(
            "Oria",
            "Correction: an earlier version gave the toll as 47.\n\n"
            + DEATHS.format(44, "Oria", "Wednesday"),
            "2024-05-07",
            name="Dos",
        ),
    ],
    # The last one says the same as the first, to the letter.
    "the first figure again": [
        story("Ulm", DEATHS.format(12, "Ulm", "Sunday"), "2024-05-05"),
        story("Ulm", DEATHS.format(47, "Ulm", "Sunday"), "2024-05-06", name="Dos"),
        story(
            "Ulm",
            DEATHS.format(12, "Ulm", "Sunday"),
            "2024-05-09",
            more="Schools stay closed for 3 weeks. They have no water.",
        ),
    ],
    # A month without a day may be as late as its last one.
    "a month only": [
        story("Ruma", DEATHS.format(33, "Ruma", "Sunday"), "2024-05", name="Dos"),
        story("Ruma", DEATHS.format(31, "Ruma", "Sunday"), "2024-05-05"),
    ],
    # The newest is the least similar to the others.
    "a toll that rises by the hour": [
        story(
            "Elda", DEATHS.format(20 + n, "Elda", "Sunday"), f"2024-05-{n:02}", more=more, streets=9
        )
        for n in range(1, 12)
        for more in ("Schools stay closed for two weeks." if n == 11 else "",)
    ],
    "a figure beside what answers": [
        story(
            "Ibar",
            f"Rain fell on Ibar for {days} days in May. A flood in Ibar killed 12 people.",
            f"2024-05-0{days}",
            streets=9,
        )
        for days in (3, 4)
    ],
    "a row that one lacks": [
        (f"{TABLE}{ROWS}{rows}", Metadata(published=published, language="es"))
        for rows, published in (
            ("| Turbo | 22 | 35 |\n| Ovejas | 40 | 51 |\n| Cispatá | 1.500 | 7 |\n", "2024-05-05"),
            ("| Ovejas | 40 | 52 |\n| Cispatá | 1500 | 7 |\n", "2024-05-06"),
        )
    ],
}


@pytest.fixture(scope="module")
def versions(
    encoder: Encoder, reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The originals, each printed elsewhere, and corrected since; and reports that are."""
    articles = []
    for name, (old, new, mine, theirs) in VERSIONS.items():
        text = ORIGINALS[name]
        assert text.count(old) == 1
        notice = "Correction: an earlier version spoke of 12.\n\n" if name == "landslide" else ""
        articles.append(article_from(notice + text.replace(old, new), f"{name}-1", mine))
        articles.append(article_from(text, f"{name}-2", theirs))
    for name, files in REPORTS.items():
        for n, (text, known) in enumerate(files):
            [made] = parse(text.encode(), name=f"{name} {n}.md", source=f"{name} {n}")
            facts = {"title": f"{name} {n}", "language": "en"} | {
                one: value for one, value in asdict(known).items() if value
            }
            articles.append(replace(made, metadata=replace(made.metadata, **facts)))
    with closing(
        Library(tmp_path_factory.mktemp("versions") / "library", encoder, create=True)
    ) as library:
        library.add(articles)
        yield Engine.of(library, reader=reader)


def test_a_month_without_a_day_counts_as_its_last_one(versions: Engine) -> None:
    answer = versions.ask("How many people died in the flood in Ruma?")
    (matter,) = answer.disagreements
    assert [side.published for side in matter.sides] == ["2024-05", "2024-05-05"]
    assert "At least 33 people died" in answer.sentences[0].text
    assert answer.outdated == ()  # which of them is newer is not known


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("Oria", [("2024-05-07", 44), ("2024-05-06", 47), ("2024-05-05", 12)]),
        ("Ulm", [("2024-05-09", 12), ("2024-05-06", 47)]),
        (
            "Elda",
            [(f"2024-05-{n}", 20 + n) for n in (11, 10)]
            + [(f"2024-05-0{n}", 20 + n) for n in (9, 8)],
        ),
    ],
)
def test_the_last_version_stands_before_what_it_corrects(
    versions: Engine, place: str, said: list[tuple[str, int]]
) -> None:
    """It alone is the answer, and all that a writer sees."""
    question = f"How many people died in the flood in {place}?"
    seen: list[int] = []

    class Looking(Writer):
        """A model that writes nothing."""

        def write(
            self, question: str, citations: Sequence[Citation], answers: Answers | None = None
        ) -> Written:
            seen.extend(one.number for one in citations)
            return Written(model=self.model, failure="it only looks")

    looking = Looking(url="http://127.0.0.1:1", model="m")
    answer = Answering(versions, writer=looking).ask(question, write=True)
    (matter,) = answer.disagreements
    assert matter.versions
    assert [(side.published, side.value) for side in matter.sides] == [
        (day, f"At least {toll} people") for day, toll in said
    ]
    assert [side.citation for side in matter.sides] == list(range(1, len(said) + 1))
    assert [each.text for each in answer.sentences] == [answer.citations[0].exact]
    assert f"At least {said[0][1]} people died" in answer.sentences[0].text
    assert [each.also for each in answer.citations] == [()] * len(said)
    assert (answer.outdated, answer.publishers) == (tuple(range(2, len(said) + 1)), 1)
    assert seen == [1]


@pytest.mark.parametrize(
    ("question", "shown", "read", "differs"),
    [
        # Where the reader finds the answer in one sentence, no other one is compared.
        ("How many people did the flood in Ibar kill?", "Rain fell on Ibar", True, []),
        ("How long did it rain on Ibar in May?", "Rain fell on Ibar", True, ["4 days", "3 days"]),
        ("¿Qué toneladas pasaron por el puerto de Turbo?", "Turbo", False, []),
        ("¿Qué toneladas pasaron por el puerto de Ovejas?", "Ovejas", False, ["52", "51"]),
        ("¿Qué toneladas pasaron por el puerto de Cispatá?", "Cispatá", False, []),  # one number
    ],
)
def test_what_stands_in_the_place_of_a_sentence(
    versions: Engine, question: str, shown: str, read: bool, differs: list[str]
) -> None:
    hits = versions.examine(question).ranking.hits
    hit = next(each for each in hits if shown in each.passage.text)
    first = next(each for each in hit.passage.sentences if shown in hit.passage.text_of(each))
    evidence = Span(first.start, hit.passage.end) if read else first
    with versions.library.view() as view:
        found = versions_of(hit if read else replace(hit, reading=None), evidence, hits, view, None)
    assert [side.value for side in found.sides] == differs if found else not differs


@pytest.mark.parametrize(
    ("question", "kind", "values"),
    [
        (
            "How many people died in the landslide in Rosas?",
            "number",
            ["44 people", "12 people"],
        ),
        ("By how many votes did the minimum wage bill pass?", "number", ["178", "187"]),
        ("¿Cuándo abrirá de noche el hospital de San Telmo?", "date", ["3 de mayo", "3 de marzo"]),
        ("Who speaks for the fishing cooperative of Serra?", "name", ["Lima", "Prado"]),
        ("How many machines is the money for laptops enough for?", "", []),
    ],
)
def test_versions_differ_in_what_answers(
    versions: Engine, question: str, kind: str, values: list[str]
) -> None:
    answer = versions.ask(question)
    assert answer.status is Status.ANSWERED
    shown = [each for each in answer.disagreements if each.versions]
    assert [each.kind for each in shown] == ([kind] if kind else [])
    sides = [side for each in shown for side in each.sides]
    assert len(sides) == len(values)
    assert all(value in side.value for value, side in zip(values, sides, strict=True))
    if sides:
        assert sides[0].text in answer.sentences[0].text
        assert answer.publishers == 1
        words = export(answer, "markdown", "apa")
        assert f"Versions of one article differ: {question}" in words
        assert words.index(sides[0].text) < words.index(sides[1].text)
    for citation in answer.citations:
        for other in citation.also:
            assert citation.exact in versions.library.article(other.id).text


def test_a_version_that_the_filter_hides_is_not_shown(versions: Engine) -> None:
    question = "How many people died in the landslide in Rosas?"
    answer = versions.ask(question, Filter(publishers=("Herald",)))
    assert "At least 12 people died" in answer.sentences[0].text
    assert answer.disagreements == ()


def test_a_question_of_the_seeds(reading: Engine) -> None:
    answer = reading.ask("Was it 1996 or 1997 when Washington decertified Samper's Colombia?")
    (matter,) = answer.disagreements
    assert {side.value for side in matter.sides} == {"1996", "1997"}


def test_the_judged_disagreements(make_library: MakeLibrary, reader: Reader) -> None:
    """Precision of at least .8 and recall of at least .5 on the questions kept for tuning."""
    judged = load_disagreements(GOLD)
    library = make_library(article for each in judged for article in each.articles)
    engine = Engine.of(library, reader=reader)
    counts: Counter[str] = Counter()
    for each in judged:
        found = engine.ask(each.question).disagreements
        shown = [[side.value for side in matter.sides] for matter in found]
        counts.update(measure_disagreement(shown, each.sides))
    assert counts["DisagreementRight"] >= 0.8 * counts["DisagreementShown"] > 0
    assert counts["DisagreementRight"] >= 0.5 * counts["DisagreementWanted"]
