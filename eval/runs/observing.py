"""Asks the questions of a data set and keeps what the subject returns."""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sourcebook.eval.data.question_set import Question, QuestionSet
from sourcebook.eval.runs.subject import Observation, Subject
from sourcebook.index.errors import InputError

Log = Callable[[str, Observation], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """The observations by question id, and the seconds that all of them took."""

    by_question: Mapping[str, Observation]
    seconds: float


def sample(question_set: QuestionSet, limit: int | None, seed: int) -> QuestionSet:
    """`limit` of the questions, drawn at random and kept in their order; all of them for None.

    The same seed draws the same questions for every method. Raises InputError for a limit below 1.
    """
    if limit is not None and limit < 1:
        raise InputError(f"The limit is {limit}; expected at least 1.")
    if limit is None or limit >= len(question_set.questions):
        return question_set
    drawn = {question.id for question in random.Random(seed).sample(question_set.questions, limit)}
    return replace(
        question_set,
        questions=tuple(each for each in question_set.questions if each.id in drawn),
        missing=tuple(each for each in question_set.missing if each.question in drawn),
    )


def observe(
    subject: Subject,
    questions: Iterable[Question],
    known: Mapping[str, Observation] | None = None,
    log: Log | None = None,
) -> Observations:
    """Ask the questions that are not `known` yet; `log` is called with each new observation."""
    found = dict(known or {})
    begun = time.perf_counter()
    for question in questions:
        if question.id not in found:
            found[question.id] = subject.ask(question.text)
            if log:
                log(question.id, found[question.id])
    return Observations(by_question=found, seconds=time.perf_counter() - begun)
