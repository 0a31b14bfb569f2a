"""Every error is a problem document with a request id, and gives nothing away."""

import json

import pytest
from house import sample_settings
from sample_service import sample_app
from starlette.testclient import TestClient

SECRET = "s3cret"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    settings = sample_settings(tmp_path_factory.mktemp("problems"), max_body_bytes=1000)
    with TestClient(sample_app(settings)) as client:
        yield client


def problem(response, status: int) -> dict:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    document = response.json()
    assert document["status"] == status
    assert document["title"]
    assert document["request_id"] == response.headers["x-request-id"]
    return document


def test_nothing_at_the_path(client):
    assert "detail" in problem(client.get("/v1/nothing"), 404)


def test_wrong_method_names_the_right_ones(client):
    response = client.delete("/v1/score")
    problem(response, 405)
    assert response.headers["allow"] == "GET"


def test_a_problem_raised_by_a_route(client):
    assert problem(client.get("/v1/notes/7"), 404)["detail"] == "There is no note 7."


def test_invalid_input_is_located_and_not_echoed(client):
    response = client.post("/v1/notes", json={"text": "x", "password": SECRET})
    (error,) = problem(response, 422)["errors"]
    assert error["location"] == ["body", "password"]
    assert "at least 8 characters" in error["message"]
    assert SECRET not in response.text


def test_broken_json_is_not_echoed(client):
    response = client.post(
        "/v1/notes",
        content=b'{"password": "s3cret',
        headers={"content-type": "application/json"},
    )
    problem(response, 422)
    assert SECRET not in response.text


def test_an_unexpected_exception_gives_nothing_away(client, capfd):
    response = client.get("/v1/fail")
    document = problem(response, 500)
    assert SECRET not in response.text
    assert "RuntimeError" not in response.text
    logged = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    failure = next(line for line in logged if line["event"] == "request_failed")
    assert failure["request_id"] == document["request_id"]
    assert SECRET in failure["exception"]


def chunks():
    for _ in range(3):
        yield b'"' + b"x" * 500


def test_a_declared_body_over_the_limit(client):
    problem(client.post("/v1/notes", json={"text": "x" * 1000}), 413)


def test_a_body_over_the_limit_that_the_route_does_not_read(client):
    problem(client.request("GET", "/v1/score", content=b"x" * 1001), 413)


def test_a_streamed_body_over_the_limit(client):
    response = client.post(
        "/v1/notes", content=chunks(), headers={"content-type": "application/json"}
    )
    problem(response, 413)


def test_a_streamed_body_over_the_limit_with_an_idempotency_key(client):
    headers = {"content-type": "application/json", "idempotency-key": "a-large-one"}
    problem(client.post("/v1/notes", content=chunks(), headers=headers), 413)


def test_a_chosen_request_id_comes_back_and_a_hostile_one_does_not(client):
    chosen = client.get("/v1/score", headers={"x-request-id": "trace-12345"})
    assert chosen.headers["x-request-id"] == "trace-12345"
    for hostile in ("short", 'x" onload="', "x" * 65, "white space"):
        given = client.get("/v1/score", headers={"x-request-id": hostile})
        assert given.headers["x-request-id"] != hostile
