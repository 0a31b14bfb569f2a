"""A write that is sent twice under one Idempotency-Key happens once."""

import asyncio
import sqlite3

import httpx2
import pytest
from house import sample_settings
from sample_service import DONE, sample_app
from starlette.testclient import TestClient


@pytest.fixture
def settings(tmp_path):
    return sample_settings(tmp_path)


@pytest.fixture
def client(settings):
    with TestClient(sample_app(settings)) as client:
        yield client


def write(client, text: str, key: str = "key-1", **options):
    return client.post(
        "/v1/notes", json={"text": text}, headers={"idempotency-key": key}, **options
    )


def test_a_retry_gets_the_first_answer_and_does_nothing(client):
    first, again = write(client, "once"), write(client, "once")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert DONE.count("once") == 1


def test_other_keys_and_no_key_write_again(client):
    write(client, "again", "key-1")
    write(client, "again", "key-2")
    client.post("/v1/notes", json={"text": "again"})
    assert DONE.count("again") == 3


def test_the_answer_survives_a_restart(settings):
    for _ in range(2):
        with TestClient(sample_app(settings)) as client:
            assert write(client, "restarted").status_code == 201
    assert DONE.count("restarted") == 1


@pytest.mark.parametrize("change", [{"json": {"text": "other"}}, {"params": {"dry": "1"}}])
def test_the_key_with_another_request_is_refused(client, change):
    write(client, "first")
    request = {"json": {"text": "first"}, "headers": {"idempotency-key": "key-1"}} | change
    response = client.post("/v1/notes", **request)
    assert response.status_code == 422
    assert response.json()["type"] == "urn:problem:idempotency-key-reused"


def test_a_request_in_flight_is_not_repeated(settings):
    async def run() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(sample_app(settings))
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            return await asyncio.gather(*(write(client, "slow") for _ in range(5)))

    answers = asyncio.run(run())
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409, 409]
    assert DONE.count("slow") == 1
    refused = next(a for a in answers if a.status_code == 409)
    assert refused.headers["retry-after"] == "1"


def test_an_invalid_request_does_not_spend_the_key(client):
    assert write(client, "x" * 101).status_code == 422
    assert write(client, "corrected").status_code == 201


def test_a_failure_does_not_spend_the_key(client):
    assert write(client, "broken").status_code == 500
    assert write(client, "broken").status_code == 500
    assert DONE.count("broken") == 2


def statuses_of_two_tries(settings, text: str, pause: float) -> tuple[int, int, int]:
    """Try a slow write, at once again, and again after a pause."""

    async def run() -> tuple[int, int, int]:
        transport = httpx2.ASGITransport(sample_app(settings))
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            late = asyncio.create_task(write(client, text))
            await asyncio.sleep(0.2)
            during = await write(client, text)
            await asyncio.sleep(pause)
            after = await write(client, text)
            return (await late).status_code, during.status_code, after.status_code

    return asyncio.run(run())


def test_a_write_that_overruns_its_deadline_is_finished_and_answered_to_the_retry(tmp_path):
    settings = sample_settings(tmp_path, request_timeout_seconds=0.1)
    assert statuses_of_two_tries(settings, "slow, finished", 0.4) == (504, 409, 201)
    assert DONE.count("slow, finished") == 1


def test_a_write_that_outlives_its_lease_is_stopped_and_frees_the_key(tmp_path):
    settings = sample_settings(
        tmp_path, request_timeout_seconds=0.1, idempotency_lease_seconds=0.25
    )
    assert statuses_of_two_tries(settings, "slow, stopped", 0.1) == (504, 409, 504)
    assert DONE.count("slow, stopped") == 2


@pytest.mark.parametrize("key", ["", "k" * 256, "white space", "ümlaut".encode("latin-1")])
def test_a_malformed_key_is_refused(client, key):
    assert write(client, "malformed", key).status_code == 400
    assert "malformed" not in DONE


def test_a_read_takes_no_notice_of_the_key(client):
    for _ in range(2):
        answer = client.get("/v1/score", headers={"idempotency-key": "key-1"})
        assert "idempotency-replayed" not in answer.headers


def test_a_failing_store_refuses_the_write_and_does_nothing(settings, capfd):
    path = settings.data_dir / "idempotency.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database, garbage" * 100)
    with TestClient(sample_app(settings)) as client:
        response = write(client, "unprotected")
        assert response.status_code == 503
        assert "nothing was done" in response.json()["detail"]
        assert response.headers["retry-after"] == "1"
        assert client.post("/v1/notes", json={"text": "without key"}).status_code == 201
    assert "unprotected" not in DONE
    assert "idempotency_store_failed" in capfd.readouterr().err


def test_a_store_that_fails_after_the_work_still_lets_the_answer_out(client, monkeypatch, capfd):
    def fail(*_arguments):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(type(client.app.store), "finish", fail)
    assert write(client, "done all the same").status_code == 201
    assert "disk is full" in capfd.readouterr().err
