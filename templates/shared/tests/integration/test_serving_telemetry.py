"""Traces: off unless switched on, sampled, sent to a collector; one line without the SDK."""

import sys

import pytest
from house import sample_settings
from receiver import receiver
from sample_service import sample_app
from starlette.testclient import TestClient

from portfolio_project.serving import BadSettings


@pytest.fixture
def collector():
    with receiver() as server:
        yield server


def spans_of(collector, tmp_path, *requests, ratio=1.0):
    settings = sample_settings(
        tmp_path,
        otel_enabled=True,
        otel_endpoint=collector.url,
        otel_sample_ratio=ratio,
    )
    with TestClient(sample_app(settings)) as client:
        for path, headers in requests:
            client.get(path, headers=headers)
    return [span for _, span in collector.spans()]


def test_a_request_is_a_span_under_the_caller_s_trace_and_the_log_names_it(
    collector, tmp_path, capfd
):
    trace = "0af7651916cd43dd8448eb211c80319c"
    parent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    spans = spans_of(collector, tmp_path, ("/v1/notes/7", parent), ("/health/live", {}))
    (span,) = spans
    assert span.name == "GET /v1/notes/{note}"
    assert span.trace_id.hex() == trace
    values = {a.key: a.value for a in span.attributes}
    assert values["http.response.status_code"].int_value == 404
    assert f'"trace_id":"{trace}"' in capfd.readouterr().err


def test_the_ratio_decides_for_those_who_bring_no_decision(collector, tmp_path):
    kept = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    requests = [("/v1/score", {})] * 10 + [("/v1/score", kept)]
    assert len(spans_of(collector, tmp_path, *requests, ratio=0.0)) == 1


def test_nothing_is_sent_unless_it_is_switched_on(collector, tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    with TestClient(sample_app(sample_settings(tmp_path))) as client:
        client.get("/v1/score")
    assert collector.received == []


def test_a_collector_that_is_down_stops_no_request(tmp_path, unused_port):
    settings = sample_settings(
        tmp_path, otel_enabled=True, otel_endpoint=f"http://127.0.0.1:{unused_port}"
    )
    with TestClient(sample_app(settings)) as client:
        assert client.get("/v1/score").status_code == 200


def test_without_the_sdk_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(BadSettings) as caught:
        sample_app(sample_settings(tmp_path, otel_enabled=True))
    (line,) = caught.value.lines
    assert "uv sync --extra otel" in line
