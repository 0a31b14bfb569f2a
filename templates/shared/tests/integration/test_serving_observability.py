"""What an operator sees: JSON logs with request ids, metrics with bounded labels."""

import io
import json
import logging

import pytest
import structlog
from house import PEPPER, sample_settings
from sample_service import sample_app
from starlette.testclient import TestClient

from portfolio_project import serving
from portfolio_project.serving.keys import mint_key
from portfolio_project.serving.logs import configure_logging


def log_lines(capfd) -> list[dict]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_each_request_is_one_json_line_that_tells_who_what_and_how_long(tmp_path, capfd):
    secret, key = mint_key(frozenset({"*"}), "ci", PEPPER.encode())
    settings = sample_settings(tmp_path, api_keys=(key,), key_pepper=PEPPER)
    with TestClient(sample_app(settings)) as client:
        capfd.readouterr()
        answer = client.get("/v1/notes/7?token=x", headers={"authorization": f"Bearer {secret}"})
        client.get("/health/live")
        client.get("/metrics")
    (line,) = [line for line in log_lines(capfd) if line["event"] == "request"]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/notes/7", 404)
    assert (line["route"], line["principal"]) == ("/v1/notes/{note}", "ci")
    assert line["duration_ms"] > 0
    assert line["timestamp"].endswith("Z")
    assert secret not in json.dumps(line)


def test_libraries_log_in_the_same_form(tmp_path, capfd):
    configure_logging(sample_settings(tmp_path))
    logging.getLogger("somebody.else").warning("disk %s", "full", extra={"free": 0})
    (line,) = log_lines(capfd)
    assert (line["event"], line["level"], line["free"]) == ("disk full", "warning", 0)


def test_the_level_is_a_setting(tmp_path, capfd):
    configure_logging(sample_settings(tmp_path, log_level="warning"))
    structlog.get_logger().info("quiet")
    logging.getLogger("somebody").info("quiet too")
    assert log_lines(capfd) == []


def test_the_console_format_is_for_people(tmp_path, capfd):
    configure_logging(sample_settings(tmp_path, log_format="console"))
    structlog.get_logger().info("hello", name="you")
    text = capfd.readouterr().err
    assert "hello" in text
    assert not text.startswith("{")


def test_a_hostile_path_stays_one_line(tmp_path, capfd):
    with TestClient(sample_app(sample_settings(tmp_path))) as client:
        capfd.readouterr()
        client.get("/v1/%0a%7b%22event%22:%22forged%22%7d")
    lines = log_lines(capfd)
    assert [line["event"] for line in lines if "route" in line] == ["request"]
    assert "forged" not in [line["event"] for line in lines]


def test_a_log_that_can_not_be_written_stops_no_request(tmp_path, monkeypatch):
    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, _data: bytes) -> int:
            raise OSError(28, "No space left on device")

    with TestClient(sample_app(sample_settings(tmp_path))) as client:
        monkeypatch.setattr("sys.stderr", io.TextIOWrapper(Full()))
        assert client.get("/v1/score").status_code == 200
        monkeypatch.undo()


@pytest.fixture
def client(tmp_path):
    slot: serving.ModelSlot[float] = serving.ModelSlot()
    slot.swap("v1", 1.0)
    with TestClient(sample_app(sample_settings(tmp_path, rate_limit="50/hour"), slot)) as client:
        client.slot = slot
        yield client


def scrape(client) -> dict[str, float]:
    text = client.get("/metrics").text
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_requests_are_counted_by_route_template(client):
    for number in range(3):
        client.get(f"/v1/notes/{number}")
    client.get("/v1/fail")
    found = scrape(client)
    assert found['http_requests_total{method="GET",route="/v1/notes/{note}",status="404"}'] == 3
    assert found['http_requests_total{method="GET",route="/v1/fail",status="500"}'] == 1
    count = 'http_request_duration_seconds_count{method="GET",route="/v1/notes/{note}"}'
    assert found[count] == 3


def test_refusals_are_counted_under_their_route_too(client):
    for _ in range(52):
        client.get("/v1/notes/1")
    found = scrape(client)
    assert found['http_requests_total{method="GET",route="/v1/notes/{note}",status="429"}'] == 2


def test_strangers_can_not_make_new_series(client):
    for number in range(20):
        client.get(f"/nothing/{number}")
        client.request(f"M{number}", "/v1/score")
    series = [name for name in scrape(client) if name.startswith("http_requests_total")]
    assert sorted(series) == [
        'http_requests_total{method="GET",route="unmatched",status="404"}',
        'http_requests_total{method="OTHER",route="/v1/score",status="405"}',
    ]


def test_the_serving_model_is_reported_and_the_one_before_is_gone(client):
    assert scrape(client)['model_info{version="v1"}'] == 1
    client.slot.swap("v2", 2.0)
    found = scrape(client)
    assert found['model_info{version="v2"}'] == 1
    assert 'model_info{version="v1"}' not in found
