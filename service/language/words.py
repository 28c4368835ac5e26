"""Words: without what only spelling adds, what is negated, and the roots of those that matter."""

import re
from collections.abc import Iterable
from functools import lru_cache
from unicodedata import combining, normalize

WORD = re.compile(r"\w+(?:['’]\w+)*")
HYPHENATED = re.compile(r"\w(?:[\w’'-]*\w)?")

# fmt: off
NEGATIONS = frozenset((
    "not", "no", "never", "none", "without", "cannot", "nor", "neither", "nobody", "nothing",
    "nunca", "jamas", "ningun", "ninguna", "ninguno", "sin",
))
# fmt: on
# Words that say nothing of what a text is about.
LITTLE = frozenset(
    re.findall(
        r"\S+",
        """
        the and for was were are has have had that this with from its his her their they them what
        when where which who whom whose why how many much did does will would can could not but
        than then there been being about into over after before more most some such only also an a
        of in to by on at is it as or be el la los las un una unos unas del que por para con una su
        sus en de se al lo como más fue son ha han cuándo cuántos cuántas cuánto qué quién dónde
        first last next previous latest recent recently
        year date day month number percentage share time times año fecha
        years days months weeks decades centuries
        """,
    )
)
# Letters of a word that count: so "decertified" and "decertification" are one.
ROOT = 6
ENDINGS = ("’s", "'s", "ing", "ed", "es", "s", "e")


def folded(text: str) -> str:
    """`text` without the difference of case and accents."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in normalize("NFKD", text) if not combining(c)).casefold()


def negated(words: Iterable[str]) -> bool:
    """Whether one of these folded words negates."""
    return any(word in NEGATIONS or word.endswith(("n't", "n’t")) for word in words)


def roots(text: str) -> frozenset[str]:
    """The words that say what a text is about, without their usual endings.

    Coarser than the index's stems: "decertified" and "decertification" are one.
    """
    words = (word.casefold() for word in HYPHENATED.findall(text))
    return frozenset(_root(word) for word in words if len(word) > 2 and word not in LITTLE)


@lru_cache(maxsize=65_536)
def _root(word: str) -> str:
    ending = next((e for e in ENDINGS if word.endswith(e) and len(word) >= len(e) + 3), "")
    return word.removesuffix(ending).replace("y", "i")[:ROOT]
