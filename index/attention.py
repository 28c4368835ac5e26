"""What somebody should look at: missing or odd metadata, and texts that are cut short."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sourcebook.index.article import Article
from sourcebook.index.words import WORD, listed

# Rules of removals: what extraction left out of a page, and notices that the rest must be paid.
EXTRACTION, PAYWALL = "extraction", "paywall"

# Signs that no name of a person or an organisation has, and words that say what somebody does.
NO_NAME = re.compile(r"[\d@/\\|<>{}\[\]#*=_~;:!?]")
JOBS = frozenset(
    listed(
        """
    admin administrator anonymous author columnist contributor contributors correspondent desk
    editor editors guest newsroom reporter reporters staff unknown user webmaster writer writers
    autor corresponsal editora periodista redacción redactor reportero
    """
    )
)
LONGEST_NAME = 80  # characters: names of ministries are longer than those of people


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an article needs attention, and what to do about it."""

    message: str
    cure: str


REASONS: Mapping[str, Reason] = {
    "no-title": Reason(
        "It has no title.", "Enter the title that its page shows, or none to keep it so."
    ),
    "no-date": Reason(
        "It has no date of publication, so filters by date and `as of` may pass it over.",
        "Enter the date as far as you know it, such as 2025 or 2025-09.",
    ),
    "no-publisher": Reason(
        "It has no publisher, so it cannot be asked for by name.",
        "Enter who published it.",
    ),
    "odd-author": Reason(
        "What stands as an author does not look like a name.",
        "Enter the names of its authors, or none.",
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
        "cut-off": any(removal.rule == PAYWALL for removal in article.removals),
    }
    return tuple(name for name in REASONS if found[name])


def is_odd_name(name: str) -> bool:
    """Whether an author looks like neither a person nor an organisation."""
    words = WORD.findall(name)
    return (
        not words
        or len(name) > LONGEST_NAME
        or NO_NAME.search(name) is not None
        or name == name.lower() != name.upper()  # in a script that has capitals
        or all(word.casefold() in JOBS for word in words)
    )


def shortened(article: Article) -> bool:
    """Whether extraction left out more of a page than it kept."""
    left_out = sum(len(one.text) for one in article.removals if one.rule == EXTRACTION)
    return left_out > len(article.text)
