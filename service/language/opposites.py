"""Tells whether a word is the opposite of one in a text: by a list, or by its prefix."""

from collections.abc import Set
from pathlib import Path

from sourcebook.index.search.lexical import stem

# Everyday English pairs, one a line; whoever misses one adds it.
PAIRS = Path(__file__).with_name("opposites.txt")
# Prefixes that turn a word into its opposite, and those that turn another prefix's word into it.
NEGATING = ("un", "in", "im", "ir", "il", "dis", "non", "anti", "de")
OPPOSED = (
    ("in", "de"),
    ("in", "ex"),
    ("im", "ex"),
    ("ac", "de"),
    ("as", "de"),
    ("over", "under"),
    ("pre", "post"),
    ("up", "down"),
    ("hyper", "hypo"),
    ("micro", "macro"),
    ("mono", "poly"),
    ("pro", "anti"),
    ("homo", "hetero"),
    ("intra", "inter"),
    ("sub", "super"),
)
SHORTEST_ROOT = 4  # "in" + "to" is not the opposite of "to"


def opposed(word: str, others: Set[str]) -> bool:
    """Whether one of `others` is the opposite of `word`; all of them are stems."""
    if not _LISTED.get(word, frozenset()).isdisjoint(others):
        return True
    if len(word) >= SHORTEST_ROOT and any(prefix + word in others for prefix in NEGATING):
        return True
    return any(
        replacement + word[len(prefix) :] in others
        for prefix, replacement in _REPLACED
        if word.startswith(prefix) and len(word) >= len(prefix) + SHORTEST_ROOT
    )


def _read(text: str) -> dict[str, frozenset[str]]:
    """Each listed word's opposites, as stems."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        one, other = (stem(word) or word for word in line.split())
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


_LISTED = _read(PAIRS.read_text("utf-8"))
_REPLACED = [
    *((prefix, "") for prefix in NEGATING),
    *OPPOSED,
    *((other, one) for one, other in OPPOSED),
]
