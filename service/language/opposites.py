"""Tells whether a text says the opposite of a word, by a list of pairs and by prefixes."""

from collections.abc import Set
from pathlib import Path

from sourcebook.index.search.stemming import stem

# Everyday English pairs, one on each line; add those that you miss.
PAIRS = Path(__file__).with_name("opposites.txt")
# Prefixes that turn a word into its opposite, and pairs of prefixes that are opposites. Both, and
# the list, feed one of the signals of docs/decisions/0006-abstention.md.
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
SHORTEST_STEM = 4  # letters after a prefix: "into" is not the opposite of "to"


def opposed(word: str, others: Set[str]) -> bool:
    """Whether one of `others` is the opposite of `word`; all are stems of the lexical index."""
    if not _LISTED.get(word, frozenset()).isdisjoint(others):
        return True
    if len(word) >= SHORTEST_STEM and any(prefix + word in others for prefix in NEGATING):
        return True
    return any(
        replacement + word[len(prefix) :] in others
        for prefix, replacement in _REPLACED
        if word.startswith(prefix) and len(word) >= len(prefix) + SHORTEST_STEM
    )


def _parse(text: str) -> dict[str, frozenset[str]]:
    """The opposites of each listed word, as stems."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        one, other = (stem(word) or word for word in line.split())
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


_LISTED = _parse(PAIRS.read_text("utf-8"))
_REPLACED = [
    *((prefix, "") for prefix in NEGATING),
    *OPPOSED,
    *((other, one) for one, other in OPPOSED),
]
