"""The metrics at `/metrics`, in the format of Prometheus; each application has its own."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from sourcebook.service.access.roles import Role
from sourcebook.service.adding.jobs import Jobs, JobStatus
from sourcebook.service.answering import Answering
from sourcebook.service.http.health import Check, Checks, Facts, State
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.http.rules import Lane, reads
from sourcebook.service.seen import Seen

# A question takes some 20 ms to a second, a listing less than a millisecond (docs/performance.md).
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

Families = Iterator[GaugeMetricFamily | CounterMetricFamily]


class JobsRouter(APIRouter):
    """Routes that run jobs in the background, which the metrics count."""

    def __init__(self, jobs: Jobs[Any], **options: Any) -> None:
        """As `APIRouter`, for what runs `jobs`."""
        super().__init__(**options)
        self.jobs = jobs


class Metrics:
    """What this process has counted since it started; `begun` and `ended` watch its requests.

    Answers of other worker processes count as well, because this one hands them out. Memory, files
    and threads are those of this process alone.
    """

    def __init__(self, now: Callable[[], Families]) -> None:
        """Start at 0; `now` tells what is looked up whenever the metrics are read."""
        disable_created_metrics()  # type: ignore[no-untyped-call] # they would be one more number for each
        self.registry = registry = CollectorRegistry()
        self._open = Gauge(
            "sourcebook_http_requests_open", "Requests being answered now.", registry=registry
        )
        self._requests = Counter(
            "sourcebook_http_requests",
            "Requests by template of the address, method and status.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "sourcebook_http_request_seconds",
            "Time until the whole response was sent.",
            ("route", "method"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._questions = Counter(
            "sourcebook_questions",
            "Questions by outcome: the status of the answer, or found for a search.",
            ("outcome",),
            registry=registry,
        )
        self._stages = Histogram(
            "sourcebook_stage_seconds",
            "Time that a stage of a question took; wait is the time without a free seat.",
            ("stage",),
            buckets=BUCKETS,
            registry=registry,
        )
        for outcome in ("answered", "related", "not_in_library"):
            self._questions.labels(outcome)  # so that a rate of them begins at 0
        ProcessCollector(registry=registry)
        registry.register(_Now(now))

    def begun(self, request: Seen) -> None:
        """Count a request that begins."""
        self._open.inc()

    def ended(self, request: Seen) -> None:
        """Count a request that ended, and the questions that it asked."""
        self._open.dec()
        self._requests.labels(request.route, request.method, request.status).inc()
        self._seconds.labels(request.route, request.method).observe(request.seconds)
        for asked in request.asked:
            self._questions.labels(asked.outcome).inc()
            for stage, seconds in [*asked.stages.items(), ("wait", asked.waited)]:
                self._stages.labels(stage).observe(seconds)

    def text(self) -> bytes:
        """All metrics in the text format."""
        return generate_latest(self.registry)


class _Now(Collector):
    """Metrics that are looked up when they are read."""

    def __init__(self, now: Callable[[], Families]) -> None:
        self._now = now

    def collect(self) -> Iterable[Any]:
        return self._now()

    def describe(self) -> Iterable[Any]:
        return ()  # nothing is looked up before it is asked for


def metrics_router(metrics: Metrics) -> APIRouter:
    """The address `/metrics`."""
    routes = APIRouter(dependencies=PLAIN, include_in_schema=False)
    one_thread = CapacityLimiter(1)  # of its own: it answers when all others are taken

    @routes.get("/metrics")
    @reads(Role.ASKER, Lane.NONE)
    async def read() -> Response:
        """All metrics, for Prometheus."""
        text = await to_thread.run_sync(metrics.text, limiter=one_thread)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes


def present(answering: Answering, checks: Checks, jobs: Sequence[Jobs[Any]]) -> Families:
    """What there is right now: checks, library, workers, jobs, model and threads."""
    version = metadata.version("sourcebook")
    yield _one("sourcebook_info", "The version.", 1, version=version)
    found, facts = checks.look()
    yield _checks(found)
    if facts:  # else the check of the library says why it cannot be read
        yield from _library(facts)
    yield from _workers(answering)
    yield _jobs(jobs)
    yield _model(answering)
    yield _one("sourcebook_threads", "Threads that run Python.", threading.active_count())


def _one(name: str, about: str, value: float, **labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), value)
    return family


def _many(name: str, about: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


def _checks(found: Sequence[Check]) -> GaugeMetricFamily:
    values: dict[str, float] = {one.name: one.state is State.OK for one in found}
    about = "1 where a check of /readyz is ok, 0 where it warns or failed."
    return _many("sourcebook_check_ok", about, "check", values)


def _library(facts: Facts) -> Families:
    counts, upgrade = facts.counts, facts.upgrade
    about = "Grows with every committed change."
    yield _one("sourcebook_library_generation", about, facts.generation)
    yield _one("sourcebook_library_articles", "Articles, copies included.", counts["articles"])
    yield _one("sourcebook_library_passages", "Passages.", counts["passages"])
    about = "Sources that could not be added."
    yield _one("sourcebook_library_failures", about, counts["failures"])
    about = "Size on disk of the database and of each index."
    yield _many("sourcebook_library_bytes", about, "part", facts.sizes)
    about = "1 while the library is being upgraded to another encoder."
    yield _one("sourcebook_library_upgrading", about, bool(upgrade))
    about = "Part of the passages that the upgrade has encoded."
    done = upgrade.done / max(1, upgrade.total) if upgrade else 1.0
    yield _one("sourcebook_library_upgrade_ratio", about, done)


def _workers(answering: Answering) -> Families:
    load = answering.load
    about = "Processes that answer questions, this one included."
    yield _one("sourcebook_processes", about, load.processes)
    about = "Most processes that may answer questions."
    yield _one("sourcebook_processes_most", about, load.most)
    about = "Questions that wait for a free seat."
    yield _one("sourcebook_questions_waiting", about, load.waiting)
    about = "Worker processes that ended, hung or could not start."
    lost = CounterMetricFamily("sourcebook_workers_lost", about)
    lost.add_metric((), load.lost)
    yield lost


def _jobs(kinds: Sequence[Jobs[Any]]) -> GaugeMetricFamily:
    about = "Jobs that are remembered, by kind and status."
    family = GaugeMetricFamily("sourcebook_jobs", about, labels=("kind", "status"))
    for jobs in kinds:
        found = [job.status for job in jobs.all()]
        for status in JobStatus:
            family.add_metric((jobs.kind, status), found.count(status))
    return family


def _model(answering: Answering) -> GaugeMetricFamily:
    engine = answering.engine
    return _one(
        "sourcebook_model_info",
        "The models that answer: encoder, fingerprint of the reader, and writer.",
        1,
        encoder=engine.library.encoder.name,
        reader=engine.reader.fingerprint[:16] if engine.reader else "",
        writer=answering.writer.model if answering.writer else "",
    )
