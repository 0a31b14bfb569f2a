"""Event streams pass at once and without a deadline, hold a place of their own, and are counted."""

import time

import httpx2
import pytest
from house import sample_settings, wait_until
from sample_service import sample_app

from portfolio_project.serving import in_thread


@pytest.fixture
def service(tmp_path):
    settings = sample_settings(
        tmp_path, request_timeout_seconds=0.2, max_concurrency=1, max_streams=2
    )
    app = sample_app(settings)
    with in_thread(app) as url, httpx2.Client(base_url=url) as client:
        client.app = app
        yield client


def test_events_come_one_by_one_and_outlive_the_request_deadline(service):
    with service.stream("GET", "/v1/ticks?count=8&pause=0.05") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = (line for line in answer.iter_lines() if line.startswith("data:"))
        arrived = [time.perf_counter() for _ in events]
    assert len(arrived) == 8
    assert arrived[-1] - arrived[0] > 0.25, "longer than the deadline, and not in one piece"


def test_open_streams_take_no_place_from_requests_and_are_limited(service):
    with service.stream("GET", "/v1/ticks") as first, service.stream("GET", "/v1/ticks") as second:
        assert (first.status_code, second.status_code) == (200, 200)
        assert service.get("/v1/score").status_code == 200
        third = service.get("/v1/ticks")
        assert third.status_code == 503
        assert third.headers["content-type"] == "application/problem+json"
        assert third.headers["retry-after"] == "1"
        assert "http_streams_open 2.0" in service.get("/metrics").text
    wait_until(lambda: service.app.lifecycle.open_streams == 0, "the streams to be given back")
    with service.stream("GET", "/v1/ticks") as again:
        assert again.status_code == 200


def test_a_stream_is_counted_but_its_length_is_not_a_response_time(service):
    service.get("/v1/ticks?count=2&pause=0")
    counted = 'http_requests_total{method="GET",route="/v1/ticks",status="200"} 1.0'
    wait_until(lambda: counted in service.get("/metrics").text, "the stream to be counted")
    text = service.get("/metrics").text
    assert 'http_request_duration_seconds_count{method="GET",route="/v1/ticks"} 0.0' in text
