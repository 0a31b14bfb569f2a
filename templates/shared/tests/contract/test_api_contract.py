"""The family's API keeps its own OpenAPI document, and the house's rules for every API."""

import re

import pytest
from house import PEPPER, schemathesis
from starlette.testclient import TestClient

from portfolio_project.serving import in_thread
from portfolio_project.serving.keys import mint_key

VERBS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def keyed(app_factory):
    """The application with one key, and the key."""
    secret, key = mint_key(frozenset({"*"}), "contract", PEPPER.encode())
    return app_factory(api_keys=(key,), key_pepper=PEPPER), secret


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_service_does_what_its_document_says(keyed):
    app, secret = keyed
    with in_thread(app) as url:
        schemathesis(url, "--header", f"Authorization: Bearer {secret}")


def test_so_does_a_local_one_without_keys(live_server):
    schemathesis(live_server, "--phases", "examples")


def operations(document: dict):
    for path, item in document["paths"].items():
        for verb in VERBS:
            if verb in item:
                yield path, verb, item[verb]


def test_every_v1_operation_wants_a_key(keyed):
    app, _ = keyed
    with TestClient(app) as client:
        document = client.get("/openapi.json").json()
        asked = 0
        for path, verb, operation in operations(document):
            if not path.startswith("/v1/"):
                continue
            assert operation.get("security") == [{"ApiKey": []}], f"{verb} {path}"
            answer = client.request(verb, re.sub(r"{.*?}", "1", path))
            assert answer.status_code == 401, f"{verb} {path}"
            asked += 1
    assert asked


def test_every_operation_is_described_with_its_errors(app_factory):
    document = app_factory().openapi()
    info = document["info"]
    assert all(info.get(field) for field in ("title", "version", "description", "license"))
    assert document["servers"]
    ids = []
    for path, verb, operation in operations(document):
        where = f"{verb} {path}"
        assert operation["summary"], where
        assert operation["tags"], where
        ids.append(operation["operationId"])
        responses = operation["responses"]
        assert "500" in responses, where
        if path.startswith("/v1/"):
            assert {"429", "503", "504"} <= responses.keys(), where
        for status, answer in responses.items():
            if status >= "400":
                assert answer == {"$ref": f"#/components/responses/{status}"}, f"{where} {status}"
    assert len(ids) == len(set(ids))


def test_the_documentation_page_stands_alone(app_factory):
    with TestClient(app_factory()) as client:
        page = client.get("/docs")
        assert page.status_code == 200
        document = client.get("/openapi.json").json()
        for path, verb, _ in operations(document):
            assert f"{verb.upper()} {path}" in page.text
        addresses = re.findall(r'(?:href|src)="([^"]*)"', page.text)
        assert addresses
        for address in {a for a in addresses if not a.startswith("#")}:
            assert "//" not in address
            assert client.get(f"/{address}").status_code == 200
        assert "<script" not in page.text
