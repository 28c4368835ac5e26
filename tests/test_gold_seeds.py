"""The judged questions on the seed briefs keep their promises."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
TYPES = {
    "factoid-numeric",
    "who-said-it",
    "why-how",
    "cross-source",
    "temporal",
    "source-specific",
    "disagreement",
    "paraphrase-hard",
    "unanswerable",
}
FIELDS = {"id", "question", "type", "answerable", "answer", "evidence", "any", "short", "note"}
LINES = (ROOT / "eval" / "gold" / "seeds.jsonl").read_text(encoding="utf-8").splitlines()
GOLD: list[dict[str, Any]] = [json.loads(line) for line in LINES]

each_question = pytest.mark.parametrize("judged", GOLD, ids=[judged["id"] for judged in GOLD])


def collapse(text: str) -> str:
    return " ".join(text.split())


def paragraphs(article: str) -> list[str]:
    """Give the paragraphs of a brief, without its front matter and headings."""
    text = (ROOT / "seeds" / f"{article}.md").read_text(encoding="utf-8")
    _, _, body = text.split("---\n", maxsplit=2)
    blocks = re.split(r"\n\s*\n", body)
    return [collapse(block) for block in blocks if block.strip() and not block.startswith("#")]


@each_question
def test_a_question_has_every_field_and_a_known_type(judged: dict[str, Any]) -> None:
    assert set(judged) == FIELDS
    assert judged["question"].strip()
    assert judged["type"] in TYPES


@each_question
def test_answerable_means_evidence_and_an_answer(judged: dict[str, Any]) -> None:
    assert judged["answerable"] == bool(judged["evidence"]) == bool(judged["answer"])
    assert judged["answerable"] == (judged["type"] != "unanswerable")


@each_question
def test_each_quote_stands_in_exactly_one_place_of_its_brief(judged: dict[str, Any]) -> None:
    for evidence in judged["evidence"]:
        quote = evidence["quote"]
        assert quote == collapse(quote)
        assert sum(text.count(quote) for text in paragraphs(evidence["article"])) == 1, quote


@each_question
def test_questions_across_sources_need_quotes_from_two_briefs(judged: dict[str, Any]) -> None:
    if judged["type"] in {"cross-source", "disagreement"}:
        assert not judged["any"]
        assert len({evidence["article"] for evidence in judged["evidence"]}) >= 2


def test_the_file_is_large_and_varied_enough() -> None:
    assert len(GOLD) >= 70
    assert sum(not judged["answerable"] for judged in GOLD) >= 12
    assert sum("Spanish" in judged["note"] for judged in GOLD) >= 5
    assert {judged["type"] for judged in GOLD} == TYPES


def test_ids_and_questions_are_unique() -> None:
    assert len({judged["id"] for judged in GOLD}) == len(GOLD)
    assert len({judged["question"].casefold() for judged in GOLD}) == len(GOLD)
