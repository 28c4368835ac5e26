"""Evaluations in the background: one at a time, each with progress, cancellable."""

import logging
import queue
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from eval.report import Report
from eval.run import observe, report_of
from eval.subject import Subject
from eval.task import Question, Task
from index.errors import BusyError, NotFoundError, SourcebookError

# So many jobs are remembered; the oldest that has ended makes room for a new one.
REMEMBERED = 50

log = logging.getLogger(__name__)


class JobStatus(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OVER = (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(slots=True, kw_only=True)
class Job:
    """One evaluation. `done` of `total` questions were asked; `problem` says why it failed."""

    task: Task
    subject: Subject
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    status: JobStatus = JobStatus.QUEUED
    done: int = 0
    created: str = field(default_factory=_now)
    started: str | None = None
    finished: str | None = None
    problem: str | None = None
    report: Report | None = None

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


class Jobs:
    """Runs jobs one after the other in a thread of its own; they live as long as the process."""

    def __init__(self) -> None:
        """Begin without jobs; the thread begins with the first of them."""
        self._jobs: dict[str, Job] = {}
        self._waiting: queue.Queue[Job] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, make: Callable[[], Job]) -> Job:
        """Queue the job that `make` makes. Raises BusyError while too many have not ended."""
        with self._lock:
            self._make_room()
        job = make()
        with self._lock:
            self._jobs[job.id] = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="evaluations", daemon=True)
                self._thread.start()
        self._waiting.put(job)
        return job

    def all(self) -> list[Job]:
        """The jobs that are remembered, the newest first."""
        with self._lock:
            return list(self._jobs.values())[::-1]

    def get(self, wanted: str) -> Job:
        """The job of that id; `NotFoundError` if there is none."""
        with self._lock:
            if wanted not in self._jobs:
                raise NotFoundError(
                    f"There is no evaluation {wanted!r}.",
                    cure="GET /v1/evaluations lists them; a restart of the server forgets them.",
                )
            return self._jobs[wanted]

    def cancel(self, wanted: str) -> Job:
        """Stop a job that is queued or running; one that is over is forgotten."""
        job = self.get(wanted)
        with self._lock:
            if job.status in OVER:
                self._jobs.pop(wanted, None)
            else:
                self._end(job, JobStatus.CANCELLED)
        return job

    def _make_room(self) -> None:
        over = [job.id for job in self._jobs.values() if job.status in OVER]
        if len(self._jobs) >= REMEMBERED and not over:
            raise BusyError(
                f"{len(self._jobs)} evaluations are waiting; expected at most {REMEMBERED}.",
                cure="Wait for some to end, or cancel them.",
            )
        if len(self._jobs) >= REMEMBERED:
            del self._jobs[over[0]]

    def _work(self) -> None:
        while True:
            self._run(self._waiting.get())

    def _run(self, job: Job) -> None:
        with self._lock:
            if job.status in OVER:
                return
            job.status, job.started = JobStatus.RUNNING, _now()
        try:
            observed = observe(job.subject, _counted(job))
            if job.status in OVER:
                return
            report = report_of(job.task, observed, job.subject)
        except SourcebookError as error:
            self._failed(job, str(error))
        except Exception:
            # A defect: the thread must survive it, and whoever waits must hear of it.
            log.exception("evaluation %s failed", job.id)
            self._failed(job, "Something went wrong within Sourcebook; the log has the details.")
        else:
            with self._lock:
                if job.status not in OVER:
                    job.report = report
                    self._end(job, JobStatus.DONE)

    def _failed(self, job: Job, problem: str) -> None:
        with self._lock:
            if job.status not in OVER:
                job.problem = problem
                self._end(job, JobStatus.FAILED)

    def _end(self, job: Job, status: JobStatus) -> None:
        job.status, job.finished = status, _now()


def _counted(job: Job) -> Iterator[Question]:
    """The job's questions, counted once they were asked; it ends early when the job is over."""
    for number, question in enumerate(job.task.questions):
        job.done = number
        if job.status in OVER:
            return
        yield question
    job.done = job.total
