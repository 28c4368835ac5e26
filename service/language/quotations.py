"""Quotations: what stands in quotation marks, in a question or in a draft."""

import re

from sourcebook.index.errors import TooLargeError

MAX_DRAFT = 100_000  # characters
# A shorter run of words in quotation marks is a term or a title rather than a quotation.
MIN_QUOTE_WORDS = 3

_QUOTED = re.compile(r"“([^“”]+)”|\"([^\"]+)\"|«([^«»]+)»|(?<!\w)'([^']+)'(?!\w)|‘([^‘’]+)’")
# Both of a pair are alike, but for a draft in which an editor made only some of them curly.
_QUOTES = re.compile(
    r"“([^“”]+)”|\"([^“”\"]+)”|\"([^\"]+)\"|“([^“”\"]+)\"|«([^«»]+)»|„([^„“”]+)[“”]"
)


def quoted(text: str) -> tuple[str, ...]:
    """What stands in quotation marks, of whatever kind, in order."""
    return tuple(" ".join(filter(None, match)) for match in _QUOTED.findall(text))


def quotes_in(draft: str, least: int = MIN_QUOTE_WORDS) -> list[str]:
    """The quotations of at least so many words in a draft.

    Raises `TooLargeError` for a draft of more than 100,000 characters.
    """
    if len(draft) > MAX_DRAFT:
        raise TooLargeError(
            f"The draft has {len(draft):,} characters; at most {MAX_DRAFT:,} are read.",
            cure="Check it in parts.",
        )
    found = (" ".join(filter(None, match)).strip() for match in _QUOTES.findall(draft))
    return [quote for quote in found if len(quote.split()) >= least]
