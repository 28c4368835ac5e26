"""Answers to questions that name a source or a date, or misspell a name, from real libraries."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from conftest import MakeLibrary, article_from

from sourcebook.index.article import Article, Metadata
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.library import Library
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import Answer, Status
from sourcebook.service.asking.engine import Engine

# The source of each brief as a question may give it, and what the library knows of it.
SPOKEN: dict[str, dict[str, Any]] = {
    "Foreign Policy": {"publisher": "Foreign Policy"},
    "The Conversation": {"publisher": "The Conversation"},
    "Barron's": {"publisher": "", "url": "https://www.barrons.com/news/colombia"},
    "Diplomatic Courier": {"publisher": "Diplomatic Courier"},
    "VICE": {"publisher": "", "url": "https://www.vice.com/en/article/total-peace"},
}
BRIEFS = {
    "Foreign Policy": "colombia-global-drug-reform",
    "The Conversation": "colombia-decertification-meaning",
    "Barron's": "colombia-certification-deadline",
    "Diplomatic Courier": "us-colombia-cooperation-to-confrontation",
    "VICE": "colombia-total-peace-skeptics",
}
QUESTIONS = {
    "Foreign Policy": "How many independent experts will review global drug control?",
    "The Conversation": "What does decertification mean for Colombia?",
    "Barron's": "How much cocaine did Colombia seize in 2024?",
    "Diplomatic Courier": "When did relations between the United States and Colombia break down?",
    "VICE": "What is total peace?",
}
HERALD = "The council doubled the fines for waste in the river. The mayor called that overdue."
TRIBUNE = "The council of the town halved the fines for waste in the river, said the clerk."
PALACE = (
    "“Why now?” Minister Ana Ruiz asked the press at the palace. She called the decree a mistake."
)


@pytest.fixture(scope="module")
def published(
    seed_articles: list[Article], encoder: Encoder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    names = {brief: source for source, brief in BRIEFS.items()}
    articles = [
        replace(each, metadata=replace(each.metadata, **SPOKEN[names[name]]))
        for each in seed_articles
        if (name := each.source.removeprefix("seeds/").removesuffix(".md")) in names
    ]
    folder = tmp_path_factory.mktemp("published") / "library"
    with Library(folder, encoder, create=True) as library:
        library.add(articles)
        yield Engine.of(library)


def first_of(answer: Answer) -> tuple[str, str]:
    return answer.quoted[0].article.source, answer.quoted[0].exact


@pytest.mark.parametrize("introduction", ["According to {}, ", "{} says: ", "Según {}, "])
@pytest.mark.parametrize("source", SPOKEN)
def test_naming_the_source_keeps_answer_and_confidence(
    published: Engine, source: str, introduction: str
) -> None:
    question = QUESTIONS[source]
    plain = published.ask(question)
    named = published.ask(introduction.format(source) + question[0].lower() + question[1:])
    assert plain.quoted[0].article.source == f"seeds/{BRIEFS[source]}.md"
    assert first_of(named) == first_of(plain)
    assert named.confidence >= plain.confidence - 0.05
    assert named.status is plain.status
    assert named.query.matched == question
    assert named.notes == ()


def test_each_source_that_is_asked_is_heard(published: Engine) -> None:
    answer = published.ask(
        "According to Foreign Policy and VICE, what does President Petro want for drug policy?"
    )
    assert [source.written for source in answer.query.asked_sources] == ["Foreign Policy", "VICE"]
    assert answer.status is Status.ANSWERED
    quoted = {citation.article.source for citation in answer.quoted}
    assert {f"seeds/{BRIEFS[name]}.md" for name in ("Foreign Policy", "VICE")} <= quoted
    assert answer.notes == ()


def from_publisher(name: str, text: str, publisher: str) -> Article:
    return article_from(text, name, Metadata(title=name, language="en", publisher=publisher))


def test_a_source_is_not_crowded_out(make_library: MakeLibrary) -> None:
    others = [
        from_publisher(
            f"n{number}", f"In town {number}, fines for waste in the river rose.", "Wire"
        )
        for number in range(90)
    ]
    own = from_publisher("own", "Rain fell. A levy on litter by the stream was raised.", "The Hill")
    engine = Engine.of(make_library([*others, own]))
    hits = engine.find("According to The Hill, did fines for waste in the river rise?").hits
    assert "own.txt" in [hit.citation.article.source for hit in hits]
    mentioned = engine.find("Did fines for waste in the river rise?").hits
    assert "own.txt" not in [hit.citation.article.source for hit in mentioned]
    wire = engine.find(
        "According to The Hill, did fines for waste in the river rise?",
        Filter(publishers=("Wire",)),
    )
    assert "own.txt" not in [hit.citation.article.source for hit in wire.hits]


def test_what_a_source_does_not_say_is_said(make_library: MakeLibrary) -> None:
    herald = from_publisher("herald", HERALD, "The Herald")
    wheat = from_publisher("wheat", "Wheat prices fell in spring. Farmers sold less.", "The Hill")
    engine = Engine.of(make_library([herald, wheat]))
    question = "What did the council do with the fines for waste?"
    plain = engine.ask(question)
    for source, note in (
        ("The Hill", "Nothing by “The Hill” was found to answer this."),
        ("The Tribune", "The library has no article by “The Tribune”."),
    ):
        answer = engine.ask(
            f"According to {source}, what did the council do with the fines for waste?"
        )
        assert first_of(answer) == first_of(plain)
        assert answer.status is plain.status is Status.ANSWERED
        assert answer.notes == (note,)
    assert engine.ask(f"According to The Herald, {question}").notes == ()


def test_the_source_that_is_asked_comes_first(make_library: MakeLibrary) -> None:
    articles = [
        from_publisher("herald", HERALD, "The Herald"),
        from_publisher("tribune", TRIBUNE, "Tribune"),
    ]
    engine = Engine.of(make_library(articles))
    for source, name in (("The Herald", "herald.txt"), ("the Tribune", "tribune.txt")):
        answer = engine.ask(f"According to {source}, what happened to the fines for waste?")
        assert answer.quoted[0].article.source == name


def test_a_misspelt_name_is_found_and_the_right_one_offered(make_library: MakeLibrary) -> None:
    engine = Engine.of(make_library(palace=PALACE))
    right, wrong = engine.ask("Who is Ana Ruiz?"), engine.ask("Who is Anna Riuz?")
    assert wrong.query.text == "Who is Anna Riuz?"
    assert wrong.notes == ("Read “Anna Riuz” as “Ana Ruiz”.",)
    assert (right.notes, right.quoted[0].article.source) == ((), "palace.txt")
    assert (wrong.status, wrong.confidence) == (right.status, right.confidence)
    assert first_of(wrong) == first_of(right)


def test_words_that_differ_by_a_letter_or_two(make_library: MakeLibrary) -> None:
    library = make_library(one="Iván González met Whitaker. Whitaker's goal is gold.", two=PALACE)
    with library.view() as view:
        assert view.words_like("Whitacker") == ["whitaker"]
        assert view.words_like("Gonzales") == ["gonzalez"]
        assert view.words_like("Riuz") == ["ruiz"]
        assert view.words_like("Goad")[0] in ("goal", "gold")
        assert view.words_like("Zebra") == view.words_like("two words") == view.words_like("") == []
        assert view.written_as_name("ivan gonzalez") == "Iván González"
        assert view.written_as_name("goal") is view.written_as_name("ivan whitaker") is None


def test_hosts_of_a_library(make_library: MakeLibrary) -> None:
    urls = ("https://www.vice.com/a", "http://vice.com", "https://VICE.com:80/b", None, "http://[x")
    articles = [
        article_from(f"Text {n}.", f"a{n}", Metadata(title=f"a{n}", language="en", url=url))
        for n, url in enumerate(urls)
    ]
    with make_library(articles).view() as view:
        assert view.names().hosts == ("vice.com",)
        found = view.records(Filter(hosts=("vice.com",)))
    assert [record.metadata.title for record in found] == ["a0", "a1"]
