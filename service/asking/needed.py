"""What a quote is not understood without: the header of its row, its lead-in, its heading."""

import re
from collections.abc import Iterable

from sourcebook.index import passages
from sourcebook.index.article import Article, Lead, LeadKind
from sourcebook.index.errors import InputError
from sourcebook.index.words import WORD
from sourcebook.service.asking.query import ContentWord
from sourcebook.service.asking.text_words import TextWords
from sourcebook.service.language.languages import LEXICON

# A shorter quote ("Yes.", "45 euros.") hardly says what it is about.
FEWEST_WORDS = 5
ENDS = re.compile(r"[.!?…:;][\"'”’»)\]]*$")


def needed(
    leads: Iterable[Lead],
    start: int,
    end: int,
    exact: str,
    *,
    title: str = "",
    words: Iterable[ContentWord] = (),
) -> tuple[Lead, ...]:
    """Those of an article's leads that the quote `[start, end)` needs, in reading order.

    A header or lead-in is always needed. A heading is where it holds a word of the question that
    all else, and the article's title, lacks; and the nearest one is where nothing leads into a
    quote that is no whole statement (`incomplete`).
    """
    own = [each for each in leads if each.leads(start, end)]
    led = [each for each in own if each.kind is not LeadKind.HEADING]
    headings = [each for each in own if each.kind is LeadKind.HEADING]
    said = TextWords(" ".join((title, *(each.text for each in led), exact)))
    lacking = [word for word in words if not said.hold(word)]
    chosen = [each for each in headings if any(map(TextWords(each.text).hold, lacking))]
    if not chosen and not led and incomplete(exact):
        chosen = headings[-1:]
    return tuple(sorted((*chosen, *led), key=lambda lead: lead.start))


def needed_in(
    article: Article, start: int, end: int, places: Iterable[tuple[int, int]] = ()
) -> tuple[Lead, ...]:
    """What a quote of an article needs, whatever was asked, or its leads at `places` instead.

    Raises `InputError` where one of the places is not that of a lead of the quote.
    """
    leads = passages.leads_of(article, start, end)
    wanted = set(places)
    if not wanted:
        exact, title = article.text[start:end], article.metadata.title
        return needed(leads, start, end, exact, title=title)
    own = {(each.start, each.end): each for each in leads}
    for first, last in wanted - own.keys():
        raise InputError(
            f"The context is [{first}, {last}); expected a header, introduction or heading "
            f"of the quote [{start}, {end}) of article {article.id!r}.",
            cure="Copy it from the citation's context, or leave it out.",
        )
    return tuple(lead for place, lead in own.items() if place in wanted)


def incomplete(exact: str) -> bool:
    """Whether a quote is no whole statement: short, without an end, or begun by a reference."""
    opening = WORD.search(exact)
    return (
        len(exact.split()) < FEWEST_WORDS
        or not ENDS.search(exact)
        or (opening is not None and opening[0].lower() in LEXICON.referring)
    )
