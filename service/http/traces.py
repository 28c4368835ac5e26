"""Traces of requests in OpenTelemetry's format; needs the extra `traces`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio import to_thread
from fastapi import FastAPI

from sourcebook.index.errors import InputError
from sourcebook.service.seen import Asked, Seen
from sourcebook.service.settings import variable_of

if TYPE_CHECKING:  # an extra, loaded where traces are wanted
    from opentelemetry.context import Context

# Time to hand over the last spans at the end; what a collector has not taken by then is lost.
FLUSH_S = 2


class Traces:
    """A watcher that sends a span for each request, with one for each stage of a question.

    The spans hold times, addresses without what callers choose, and outcomes; never a question.
    """

    def __init__(self, url: str) -> None:
        """Send to the collector at `url`, which speaks OTLP over HTTP.

        What OpenTelemetry's other variables say counts too (service name, headers, sampling).
        Raises `InputError` where the extra is not installed.
        """
        try:
            from opentelemetry import trace  # noqa: PLC0415
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter,
            )
            from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
            from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
                TraceContextTextMapPropagator,
            )
        except ImportError as error:
            raise InputError(
                f"{variable_of('traces_url')} is set, but what sends traces is not installed.",
                cure="Install it: pip install 'sourcebook[traces]'. Or unset the variable.",
            ) from error
        found = Resource.create()
        if str(found.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            found = found.merge(Resource({SERVICE_NAME: "sourcebook"}))
        exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces", timeout=FLUSH_S)
        self._provider = TracerProvider(resource=found, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("sourcebook")
        self._parents = TraceContextTextMapPropagator()
        self._server, self._within = trace.SpanKind.SERVER, trace.set_span_in_context

    def __call__(self, request: Seen) -> None:
        """Send what became of a request, as a child of the caller's span if it named one."""
        parent = self._parents.extract({"traceparent": request.traceparent})
        span = self._tracer.start_span(
            f"{request.method} {request.route}",
            context=parent,
            kind=self._server,
            start_time=_ns(request.begun),
            attributes={
                "http.request.method": request.method,
                "http.route": request.route,
                "http.response.status_code": request.status,
                "http.response.body.size": request.bytes,
                "sourcebook.request_id": request.request_id,
            },
        )
        for asked in request.asked:
            self._question(asked, self._within(span))
        span.end(_ns(request.begun + request.seconds))

    def _question(self, asked: Asked, parent: "Context") -> None:
        """A span for the question, and in it one for each stage.

        The stages' lengths are measured; that each begins where the one before ends is assumed.
        """
        span = self._tracer.start_span(
            "question",
            context=parent,
            start_time=_ns(asked.begun),
            attributes={"sourcebook.outcome": asked.outcome},
        )
        at, stages = asked.begun, {"wait": asked.waited, **asked.stages}
        for name, seconds in stages.items():
            stage = self._tracer.start_span(name, context=self._within(span), start_time=_ns(at))
            at += seconds
            stage.end(_ns(at))
        span.end(_ns(asked.begun + asked.seconds))

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[Mapping[str, object]]:
        """Send the last spans when the application ends."""
        try:
            yield {}
        finally:
            await to_thread.run_sync(self._provider.shutdown)


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
