"""Signals, kills and bad starts, tried on a real process: nothing that was accepted is lost."""

import signal
import threading

import httpx2
from house import wait_until


def in_background(call) -> tuple[threading.Thread, list]:
    result: list = []

    def run() -> None:
        try:
            result.append(call())
        except httpx2.TransportError as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, result


def running(url: str) -> bool:
    return "http_requests_running 1.0" in httpx2.get(f"{url}/metrics").text


def refuses(url: str) -> bool:
    try:
        httpx2.get(f"{url}/health/live")
    except httpx2.ConnectError:
        return True
    except httpx2.TransportError:
        return False
    return False


def test_sigterm_unreadies_then_serves_through_the_pause_then_finishes_and_exits_0(start_service):
    service = start_service(DRAIN_PAUSE_SECONDS="2", REQUEST_TIMEOUT_SECONDS="30")
    url = service.url
    service.signal(signal.SIGTERM)
    wait_until(lambda: bool(service.events("draining")), "it to drain")
    slow = [in_background(lambda: httpx2.get(f"{url}/v1/score?seconds=1")) for _ in range(3)]
    ready = httpx2.get(f"{url}/health/ready")
    assert ready.status_code == 503, "the load balancer is told first"
    assert ready.headers["connection"] == "close"
    assert httpx2.get(f"{url}/health/live").status_code == 200
    wait_until(lambda: refuses(url), "the door to close")
    assert service.wait() == 0
    for thread, answer in slow:
        thread.join()
        assert answer[0].status_code == 200, "what was accepted is answered"
    assert service.events("stopped")[0]["clean"] is True


def test_nothing_is_lost_by_callers_who_heed_readiness(start_service):
    service = start_service(DRAIN_PAUSE_SECONDS="1", RATE_LIMIT="100000/second")
    url = service.url
    outcomes: list[int] = []

    def ask() -> None:
        with httpx2.Client(base_url=url) as client:
            while client.get("/health/ready").status_code == 200:
                outcomes.append(client.get("/v1/score?seconds=0.02").status_code)

    callers = [in_background(ask) for _ in range(4)]
    wait_until(lambda: len(outcomes) > 20, "some load")
    service.signal(signal.SIGTERM)
    for thread, error in callers:
        thread.join()
        assert error == [None]
    assert set(outcomes) == {200}
    assert service.wait() == 0


def test_an_open_stream_is_ended_whole_when_it_stops(start_service):
    service = start_service()
    url = service.url

    def read() -> list[str]:
        with httpx2.stream("GET", f"{url}/v1/ticks") as answer:
            return list(answer.iter_lines())

    thread, lines = in_background(read)
    wait_until(lambda: "streams_open 1.0" in httpx2.get(f"{url}/metrics").text, "the stream")
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    thread.join()
    assert isinstance(lines[0], list), "the stream ended as HTTP wants it, not cut off"
    assert lines[0][-1] == "", "after a whole event"


def test_a_second_signal_stops_at_once(start_service):
    service = start_service(DRAIN_PAUSE_SECONDS="60")
    _ = service.url
    service.signal(signal.SIGTERM)
    wait_until(lambda: bool(service.events("draining")), "it to drain")
    service.signal(signal.SIGINT)
    assert service.wait() == 1


def test_what_outlives_the_drain_is_cut_off_and_told(start_service):
    service = start_service(DRAIN_TIMEOUT_SECONDS="1", SAMPLE_STUCK="1")
    url = service.url
    thread, stuck = in_background(lambda: httpx2.get(f"{url}/v1/stuck", timeout=30))
    wait_until(lambda: running(url), "the request to run")
    service.signal(signal.SIGTERM)
    assert service.wait() == 1
    thread.join()
    assert stuck[0].status_code == 503
    assert stuck[0].headers["retry-after"] == "1"
    assert service.events("stopped")[0]["clean"] is False


def test_a_write_killed_in_the_middle_is_done_by_the_retry_after_the_lease(start_service, tmp_path):
    done = tmp_path / "done"
    environment = {
        "SAMPLE_DONE": str(done),
        "REQUEST_TIMEOUT_SECONDS": "3",
        "IDEMPOTENCY_LEASE_SECONDS": "4",
    }
    service = start_service(**environment)
    url = service.url

    def write(url: str) -> httpx2.Response:
        headers = {"idempotency-key": "killed"}
        return httpx2.post(f"{url}/v1/notes", json={"text": "slow"}, headers=headers)

    thread, first = in_background(lambda: write(url))
    wait_until(done.exists, "the write to be under way")
    service.signal(signal.SIGKILL)
    service.wait()
    thread.join()
    assert isinstance(first[0], httpx2.TransportError)

    url = start_service(**environment).url
    statuses = []
    wait_until(
        lambda: statuses.append(write(url).status_code) or statuses[-1] == 201, "the lease to end"
    )
    assert set(statuses) <= {201, 409}
    assert write(url).headers["idempotency-replayed"] == "true"
    assert done.read_text().count("slow") == 2
