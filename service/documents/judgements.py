"""Stores readers' judgements of answers, and exports them as judged questions."""

import json
import uuid
from collections.abc import Iterable

from sourcebook.index.errors import NotFoundError
from sourcebook.index.library import Library
from sourcebook.index.storage.records import JudgedQuote, Judgement
from sourcebook.index.storage.view import View
from sourcebook.index.storage.writer import now
from sourcebook.service.asking.query import query_of
from sourcebook.service.documents.references import quoted
from sourcebook.service.notation.answers import JudgementOut, JudgementsOut
from sourcebook.service.notation.asking_requests import JudgementRequest, QuoteSpan

# `right` has the quotes of the answer, `passage` those that should have been found. `wrong` says
# that an answer is not right, but not what is, so it cannot be used for scoring.
GOLD = ("right", "passage", "unanswerable")


def judge(library: Library, wanted: JudgementRequest) -> Judgement:
    """Store a judgement, with the current words of its quotes.

    Raises `NotFoundError` for a quote from an unknown article, and `InputError` for a span outside
    its text or a question without a word.
    """
    question = query_of(wanted.question).text
    with library.view() as view:
        judgement = Judgement(
            id=uuid.uuid4().hex[:12],
            question=question,
            verdict=wanted.verdict,
            quotes=tuple(_quote(view, quote) for quote in wanted.quotes),
            note=wanted.note,
            generation=view.generation,
            judged=now(),
        )
    library.add_judgement(judgement)
    return judgement


def _quote(view: View, wanted: QuoteSpan) -> JudgedQuote:
    article = view.article(wanted.article_id)
    return JudgedQuote(
        article_id=article.id,
        source=article.source,
        start=wanted.start,
        end=wanted.end,
        text=quoted(article, wanted.start, wanted.end) or "",
        text_sha256=article.sha256,
    )


def judgements(library: Library) -> list[Judgement]:
    """All judgements, newest first."""
    with library.view() as view:
        return view.judgements()


def page_of_judgements(library: Library, limit: int, offset: int) -> JudgementsOut:
    """So many judgements after the first `offset`, newest first."""
    with library.view() as view:
        return JudgementsOut(
            total=view.count_judgements(),
            limit=limit,
            offset=offset,
            judgements=[JudgementOut.model_validate(one) for one in view.judgements(limit, offset)],
        )


def forget(library: Library, wanted: str) -> None:
    """Delete a judgement. Raises `NotFoundError`."""
    if not library.remove_judgement(wanted):
        raise NotFoundError(
            f"There is no judgement {wanted!r}.", cure="GET /v1/judgements lists them."
        )


def exported(kept: Iterable[Judgement]) -> str:
    """Judged questions as JSON Lines, for `sourcebook eval run`.

    `kept` is newest first. The newest judgement of a question that gives gold counts; a question
    that was only judged wrong is left out. Gold is the article's source and the words of a quote,
    any one of which is enough, so it survives a new chunker and a replaced article.
    """
    newest: dict[str, Judgement] = {}
    for judgement in kept:
        if judgement.verdict in GOLD:
            newest.setdefault(judgement.question.casefold(), judgement)
    return "".join(f"{_line(judgement)}\n" for judgement in reversed(newest.values()))


def _line(judgement: Judgement) -> str:
    answerable = judgement.verdict != "unanswerable"
    quotes = [{"article": quote.source, "quote": quote.text} for quote in judgement.quotes]
    gold = {"evidence": quotes, "any": True} if answerable else {}
    facts = {
        "id": judgement.id,
        "question": judgement.question,
        "type": "judged",
        "answerable": answerable,
        **gold,
        "tags": [judgement.verdict],
        "note": judgement.note,
    }
    return json.dumps(facts, ensure_ascii=False)
