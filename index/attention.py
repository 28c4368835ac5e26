"""What somebody should look at: missing or odd metadata, and texts that are cut short."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sourcebook.index.article import Article, BlockKind
from sourcebook.index.parsing.bylines import names_nobody
from sourcebook.index.parsing.furniture import CUT_OFF, INCOMPLETE
from sourcebook.index.parsing.layout import ENDED

# With this value the two pages of the benchmark of docs/parsing.md that lost a fifth of their
# article are marked, and one page in six in all.
MUCH = 0.25
MIN_WORDS = 8  # of a last paragraph that may break off; a shorter one may be a line of its own

# Signs that no name of a person or an organisation has.
NO_NAME = re.compile(r"[\d@/\\|<>{}\[\]#*=_~;:!?]")
LONGEST_NAME = 80  # characters: names of ministries are longer than those of people


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an article needs attention, and what to do about it."""

    message: str
    cure: str


REASONS: Mapping[str, Reason] = {
    "no-title": Reason(
        "It has no title.", "Enter the title that its page shows, or say that it has none."
    ),
    "no-date": Reason(
        "It has no date of publication, so filters by date and `as of` may pass it over.",
        "Enter the date as far as you know it, such as 2025 or 2025-09, or say that it has none.",
    ),
    "no-publisher": Reason(
        "It has no publisher, so it cannot be asked for by name.",
        "Enter who published it, or say that it has none.",
    ),
    "odd-author": Reason(
        "What stands as an author does not look like a name.",
        "Enter the names of its authors, or say that these are right.",
    ),
    "shortened": Reason(
        "Its text is much shorter than its page.",
        "Look at what was left out. If parts of the article are missing, add its text instead.",
    ),
    "cut-off": Reason(
        "Its page seems to be cut off: it says that one must pay or sign in to read on.",
        "Save the whole page, and add it again from the same source.",
    ),
}


def reasons(article: Article) -> tuple[str, ...]:
    """Why somebody should look at an article: some names of `REASONS`, in their order.

    A field that somebody corrected needs no attention any more, whatever it says.
    """
    known = article.metadata
    found = {
        "no-title": "title" not in article.parsed and not known.title,
        "no-date": "published" not in article.parsed and not known.published,
        "no-publisher": "publisher" not in article.parsed and not known.publisher,
        "odd-author": "authors" not in article.parsed and any(map(is_odd_name, known.authors)),
        "shortened": shortened(article),
        "cut-off": is_cut_off(article),
    }
    return tuple(name for name in REASONS if found[name])


def is_odd_name(name: str) -> bool:
    """Whether an author looks like neither a person nor an organisation."""
    return (
        len(name) > LONGEST_NAME
        or NO_NAME.search(name) is not None
        or name == name.lower() != name.upper()  # in a script that has capitals
        or names_nobody(name)
    )


def left_out(article: Article) -> float:
    """The share of its page's running text that was not taken for the article, from 0 to 1.

    What certainly is no article (menus, footers, readers' comments) does not count; of a file
    without markup nothing is left out so.
    """
    removed = sum(len(r.text) for r in article.removals if r.rule == "extraction")
    return removed / (removed + len(article.text))


def breaks_off(article: Article) -> bool:
    """Whether the article ends within a sentence, after a paragraph that ends with one.

    Pages that show only the beginning to who has not paid end so.
    """
    blocks = [block for block in article.blocks if block.kind is not BlockKind.CAPTION]
    paragraphs = [block for block in blocks if block.kind is BlockKind.PARAGRAPH]
    if len(paragraphs) < 2 or blocks[-1] is not paragraphs[-1]:
        return False
    texts = [article.text[block.start : block.end] for block in paragraphs[-2:]]
    if len(texts[-1].split()) < MIN_WORDS or not texts[-1][0].isupper():
        return False
    word = texts[-1].split()[-1].rstrip(",")
    within = (word.isalpha() and word.islower()) or texts[-1].endswith(("…", "..."))
    return within and ENDED.search(texts[-2]) is not None


def shortened(article: Article) -> bool:
    """Whether the article may be cut: much of its page was left out, or it breaks off."""
    return left_out(article) >= MUCH or breaks_off(article)


def is_cut_off(article: Article) -> bool:
    """Whether the page says of itself that the rest of the article is for subscribers."""
    return article.metadata.extra.get(INCOMPLETE) == CUT_OFF
