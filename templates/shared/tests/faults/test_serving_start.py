"""Bad starts are told in one line, bad callers harm only themselves, and no answer is held back."""

import socket
import time
from contextlib import asynccontextmanager

import httpx2
import pytest
from house import sample_settings, wait_until
from sample_service import sample_app

from portfolio_project.serving import (
    BadSettings,
    ModelSlot,
    in_thread,
    serve,
)
from portfolio_project.serving.protocol import MAX_HEAD_BYTES


def test_no_answer_on_a_kept_connection_waits_for_an_acknowledgement(start_service):
    with httpx2.Client(base_url=start_service().url) as client:
        taken: list[float] = []
        for _ in range(40):
            start = time.perf_counter()
            assert client.get("/health/live").status_code == 200
            taken.append(time.perf_counter() - start)
    # Linux acknowledges the first packets at once, and a delayed one after 40 ms.
    assert sorted(taken[20:])[5] < 0.03


def test_a_port_in_use_is_one_line_that_says_what_to_set(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        settings = sample_settings(tmp_path, port=holder.getsockname()[1])
        with pytest.raises(BadSettings) as caught:
            serve(sample_app(settings), settings)
    (line,) = caught.value.lines
    assert "PORT: can't listen on 127.0.0.1:" in line
    assert "to a free port, or 0 for any" in line


def test_a_model_that_fails_its_warm_up_stops_the_start_and_says_why_in_one_line(tmp_path, capfd):
    def warm_up(_model: float) -> None:
        raise ArithmeticError("scored the known input as 1e9, expected 0.5")

    slot: ModelSlot[float] = ModelSlot(warm_up)

    @asynccontextmanager
    async def load_model(_app):
        slot.swap("v1", 1.0)
        yield

    settings = sample_settings(tmp_path, port=0)
    assert serve(sample_app(settings, slot, lifespan=load_model), settings) == 1
    text = capfd.readouterr().err
    assert "The service can't start" in text
    assert "model v1 failed its warm-up: ArithmeticError: scored the known input" in text
    assert "Traceback" not in text


@pytest.fixture
def url(tmp_path):
    with in_thread(sample_app(sample_settings(tmp_path, max_concurrency=2))) as url:
        yield url


def test_what_is_not_http_is_answered_with_a_problem(url):
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"\x16\x03\x01 not http at all\r\n\r\n")
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
    assert httpx2.get(f"{url}/health/live").status_code == 200


def test_a_head_without_end_is_refused_before_it_fills_the_memory(url):
    port = int(url.rpartition(":")[2])
    head = b"GET /health/live HTTP/1.1\r\nhost: a\r\nx-long: "
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head + b"a" * (MAX_HEAD_BYTES - len(head)))
        time.sleep(0.1)
        connection.sendall(b"a")
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in answer
    assert httpx2.get(f"{url}/health/live", headers={"x-long": "a" * 60_000}).status_code == 200


def test_head_and_body_of_an_answer_come_in_one_piece(url):
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as one:
        for _ in range(20):
            one.sendall(b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n")
            answer = one.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert answer.endswith(b'{"status":"live"}')


def test_a_caller_that_goes_away_gives_its_place_back(url):
    for _ in range(4):
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.get(f"{url}/v1/score?seconds=0.2", timeout=0.05)
        time.sleep(0.2)
    score = f"{url}/v1/score"
    wait_until(lambda: httpx2.get(score).status_code == 200, "a place to be free")
