"""Evaluations as jobs in the background."""

from collections.abc import Iterator
from dataclasses import dataclass

from sourcebook.eval.data.task import Question, Task
from sourcebook.eval.report.report import Report
from sourcebook.eval.runs.run import observe, report_of
from sourcebook.eval.runs.subject import Subject
from sourcebook.service.adding.jobs import Job


@dataclass(slots=True, kw_only=True)
class Evaluation(Job[Report]):
    """One evaluation: `done` of `total` questions were asked."""

    task: Task
    subject: Subject

    @property
    def name(self) -> str:
        """The name of the questions."""
        return self.task.name

    @property
    def method(self) -> str:
        """The method that ranks."""
        return self.subject.method

    @property
    def total(self) -> int:
        """How many questions there are."""
        return len(self.task.questions)

    def work(self) -> Report | None:
        """Ask the questions and measure what comes back."""
        observed = observe(self.subject, self._counted())
        return None if self.over else report_of(self.task, observed, self.subject)

    def _counted(self) -> Iterator[Question]:
        """The questions, counted once they were asked; it ends early when the job is over."""
        for number, question in enumerate(self.task.questions):
            self.done = number
            if self.over:
                return
            yield question
        self.done = self.total
