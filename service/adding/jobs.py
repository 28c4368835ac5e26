"""Runs jobs in the background, one at a time, with progress and cancellation."""

import logging
import queue
import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sourcebook.index.errors import BusyError, NotFoundError, SourcebookError

# Jobs kept; a new one replaces the oldest that has ended.
REMEMBERED = 50

log = logging.getLogger(__name__)


class JobStatus(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OVER = (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)

Result = TypeVar("Result")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(slots=True, kw_only=True)
class Job(ABC, Generic[Result]):
    """A job; `done` of `total` units are done, and `problem` says why it failed."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    status: JobStatus = JobStatus.QUEUED
    done: int = 0
    created: str = field(default_factory=_now)
    started: str | None = None
    finished: str | None = None
    problem: str | None = None
    result: Result | None = None

    @property
    @abstractmethod
    def total(self) -> int:
        """The number of units of work."""

    @property
    def over(self) -> bool:
        """Whether it is done, failed or cancelled."""
        return self.status in OVER

    @abstractmethod
    def work(self) -> Result | None:
        """Do the work and count what is `done`; return None early if the job is `over`."""


Kind = TypeVar("Kind", bound="Job[Any]")


class Jobs(Generic[Kind]):
    """Runs jobs one after another in its own thread; they are lost when the process ends."""

    def __init__(self, kind: str, where: str) -> None:
        """Start without jobs; the thread starts with the first.

        Errors name the `kind` of job, a noun, and `where`, the address that lists them.
        """
        self.kind = kind
        self._where = where
        self._jobs: dict[str, Kind] = {}
        self._waiting: queue.Queue[Kind] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, make: Callable[[], Kind]) -> Kind:
        """Queue the job that `make` returns. Raises `BusyError` if too many are unfinished."""
        with self._lock:
            self._make_room()
        job = make()
        with self._lock:
            self._jobs[job.id] = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self.kind, daemon=True)
                self._thread.start()
        self._waiting.put(job)
        return job

    def all(self) -> list[Kind]:
        """All jobs that are kept, newest first."""
        with self._lock:
            return list(self._jobs.values())[::-1]

    def get(self, wanted: str) -> Kind:
        """The job with that id. Raises `NotFoundError` if there is none."""
        with self._lock:
            if wanted not in self._jobs:
                raise NotFoundError(
                    f"There is no {self.kind} {wanted!r}.",
                    cure=f"GET {self._where} lists them. Restarting the server deletes them.",
                )
            return self._jobs[wanted]

    def cancel(self, wanted: str) -> Kind:
        """Stop a job that is queued or running; delete one that is over."""
        job = self.get(wanted)
        with self._lock:
            if job.over:
                self._jobs.pop(wanted, None)
            else:
                self._end(job, JobStatus.CANCELLED)
        return job

    def _make_room(self) -> None:
        over = [job.id for job in self._jobs.values() if job.over]
        if len(self._jobs) >= REMEMBERED and not over:
            raise BusyError(
                f"{len(self._jobs)} {self.kind}s are waiting; the limit is {REMEMBERED}.",
                cure="Wait for some to finish, or cancel some.",
            )
        if len(self._jobs) >= REMEMBERED:
            del self._jobs[over[0]]

    def _work(self) -> None:
        while True:
            self._run(self._waiting.get())

    def _run(self, job: Kind) -> None:
        with self._lock:
            if job.over:
                return
            job.status, job.started = JobStatus.RUNNING, _now()
        try:
            result = job.work()
        except SourcebookError as error:
            self._failed(job, str(error))
        except Exception:
            # A bug: the thread must survive it, and the user must be told.
            log.exception("%s %s failed", self.kind, job.id)
            self._failed(job, "Something went wrong in Sourcebook; the log has details.")
        else:
            with self._lock:
                if not job.over:
                    job.result = result
                    self._end(job, JobStatus.DONE)

    def _failed(self, job: Kind, problem: str) -> None:
        with self._lock:
            if not job.over:
                job.problem = problem
                self._end(job, JobStatus.FAILED)

    def _end(self, job: Kind, status: JobStatus) -> None:
        job.status, job.finished = status, _now()
