"""Keys open what their scopes say: no key 401, a lesser key 403, two keys during a rotation."""

from datetime import UTC, datetime, timedelta

import pytest
from house import PEPPER, sample_settings
from sample_service import sample_app
from starlette.testclient import TestClient

from portfolio_project.serving.keys import mint_key

NOTE = {"text": "hello"}


def mint(*scopes: str, owner: str = "ci", **options):
    return mint_key(frozenset(scopes), owner, PEPPER.encode(), **options)


WRITER, WRITER_KEY = mint("write")
SUCCESSOR, SUCCESSOR_KEY = mint("write")
READER, READER_KEY = mint("read", owner="reader")
ALL, ALL_KEY = mint("*", owner="admin")
EXPIRED, EXPIRED_KEY = mint("write", expires=datetime.now(UTC) - timedelta(seconds=1))
KEYS = (WRITER_KEY, SUCCESSOR_KEY, READER_KEY, ALL_KEY, EXPIRED_KEY)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    settings = sample_settings(tmp_path_factory.mktemp("auth"), api_keys=KEYS, key_pepper=PEPPER)
    with TestClient(sample_app(settings)) as client:
        yield client


def write(client, authorization: str | None):
    headers = {} if authorization is None else {"authorization": authorization}
    return client.post("/v1/notes", json=NOTE, headers=headers)


@pytest.mark.parametrize("key", [WRITER, SUCCESSOR, ALL], ids=["writer", "successor", "all"])
def test_each_active_key_opens_the_door(client, key):
    assert write(client, f"Bearer {key}").status_code == 201
    assert write(client, f"bearer {key}").status_code == 201


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        f"Basic {WRITER}",
        f"Bearer {EXPIRED}",
        f"Bearer {WRITER[:-1]}0" if not WRITER.endswith("0") else f"Bearer {WRITER[:-1]}1",
        f"Bearer sk_00000000_{'0' * 64}",
        f"Bearer {mint('write')[0]}",
    ],
    ids=["none", "empty", "bare", "basic", "expired", "last-digit", "no-such-id", "unknown"],
)
def test_no_valid_key_is_401(client, authorization):
    response = write(client, authorization)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["status"] == 401


def test_a_key_without_the_scope_is_403(client):
    response = write(client, f"Bearer {READER}")
    assert response.status_code == 403
    assert "`write`" in response.json()["detail"]
    assert 'scope="write"' in response.headers["www-authenticate"]


def test_health_and_metrics_need_no_key(client):
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 200
    assert client.get("/metrics").status_code == 200


def test_both_keys_of_an_owner_share_idempotency(client):
    headers = {"idempotency-key": "over-a-rotation", "authorization": f"Bearer {WRITER}"}
    assert client.post("/v1/notes", json=NOTE, headers=headers).status_code == 201
    headers["authorization"] = f"Bearer {SUCCESSOR}"
    again = client.post("/v1/notes", json=NOTE, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    headers["authorization"] = f"Bearer {ALL}"
    other = client.post("/v1/notes", json=NOTE, headers=headers)
    assert "idempotency-replayed" not in other.headers


def test_a_caller_without_a_key_takes_no_idempotency_key(client):
    headers = {"idempotency-key": "squatted"}
    assert client.post("/v1/notes", json=NOTE, headers=headers).status_code == 401
    headers["authorization"] = f"Bearer {WRITER}"
    assert client.post("/v1/notes", json=NOTE, headers=headers).status_code == 201


def test_without_any_key_a_local_service_lets_everybody_in(tmp_path):
    with TestClient(sample_app(sample_settings(tmp_path))) as client:
        assert client.post("/v1/notes", json=NOTE).status_code == 201
