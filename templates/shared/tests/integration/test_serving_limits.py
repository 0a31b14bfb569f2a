"""Rate, concurrency and time are limited, and the answer says when to come back."""

import asyncio
import time

import httpx2
import pytest
from house import PEPPER, sample_settings
from sample_service import sample_app
from starlette.testclient import TestClient

from portfolio_project.serving import rate_limit
from portfolio_project.serving.keys import mint_key


def gather(app, *paths: str) -> list[httpx2.Response]:
    """Send requests at the same time."""

    async def run() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            return await asyncio.gather(*(client.get(path) for path in paths))

    return asyncio.run(run())


def test_the_rate_limit_is_for_each_caller_and_tells_how_much_is_left(tmp_path):
    first, first_key = mint_key(frozenset({"*"}), "first", PEPPER.encode())
    second, second_key = mint_key(frozenset({"*"}), "second", PEPPER.encode())
    settings = sample_settings(
        tmp_path, api_keys=(first_key, second_key), key_pepper=PEPPER, rate_limit="3/hour"
    )
    with TestClient(sample_app(settings)) as client:

        def score(key: str):
            return client.get("/v1/score", headers={"authorization": f"Bearer {key}"})

        answers = [score(first) for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=3600'
        assert [a.headers["ratelimit"].split(";")[1] for a in answers] == [
            "r=2",
            "r=1",
            "r=0",
            "r=0",
        ]
        assert 1 <= int(answers[3].headers["retry-after"]) <= 3600
        assert answers[3].json()["type"] == "urn:problem:rate-limited"
        assert score(second).status_code == 200
        assert client.get("/health/live").status_code == 200


def test_guessing_keys_is_limited(tmp_path):
    _, key = mint_key(frozenset({"*"}), "ci", PEPPER.encode())
    settings = sample_settings(tmp_path, api_keys=(key,), key_pepper=PEPPER, rate_limit="3/hour")
    with TestClient(sample_app(settings)) as client:
        guesses = [
            client.get("/v1/score", headers={"authorization": f"Bearer sk_{n:08x}_{n:064x}"})
            for n in range(5)
        ]
    assert [g.status_code for g in guesses[3:]] == [429, 429]


def test_a_failing_store_of_limits_lets_requests_pass(tmp_path, monkeypatch, capfd):
    async def fail(*_arguments):
        raise ValueError("what this store raises")

    settings = sample_settings(tmp_path, rate_limit_storage="async+memory://", rate_limit="1/hour")
    with TestClient(sample_app(settings)) as client:
        assert [client.get("/v1/score").status_code for _ in range(2)] == [200, 429]
        monkeypatch.setattr(rate_limit.SlidingWindowCounterRateLimiter, "hit", fail)
        assert client.get("/v1/score").status_code == 200
    assert "rate_limit_store_failed" in capfd.readouterr().err


def test_too_many_at_once_are_turned_away_with_retry_after(tmp_path):
    app = sample_app(sample_settings(tmp_path, max_concurrency=3))
    answers = gather(app, *["/v1/score?seconds=0.2"] * 8)
    refused = [a for a in answers if a.status_code == 503]
    assert sum(a.status_code == 200 for a in answers) == 3
    assert len(refused) == 5
    assert all(a.headers["retry-after"] == "1" for a in refused)
    assert refused[0].json()["type"] == "urn:problem:overloaded"
    assert [a.status_code for a in gather(app, *["/v1/score"] * 3)] == [200] * 3


def test_health_answers_under_full_load(tmp_path):
    app = sample_app(sample_settings(tmp_path, max_concurrency=1))
    answers = gather(app, "/v1/score?seconds=0.2", "/health/live", "/metrics")
    assert [a.status_code for a in answers] == [200, 200, 200]


@pytest.mark.parametrize("path", ["/v1/score?seconds=1", "/v1/thread?seconds=0.5"])
def test_a_slow_route_is_answered_for_in_time(tmp_path, path):
    app = sample_app(sample_settings(tmp_path, request_timeout_seconds=0.1, max_concurrency=1))
    started = time.perf_counter()
    (answer,) = gather(app, path)
    assert answer.status_code == 504
    assert answer.json()["detail"] == "No answer within 0.1 s."
    assert time.perf_counter() - started < 3
    assert [a.status_code for a in gather(app, "/v1/score")] == [200], "its place is free again"


def test_a_thread_that_overruns_keeps_its_place_until_it_ends(tmp_path):
    app = sample_app(sample_settings(tmp_path, request_timeout_seconds=0.1, max_concurrency=1))

    async def run() -> tuple[int, ...]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            slow = asyncio.create_task(client.get("/v1/thread?seconds=0.6"))
            await asyncio.sleep(0.3)
            during = await client.get("/v1/score")
            await slow
            after = await client.get("/v1/score")
            return slow.result().status_code, during.status_code, after.status_code

    assert asyncio.run(run()) == (504, 503, 200)
