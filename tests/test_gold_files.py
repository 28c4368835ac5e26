"""The judged questions of `eval/gold` keep the promises of its README."""

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sourcebook.eval.data.articles import corpus_articles
from sourcebook.eval.data.judged import (
    JudgedQuestion,
    article_finder,
    find_quote,
    load_judged,
    locate,
    with_short,
)
from sourcebook.index.article import Article
from sourcebook.index.passages import sentence_spans

ROOT = Path(__file__).parent.parent
GOLD = ROOT / "eval" / "gold"
SHARED = ROOT.parent / "shared"
SPANISH_ARTICLES = GOLD / "spanish-articles.jsonl"
OTHER_ARTICLES = GOLD / "languages-articles.jsonl"  # Portuguese, French and German
RAW = SHARED / "seeds"
RAW_GOLD = SHARED / "gold" / "articles.dev.jsonl"
SPLITS = ("dev", "test")

# How many questions each pair of files holds, dev and test.
SIZES = {
    "near": (22, 22),
    "near-articles": (17, 16),
    "near-bench": (17, 17),
    "answerable": (21, 21),
    "spanish": (20, 20),
}
KINDS = {
    "year",
    "number",
    "role",
    "direction",
    "place",
    "cause",
    "consequence",
    "speaker",
    "count",
    "date",
    "follow-up",
}
# Questions that share this part of their words or more are taken for the same question.
SAME = 0.8

external = [
    pytest.mark.external,
    pytest.mark.skipif(not RAW.exists(), reason="the raw articles lie beside the repository"),
]
of_the_seeds = pytest.mark.parametrize(
    "name", ["seeds", *(f"{kind}.{split}" for kind in ("near", "answerable") for split in SPLITS)]
)
each_split = pytest.mark.parametrize("split", SPLITS)
each_pair = pytest.mark.parametrize("pair", SIZES)


def rows(name: str) -> list[dict[str, Any]]:
    """The JSON objects of `eval/gold/NAME.jsonl`."""
    text = (GOLD / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def judged(name: str) -> tuple[JudgedQuestion, ...]:
    return load_judged(GOLD / f"{name}.jsonl")


def by_id(*paths: Path) -> dict[str, Article]:
    return {article.id: article for path in paths for article in corpus_articles(path)}


@pytest.fixture(scope="module")
def briefs() -> dict[str, Article]:
    return by_id(ROOT / "seeds")


@pytest.fixture(scope="module")
def briefs_and_spanish(briefs: dict[str, Article]) -> dict[str, Article]:
    return briefs | by_id(SPANISH_ARTICLES)


@pytest.fixture(scope="module")
def raw() -> dict[str, Article]:
    return by_id(RAW)


def wrong_quotes(
    questions: tuple[JudgedQuestion, ...], articles: Mapping[str, Article]
) -> list[str]:
    """The ids of questions with a quote that does not stand in its one article."""
    find = article_finder(articles)
    near = [
        question.id
        for question in questions
        if question.near and not _stands(question.near.quote, find(question.near.article))
    ]
    return near + [missing.question for missing in locate(questions, articles).missing]


def _stands(quote: str, found: tuple[Any, ...]) -> bool:
    return len(found) == 1 and bool(find_quote(found[0].text, quote))


def wrong_short_answers(
    questions: tuple[JudgedQuestion, ...], articles: Mapping[str, Article]
) -> list[tuple[str, str]]:
    """Accepted short answers that stand in no sentence of the evidence, with their questions."""
    find = article_finder(articles)
    wrong = []
    for question in questions:
        quotes = [quote for piece in question.evidence for quote in piece.quotes]
        sentences = [
            sentence
            for quote in quotes
            for article in find(quote.article)
            for sentence in sentences_around(article.text, quote.quote)
        ]
        wrong += [
            (question.id, short)
            for short in question.short or ()
            if not any(short in sentence for sentence in sentences)
        ]
    return wrong


def sentences_around(text: str, quote: str) -> Iterator[str]:
    """The whole sentences that each place of `quote` touches, white space collapsed."""
    spans = sentence_spans(text)
    for start, end in find_quote(text, quote):
        touched = [span for span in spans if span.start < end and start < span.end]
        yield " ".join(text[touched[0].start : touched[-1].end].split())


# --- quotes -----------------------------------------------------------------------------------


@of_the_seeds
def test_quotes_and_short_answers_stand_in_the_briefs(
    name: str, briefs: dict[str, Article]
) -> None:
    questions = judged(name)
    assert wrong_quotes(questions, briefs) == []
    assert wrong_short_answers(questions, briefs) == []


@each_split
def test_spanish_quotes_stand_in_the_briefs_or_the_spanish_articles(
    split: str, briefs_and_spanish: dict[str, Article]
) -> None:
    questions = judged(f"spanish.{split}")
    assert wrong_quotes(questions, briefs_and_spanish) == []
    assert wrong_short_answers(questions, briefs_and_spanish) == []


def test_the_quotes_of_other_languages_stand_in_the_briefs_or_their_articles(
    briefs: dict[str, Article],
) -> None:
    questions, articles = judged("languages.test"), briefs | by_id(OTHER_ARTICLES)
    assert wrong_quotes(questions, articles) == []
    assert wrong_short_answers(questions, articles) == []
    rows_of = Counter(row["tags"][0] for row in rows("languages.test"))
    assert rows_of == {"pt": 10, "fr": 10, "de": 10}
    assert {article.metadata.language for article in by_id(OTHER_ARTICLES).values()} == {*rows_of}


class TestRawArticles:
    """What needs the raw articles, which are not in the repository."""

    pytestmark = external

    def test_every_question_of_their_gold_has_short_answers_or_none(
        self, raw: dict[str, Article]
    ) -> None:
        questions = with_short(load_judged(RAW_GOLD), GOLD / "short.jsonl")
        assert [each["id"] for each in rows("short")] == [each.id for each in questions]
        assert wrong_short_answers(questions, raw) == []
        assert not any(each.short for each in questions if not each.answerable)


# --- fields and counts ------------------------------------------------------------------------


@each_pair
def test_a_pair_of_files_has_its_size(pair: str) -> None:
    assert tuple(len(judged(f"{pair}.{split}")) for split in SPLITS) == SIZES[pair]


def everything(*pairs: str) -> list[dict[str, Any]]:
    return [row for pair in pairs for split in SPLITS for row in rows(f"{pair}.{split}")]


NEAR = everything("near", "near-articles", "near-bench")


def test_there_are_a_hundred_near_misses_of_every_kind() -> None:
    assert len(NEAR) >= 100
    kinds = Counter(kind for row in NEAR for kind in row["tags"])
    assert set(kinds) == KINDS
    assert min(kinds.values()) >= 9


@pytest.mark.parametrize("row", NEAR, ids=[row["id"] for row in NEAR])
def test_a_near_miss_says_what_is_near_and_has_no_evidence(row: dict[str, Any]) -> None:
    assert (row["type"], row["answerable"], row["answer"]) == ("unanswerable", False, "")
    assert row["evidence"] == []
    assert row["near"]["quote"] if "near" in row else row["about"]["article"]
    assert len(row["tags"]) == 1
    assert row["note"]


ANSWERABLE = everything("answerable")


def test_there_are_forty_more_answerable_questions() -> None:
    assert len(ANSWERABLE) >= 40
    assert sum(bool(row["short"]) for row in ANSWERABLE) >= 30
    assert sum(not row["short"] for row in ANSWERABLE) >= 2


@pytest.mark.parametrize("row", ANSWERABLE, ids=[row["id"] for row in ANSWERABLE])
def test_an_answerable_question_has_an_answer_and_evidence(row: dict[str, Any]) -> None:
    assert row["answerable"]
    assert row["answer"]
    assert row["evidence"]
    assert row["short"] == sorted(set(row["short"]), key=len)  # the shortest form first
    assert row["type"] != "unanswerable"
    assert "near" not in row


def test_the_spanish_questions_ask_both_kinds_of_text() -> None:
    spanish = everything("spanish")
    texts = Counter(row["tags"][0] for row in spanish)
    assert texts == {"english-text": 20, "spanish-text": 20}
    assert sum(not row["answerable"] for row in spanish) == 10


def test_the_spanish_articles_are_short_and_spanish() -> None:
    articles = corpus_articles(SPANISH_ARTICLES)
    assert 6 <= len(articles) <= 8
    for article in articles:
        assert article.metadata.language == "es"
        assert 5 <= len(sentence_spans(article.text, "es")) <= 8, article.source


# --- the split --------------------------------------------------------------------------------


def halves(names: list[tuple[Any, str]]) -> tuple[set[str], set[str]]:
    """Dev and test by the rule of the README, from pairs of what to balance and an id."""
    ordered = sorted(
        names, key=lambda each: (each[0], hashlib.sha256(each[1].encode()).hexdigest())
    )
    ids = [name for _, name in ordered]
    return set(ids[0::2]), set(ids[1::2])


@each_pair
def test_dev_and_test_are_split_by_the_rule(pair: str) -> None:
    found = tuple({row["id"] for row in rows(f"{pair}.{split}")} for split in SPLITS)
    assert found == halves(
        [((row["answerable"], row["tags"]), row["id"]) for row in everything(pair)]
    )


def test_the_disagreements_are_split_by_the_rule() -> None:
    found = tuple({row["id"] for row in rows(f"disagreements.{split}")} for split in SPLITS)
    wanted = [
        ((row["expected"]["disagree"], row["expected"]["kind"], row["tags"]), row["id"])
        for row in DISAGREEMENTS
    ]
    assert found == halves(wanted)


def test_no_id_is_used_twice() -> None:
    names = [
        "seeds",
        *(f"{pair}.{split}" for pair in (*SIZES, "disagreements") for split in SPLITS),
    ]
    ids = [row["id"] for name in names for row in rows(name)] + [row["id"] for row in rows("short")]
    assert [name for name, count in Counter(ids).items() if count > 1] == []


def test_no_question_is_asked_twice() -> None:
    names = [
        "seeds",
        *(f"{pair}.{split}" for pair in (*SIZES, "disagreements") for split in SPLITS),
    ]
    asked = {row["id"]: row["question"] for name in names for row in rows(name)}
    if RAW_GOLD.exists():
        asked |= {each.id: each.question for each in load_judged(RAW_GOLD)}
    words = {name: set(re.findall(r"\w+", question.casefold())) for name, question in asked.items()}
    same = [
        (one, other)
        for one, other in itertools.combinations(words, 2)
        if len(words[one] & words[other]) >= SAME * len(words[one] | words[other])
    ]
    assert same == []


# --- disagreements ----------------------------------------------------------------------------

DISAGREEMENTS = everything("disagreements")
each_case = pytest.mark.parametrize("case", DISAGREEMENTS, ids=[row["id"] for row in DISAGREEMENTS])


def test_half_of_the_thirty_cases_disagree() -> None:
    assert Counter(case["expected"]["disagree"] for case in DISAGREEMENTS) == {True: 15, False: 15}
    for disagree in (True, False):
        kinds = {
            case["expected"]["kind"]
            for case in DISAGREEMENTS
            if case["expected"]["disagree"] is disagree
        }
        assert kinds == {"number", "date", "claim"}


@each_case
def test_a_case_has_short_articles_of_different_titles(case: dict[str, Any]) -> None:
    articles = case["articles"]
    assert 2 <= len(articles) <= 3
    assert len({article["title"] for article in articles}) == len(articles)
    for article in articles:
        assert set(article) == {"id", "publisher", "published", "title", "text"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", article["published"])
        assert 2 <= len(sentence_spans(article["text"])) <= 5


@each_case
def test_the_sides_stand_in_different_articles(case: dict[str, Any]) -> None:
    expected, texts = case["expected"], [article["text"] for article in case["articles"]]
    if not expected["disagree"]:
        assert expected["sides"] == []
        return
    one, other = expected["sides"]
    holding = [
        {number for number, text in enumerate(texts) if side in text} for side in (one, other)
    ]
    assert all(holding)
    assert not holding[0] & holding[1]
