"""Prometheus metrics with a bounded set of labels: route templates, never paths."""

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from .model_slot import ModelSlot

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _ModelInfo:
    """Reads the served version when scraped, so that a swap leaves no stale series behind."""

    def __init__(self, slot: ModelSlot[Any]) -> None:
        self._slot = slot

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily("model_info", "The model that serves", labels=["version"])
        if self._slot.loaded:
            family.add_metric([self._slot.current.version], 1)
        yield family


class Metrics:
    """The service's metrics, in a registry of its own; families add theirs to `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests",
            "Answered requests",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer; event streams are not in it",
            ["method", "route"],
            registry=self.registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def watch_model(self, slot: ModelSlot[Any]) -> None:
        """Report the version in `slot`."""
        self.registry.register(_ModelInfo(slot))

    def gauge(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Report a number that is read when the metrics are scraped."""
        Gauge(name, documentation, registry=self.registry).set_function(read)

    def count(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """Count one answer; `seconds` is None for a stream, whose length says nothing."""
        label = (method if method in _METHODS else "OTHER", route, status)
        children = self._children.get(label)
        if children is None:
            children = self._children[label] = (
                self._requests.labels(label[0], route, str(status)),
                self._seconds.labels(label[0], route),
            )
        children[0].inc()
        if seconds is not None:
            children[1].observe(seconds)

    async def endpoint(self, _request: Request) -> Response:
        """Answer a scrape in Prometheus' text format."""
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
