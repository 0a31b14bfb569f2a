"""OpenTelemetry spans of a worker: one tree for each ticket, from the request that opened it.

pydantic-ai writes the spans of agents, model calls and tools, by the conventions for generative AI
(https://opentelemetry.io/docs/specs/semconv/gen-ai/). What is added here ties them together across
processes: the request's trace travels with the ticket through the queue.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.trace import NoOpTracer, Span, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ..about import about
from ..serving.telemetry import configure_telemetry
from ..settings import Settings

if TYPE_CHECKING:
    from pydantic_ai.models.instrumented import InstrumentationSettings

_PACKAGE = str(__package__).partition(".")[0]
_HEADER = "traceparent"
_w3c = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class Tracing:
    """What a worker traces with; without a collector nothing is recorded."""

    tracer: Tracer
    instrumentation: "InstrumentationSettings | None"


@contextmanager
def tracing(settings: Settings) -> Generator[Tracing]:
    """Yield what a worker traces with, and send what is left when it ends.

    Raises:
        BadSettings: traces are wanted and the extra `otel` is not installed.
    """
    words = about()
    config, flush = configure_telemetry(settings, f"{words['title']} worker", version(_PACKAGE))
    provider = config.get("tracer_provider")
    if provider is None:
        yield Tracing(NoOpTracer(), None)
        return
    # The API hands traces on as well, and has no agent to load for it.
    from pydantic_ai.models.instrumented import InstrumentationSettings  # noqa: PLC0415

    instrumentation = InstrumentationSettings(
        tracer_provider=provider, include_content=settings.otel_content
    )
    try:
        yield Tracing(provider.get_tracer(_PACKAGE), instrumentation)
    finally:
        flush()


def current_trace() -> str:
    """Return the W3C name of the span that is current, to hand on; "" where there is none."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier)
    return carrier.get(_HEADER, "")


@contextmanager
def ticket_span(tracer: Tracer, tenant: str, ticket: str, trace: str) -> Generator[Span]:
    """Span the work on a ticket, under the span named by `trace`.

    A worker that takes a ticket up again begins another such span in the same trace; what was
    finished before it is not reported a second time.
    """
    parent = _w3c.extract({_HEADER: trace}) if trace else None
    told = {"desk.tenant": tenant, "desk.ticket": ticket}
    with tracer.start_as_current_span("work ticket", context=parent, attributes=told) as span:
        yield span
