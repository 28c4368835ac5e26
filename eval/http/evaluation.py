"""An evaluation as a job in the background."""

from collections.abc import Iterator
from dataclasses import dataclass

from sourcebook.eval.data.question_set import Question, QuestionSet
from sourcebook.eval.report.document import Report
from sourcebook.eval.runs.observing import observe
from sourcebook.eval.runs.scoring import report_of
from sourcebook.eval.runs.subject import Subject
from sourcebook.service.adding.jobs import Job


@dataclass(slots=True, kw_only=True)
class Evaluation(Job[Report]):
    """One evaluation; `done` of `total` questions have been asked."""

    question_set: QuestionSet
    subject: Subject

    @property
    def name(self) -> str:
        """The name of the question set."""
        return self.question_set.name

    @property
    def method(self) -> str:
        """The ranking method."""
        return self.subject.method

    @property
    def total(self) -> int:
        """The number of questions."""
        return len(self.question_set.questions)

    def work(self) -> Report | None:
        """Ask the questions and score them; None if the job was cancelled."""
        observed = observe(self.subject, self._counted())
        return None if self.over else report_of(self.question_set, observed, self.subject)

    def _counted(self) -> Iterator[Question]:
        """The questions, counted after they were asked; ends early if the job is cancelled."""
        for number, question in enumerate(self.question_set.questions):
            self.done = number
            if self.over:
                return
            yield question
        self.done = self.total
