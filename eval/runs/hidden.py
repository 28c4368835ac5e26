"""Asks answerable questions again with the articles hidden that answer them: nothing does then."""

from collections.abc import Mapping

from sourcebook.eval.data.question_set import QuestionSet
from sourcebook.eval.measures.abstention import auroc
from sourcebook.eval.report.document import ANSWERED, Hidden
from sourcebook.eval.runs.subject import EngineSubject, Observation


def ask_hidden(
    question_set: QuestionSet, subject: EngineSubject, observed: Mapping[str, Observation]
) -> Hidden | None:
    """Ask again, and compare with what was `observed` (question id -> observation).

    None if no question has articles that answer it. Articles that nobody judged stay, and may
    answer all the same.
    """
    shown, hidden, answered = [], [], 0
    for question in question_set.questions:
        if question.answerable and question.relevant and question.id in observed:
            without = tuple(each for each, grade in question.relevant.items() if grade > 0)
            again = subject.ask(question.text, without)
            shown.append(observed[question.id].confidence or 0.0)
            hidden.append(again.confidence or 0.0)
            answered += again.status in ANSWERED
    if not hidden:
        return None
    truth = [True] * len(shown) + [False] * len(hidden)
    return Hidden(
        asked=len(hidden), answered=answered / len(hidden), auroc=auroc([*shown, *hidden], truth)
    )
