"""Measures of disagreements: whether one is shown, and whether it is the right one."""

from collections.abc import Iterable, Sequence

from sourcebook.eval.measures.short_answers import short_words


def measure_disagreement(shown: Sequence[Sequence[str]], sides: Sequence[str]) -> dict[str, float]:
    """`DisagreementShown`, `DisagreementWanted` and `DisagreementRight` of one question, 0 or 1.

    `shown` are the words of each side of each disagreement, `sides` those that one of them must
    state; none where the articles agree. Right over shown is precision, right over wanted recall.
    """
    right = bool(sides) and any(_states(words, sides) for words in shown)
    return {
        "DisagreementShown": float(bool(shown)),
        "DisagreementWanted": float(bool(sides)),
        "DisagreementRight": float(right),
    }


def _states(shown: Iterable[str], sides: Iterable[str]) -> bool:
    """Whether each side stands, word for word, among the words of another one shown."""
    texts = [_spaced(words) for words in shown]
    return all(any(_spaced(side) in text for text in texts) for side in sides)


def _spaced(text: str) -> str:
    return f" {' '.join(short_words(text))} "
