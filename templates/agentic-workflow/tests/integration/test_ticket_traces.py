"""One ticket is one trace, from the request over the queue to agents, model calls and tools."""

import sys

import httpx2
import pytest
from house import ServiceProcess, wait_until
from receiver import receiver

from portfolio_project.tickets.draw import draw_company

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TRACE = "0af7651916cd43dd8448eb211c80319c"
TEXT = "I need read access to the wiki."


@pytest.fixture
def collector():
    with receiver() as server:
        yield server


def work_one_ticket(folder, collector):
    """Let a service of two processes work a ticket, and end it so that it sends every span."""
    (requester, *_) = [
        s["email"] for s in draw_company(7)["employees"] if s["department"] == "engineering"
    ]
    service = ServiceProcess(
        [sys.executable, "-m", "portfolio_project", "serve"],
        folder,
        WORKERS="1",
        CONFIDENCE_THRESHOLD="0",
        OTEL_ENABLED="true",
        OTEL_ENDPOINT=collector.url,
    )
    try:
        url = f"{service.url}/v1/tickets"
        parent = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        new = {"requester": requester, "text": TEXT}
        ticket = httpx2.post(url, json=new, headers=parent).json()["id"]
        path = f"{url}/{ticket}"
        wait_until(lambda: httpx2.get(path).json()["state"] == "closed", "the ticket's end", 120)
        service.process.terminate()
        service.wait()
        return ticket
    finally:
        service.close()


def attributes(span):
    return {a.key: a.value.string_value for a in span.attributes}


def tree(spans, parent):
    """Return the names under a span, as they began, each with what is under it."""
    mine = sorted(
        (s for s in spans if s.parent_span_id == parent), key=lambda s: s.start_time_unix_nano
    )
    return [(s.name, tree(spans, s.span_id)) for s in mine]


def test_a_ticket_is_one_tree_over_two_processes(workspace, collector):
    ticket = work_one_ticket(workspace.parent, collector)

    told = [(who, span) for who, span in collector.spans() if span.trace_id.hex() == TRACE]
    (asked,) = [span for _, span in told if span.name == "POST /v1/tickets"]
    spans = [span for _, span in told]
    assert tree(spans, asked.span_id) == [
        (
            "work ticket",
            [
                ("invoke_agent triage", [("chat desk-policy", [])]),
                (
                    "invoke_agent work",
                    [
                        ("chat desk-policy", []),
                        ("execute_tool get_employee", []),
                        ("chat desk-policy", []),
                        ("execute_tool grant_access", []),
                        ("chat desk-policy", []),
                    ],
                ),
            ],
        )
    ]
    who = {span.name: service for service, span in told}
    assert who["work ticket"].endswith(" worker")
    assert who["POST /v1/tickets"] + " worker" == who["work ticket"]
    by_name = {span.name: attributes(span) for span in spans}
    assert by_name["work ticket"] == {
        "desk.tenant": "demo",
        "desk.ticket": ticket,
        "desk.outcome": "resolved",
    }
    chat = by_name["chat desk-policy"]
    assert chat["gen_ai.operation.name"] == "chat"
    assert chat["gen_ai.request.model"] == "desk-policy"
    tool = by_name["execute_tool grant_access"]
    assert tool["gen_ai.tool.name"] == "grant_access"
    everything = str(spans)
    assert TEXT not in everything, "what a ticket says is sent only when that is switched on"
