"""What readers say of answers, kept in the library and exported as judged questions."""

import json
import uuid
from collections.abc import Iterable

from sourcebook.index.errors import NotFoundError
from sourcebook.index.library import Library
from sourcebook.index.storage.records import JudgedQuote, Judgement
from sourcebook.index.storage.store import now
from sourcebook.index.storage.view import View
from sourcebook.service.asking.query import query_of
from sourcebook.service.documents.references import quoted
from sourcebook.service.notation.requests import JudgementRequest, QuoteSpan

# `right` has the quotes of the answer that was right, `passage` those that should have been found.
# `wrong` says that an answer was not right, but not what is: there is nothing to score by.
GOLD = ("right", "passage", "unanswerable")


def judge(library: Library, wanted: JudgementRequest) -> Judgement:
    """Keep a judgement, its quotes with the words that stand there now.

    Raises `NotFoundError` for a quote from an unknown article, `InputError` for a span outside of
    its text and for a question without a word.
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
    """All judgements, the newest first."""
    with library.view() as view:
        return view.judgements()


def forget(library: Library, wanted: str) -> None:
    """Forget a judgement; `NotFoundError` if there is none of that id."""
    if not library.remove_judgement(wanted):
        raise NotFoundError(
            f"There is no judgement {wanted!r}.", cure="GET /v1/judgements lists those kept."
        )


def exported(kept: Iterable[Judgement]) -> str:
    """Judged questions as JSON lines, as `sourcebook eval run` reads them.

    `kept` has the newest first. Of several judgements on one question the newest counts that says
    what the gold is; a question that was only called wrong has none, and is left out. Gold is the
    source of an article and the words of a quote, one of which suffices, so neither a new chunker
    nor a replaced article makes it void.
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
