"""The API as callers use it: tenants apart, approvals for approvers, tickets with an end."""

import json

import pytest
from fastapi.testclient import TestClient

from portfolio_project import demo, settings
from portfolio_project.serving import load_settings
from portfolio_project.serving.keys import mint_key
from portfolio_project.world import desk
from portfolio_project.world.engine import open_engine

PEPPER = "pepper-" * 6


def keyed(workspace, **scopes):
    secrets, records = {}, []
    for owner, given in scopes.items():
        secret, record = mint_key(frozenset(given), owner, PEPPER.encode())
        secrets[owner] = {"Authorization": f"Bearer {secret}"}
        records.append(json.loads(record.model_dump_json()))
    return secrets, {"api_keys": records, "key_pepper": PEPPER, "data_dir": workspace}


@pytest.fixture
def service(app_factory, workspace):
    base = load_settings(settings.Settings, data_dir=workspace)
    demo.found_company(base, "other", 8)
    everything = ["tickets:read", "tickets:write", "audit:read"]
    keys, given = keyed(
        workspace,
        ann=[*everything, "tenant:demo"],
        bob=[*everything, "tenant:other"],
        cat=["tickets:read", "approve", "tenant:demo"],
    )
    with TestClient(app_factory(**given)) as client:
        yield client, keys


def new_ticket(client, key):
    people = client.get("/v1/company", headers=key).json()["employees"]
    body = {"requester": people[0].split()[0], "text": "Where is order 12345?"}
    answer = client.post("/v1/tickets", headers=key, json=body)
    assert answer.status_code == 201
    return answer.json()["id"]


def test_a_ticket_is_opened_once_for_each_idempotency_key(service):
    client, keys = service
    people = client.get("/v1/company", headers=keys["ann"]).json()["employees"]
    body = {"requester": people[0].split()[0], "text": "Where is order 12345?"}
    headers = keys["ann"] | {"Idempotency-Key": "once"}

    first, second = (client.post("/v1/tickets", headers=headers, json=body) for _ in range(2))

    assert first.json() == second.json()
    listed = client.get("/v1/tickets", headers=keys["ann"], params={"state": "queued"}).json()
    assert [t["id"] for t in listed["items"]] == [first.json()["id"]]


def test_tenants_do_not_see_one_another(service):
    client, keys = service
    ticket = new_ticket(client, keys["ann"])

    assert client.get(f"/v1/tickets/{ticket}", headers=keys["ann"]).status_code == 200
    for path in ("", "/steps", "/events"):
        assert client.get(f"/v1/tickets/{ticket}{path}", headers=keys["bob"]).status_code == 404
    assert client.delete(f"/v1/tickets/{ticket}", headers=keys["bob"]).status_code == 404
    mine = client.get("/v1/company", headers=keys["ann"]).json()
    theirs = client.get("/v1/company", headers=keys["bob"]).json()
    assert not set(mine["tables"]["orders"]) & set(theirs["tables"]["orders"])


def test_tickets_are_listed_newest_first_page_by_page(service):
    client, keys = service
    made = [new_ticket(client, keys["ann"]) for _ in range(5)]
    seen, cursor = [], None
    while True:
        params = {"limit": 2, "state": "queued"} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/tickets", headers=keys["ann"], params=params).json()
        seen += [t["id"] for t in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == made[::-1]


def test_only_an_approvers_key_decides_and_only_once(service, workspace):
    client, keys = service
    ticket = new_ticket(client, keys["ann"])
    engine = open_engine(f"sqlite:///{workspace / 'world.db'}")
    wanted = {"order_id": "ORD-12345", "amount": "200.00"}
    desk.ask_approval(
        engine, "demo", ticket, "key-1", action="issue_refund", arguments=wanted, rule="r"
    )
    engine.dispose()
    path = "/v1/approvals/key-1/decision"

    assert client.post(path, headers=keys["ann"], json={"approve": True}).status_code == 403
    assert client.post(path, headers=keys["bob"], json={"approve": True}).status_code == 403
    decided = client.post(path, headers=keys["cat"], json={"approve": False})
    assert (decided.json()["state"], decided.json()["decided_by"]) == ("rejected", "cat")
    assert client.post(path, headers=keys["cat"], json={"approve": True}).status_code == 409
    missing = client.post(
        "/v1/approvals/key-2/decision", headers=keys["cat"], json={"approve": True}
    )
    assert missing.status_code == 404


def test_a_cancelled_ticket_ends_its_stream_and_stays_cancelled(service):
    client, keys = service
    ticket = new_ticket(client, keys["ann"])

    cancelled = client.delete(f"/v1/tickets/{ticket}", headers=keys["ann"])
    assert cancelled.json()["state"] == "cancelled"
    assert client.delete(f"/v1/tickets/{ticket}", headers=keys["ann"]).status_code == 409
    told = client.get(f"/v1/tickets/{ticket}/events", headers=keys["ann"]).text
    assert [line for line in told.splitlines() if line.startswith("event:")] == [
        "event: opened",
        "event: cancelled",
    ]
    resumed = client.get(
        f"/v1/tickets/{ticket}/events", headers=keys["ann"] | {"Last-Event-ID": "1"}
    ).text
    assert "event: opened" not in resumed


def test_somebody_unknown_can_ask_nothing(service):
    client, keys = service
    body = {"requester": "no.body@corp.example", "text": "Hello"}

    answer = client.post("/v1/tickets", headers=keys["ann"], json=body)

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:problem:unknown-requester"


def test_the_audit_log_of_a_tenant_is_intact(service):
    client, keys = service
    new_ticket(client, keys["ann"])

    mine = client.get("/v1/audit", headers=keys["ann"]).json()
    assert (mine["intact"], mine["entries"]) == (True, 1)
    assert client.get("/v1/audit", headers=keys["bob"]).json()["entries"] == 0
