"""Finds quotations: what stands in quotation marks, in a question or in a draft."""

import re

from sourcebook.index.errors import TooLargeError

MAX_DRAFT = 100_000  # characters, about 16,000 words; keeps one request from taking long
# One or two words in quotation marks are a term or a title rather than a quotation.
MIN_QUOTE_WORDS = 3

_QUOTED = re.compile(r"“([^“”]+)”|\"([^\"]+)\"|«([^«»]+)»|(?<!\w)'([^']+)'(?!\w)|‘([^‘’]+)’")
# The marks of a pair match, except in drafts where an editor made only one of them curly.
_QUOTES = re.compile(
    r"“([^“”]+)”|\"([^“”\"]+)”|\"([^\"]+)\"|“([^“”\"]+)\"|«([^«»]+)»|„([^„“”]+)[“”]"
)


def quoted(text: str) -> tuple[str, ...]:
    """What stands in quotation marks of any kind, in order."""
    return tuple(" ".join(filter(None, match)) for match in _QUOTED.findall(text))


def quotes_in(draft: str, least: int = MIN_QUOTE_WORDS) -> list[str]:
    """The quotations in a draft that have at least `least` words.

    Raises `TooLargeError` for a draft of more than 100,000 characters.
    """
    if len(draft) > MAX_DRAFT:
        raise TooLargeError(
            f"The draft has {len(draft):,} characters; at most {MAX_DRAFT:,} are read.",
            cure="Check it in parts.",
        )
    found = (" ".join(filter(None, match)).strip() for match in _QUOTES.findall(draft))
    return [quote for quote in found if len(quote.split()) >= least]
