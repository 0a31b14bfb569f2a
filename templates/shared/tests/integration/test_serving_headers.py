"""Security headers on every answer; other origins only where they are allowed."""

import pytest
from house import PEPPER, sample_settings
from sample_service import sample_app
from starlette.testclient import TestClient

from portfolio_project.serving.keys import mint_key

FRIEND = "https://app.example"


@pytest.mark.parametrize("path", ["/v1/score", "/v1/nothing", "/v1/fail", "/health/live", "/docs"])
def test_every_answer_carries_the_security_headers(tmp_path, path):
    with TestClient(sample_app(sample_settings(tmp_path))) as client:
        headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" not in headers


def test_production_asks_browsers_to_stay_on_tls(tmp_path):
    _, key = mint_key(frozenset({"*"}), "ci", PEPPER.encode())
    settings = sample_settings(
        tmp_path, environment="production", api_keys=(key,), key_pepper=PEPPER
    )
    with TestClient(sample_app(settings)) as client:
        assert "strict-transport-security" in client.get("/health/live").headers


def test_no_other_origin_is_let_in_by_default(tmp_path):
    with TestClient(sample_app(sample_settings(tmp_path))) as client:
        answer = client.get("/v1/score", headers={"origin": FRIEND})
    assert "access-control-allow-origin" not in answer.headers


def test_an_allowed_origin_can_ask_and_read_errors_too(tmp_path):
    settings = sample_settings(tmp_path, cors_origins=(FRIEND,), rate_limit="1/hour")
    with TestClient(sample_app(settings)) as client:
        preflight = client.options(
            "/v1/notes",
            headers={
                "origin": FRIEND,
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization,idempotency-key",
            },
        )
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == FRIEND
        for status in (200, 429):
            answer = client.get("/v1/score", headers={"origin": FRIEND})
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == FRIEND
        stranger = client.get("/health/live", headers={"origin": "https://other.example"})
        assert "access-control-allow-origin" not in stranger.headers
