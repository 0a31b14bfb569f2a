"""OpenTelemetry traces by FastAPI's own instrumentation, switched on by one setting."""

from collections.abc import Callable, MutableMapping
from typing import Any

from fastapi.telemetry import TelemetryConfig

from .settings import PREFIX, BadSettings, ServingSettings

_OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
_EXPORT_SECONDS = 2.0  # with retries; a collector that is down must not hold up a shutdown
_UNTRACED = ("/health/", "/metrics")


def _untraced(scope: MutableMapping[str, Any]) -> bool:
    return str(scope.get("path", "")).startswith(_UNTRACED)


def configure_telemetry(
    settings: ServingSettings, service: str, version: str
) -> tuple[TelemetryConfig, Callable[[], None]]:
    """Return what FastAPI needs to trace requests, and the function that flushes at the end.

    Spans go to an OTLP/HTTP collector in batches, in a thread of their own. A parent's sampling
    decision wins over the ratio. Raises BadSettings when the extra `otel` is not installed.
    """
    if not settings.otel_enabled:
        return _OFF, lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415
    except ImportError:
        line = (
            f"{PREFIX}OTEL_ENABLED: the OpenTelemetry SDK is not installed; "
            "run `uv sync --extra otel`, or turn the setting off"
        )
        raise BadSettings([line]) from None
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.otel_sample_ratio),
        resource=Resource.create({"service.name": service, "service.version": version}),
        shutdown_on_exit=False,
    )
    endpoint = f"{settings.otel_endpoint.rstrip('/')}/v1/traces"
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    config: TelemetryConfig = {
        "tracer_provider": provider,
        "tracing": True,
        "operation_spans": False,
        "metrics": False,
        "logs": False,
        "exclude": _untraced,
    }
    return config, provider.shutdown
