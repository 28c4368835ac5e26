"""The period that a question names ("since 2023", "entre 2019 y 2021")."""

import re

from sourcebook.service.language.languages import LEXICON
from sourcebook.service.language.lexicon import either

_YEAR = r"((?:19|20)\d\d(?:-\d\d){0,2})"
_SINCE = re.compile(rf"\b(?:{either(LEXICON.since)})\s+{_YEAR}", re.IGNORECASE)
_UNTIL = re.compile(rf"\b(?:{either(LEXICON.until)})\s+{_YEAR}", re.IGNORECASE)
_BETWEEN = re.compile(
    rf"\b(?:{either(LEXICON.between)})\s+{_YEAR}\s+(?:{either(LEXICON.conjoined)})\s+{_YEAR}",
    re.IGNORECASE,
)


def period(question: str) -> tuple[str | None, str | None]:
    """The first and the last date of the period, in ISO 8601 as precise as the question; or None.

    A year alone ("in 2023") is what a question is about, not when articles were published.
    """
    if between := _BETWEEN.search(question):
        return between[1], between[2]
    since, until = _SINCE.search(question), _UNTIL.search(question)
    return since and since[1], until and until[1]
