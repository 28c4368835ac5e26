"""The stage `read`: what a model says of the question and a passage together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sourcebook.index.passages import Span
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import Hit


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader says of a question and a passage.

    `logit` says whether the passage answers the question; `span` is where, in the article's text.
    """

    logit: float
    span: Span | None


Read = Callable[[Query, Sequence[Hit]], Sequence[Reading]]


def no_reader(query: Query, hits: Sequence[Hit]) -> Sequence[Reading]:
    """Nothing: no model reads."""
    return ()
