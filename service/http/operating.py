"""What operators see of an application: health, metrics, request ids, log and traces."""

from collections.abc import Sequence
from threading import Event
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from sourcebook.service.adding.jobs import Jobs
from sourcebook.service.answering import Answering
from sourcebook.service.http.health import Checks, health_router
from sourcebook.service.http.metrics import JobsRouter, Metrics, metrics_router, present
from sourcebook.service.http.rules import Address
from sourcebook.service.http.traces import Traces
from sourcebook.service.http.watching import RequestLog, Watched, Watcher
from sourcebook.service.settings import Settings


class Operating:
    """The watchers of one application; `draining` is set as soon as the server is to stop."""

    def __init__(self, answering: Answering, settings: Settings) -> None:
        """Watch an application that serves `answering`. Raises what `Traces` raises."""
        self.draining = Event()
        self._checks = Checks(answering, self.draining)
        self._jobs: list[Jobs[Any]] = []
        self._metrics = Metrics(lambda: present(answering, self._checks, self._jobs))
        self._log = RequestLog(slow_ms=settings.slow_question_ms, questions=settings.log_questions)
        self._traces = Traces(settings.traces_url) if settings.traces_url else None

    def install(self, app: FastAPI, routers: Sequence[APIRouter]) -> None:
        """Add the addresses for operators, and count the jobs of `routers`."""
        self._jobs += [one.jobs for one in routers if isinstance(one, JobsRouter)]
        app.include_router(health_router(self._checks))
        app.include_router(metrics_router(self._metrics))
        if self._traces:
            app.include_router(APIRouter(lifespan=self._traces.lifespan))

    def watched(self, app: ASGIApp, addresses: Sequence[Address]) -> ASGIApp:
        """The application with these addresses, watched."""
        ended: list[Watcher] = [self._metrics.ended, self._log]
        if self._traces:
            ended.append(self._traces)
        return Watched(app, addresses, begun=[self._metrics.begun], ended=ended)
