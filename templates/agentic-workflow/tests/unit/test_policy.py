"""Policies at their edges, and that a write asks them whatever the caller believes."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from portfolio_project.world import policy

TODAY = date(2026, 6, 15)
AGENT = policy.Person("a.b@corp.example", "support", "m.n@corp.example", active=True)
ORDER = policy.Order(
    "delivered", 50_000, 0, TODAY - timedelta(days=5), final_sale=False, tier="standard"
)


def rule(verdict):
    return verdict.kind, verdict.rule


@pytest.mark.parametrize(
    ("change", "cents", "expected"),
    [
        ({}, 15_000, ("allow", "allowed")),
        ({}, 15_001, ("approval", "refund.large")),
        ({}, 50_000, ("approval", "refund.large")),
        ({}, 50_001, ("deny", "refund.amount")),
        ({"refunded_cents": 49_999}, 2, ("deny", "refund.amount")),
        ({"amount_cents": 300_000}, 200_001, ("deny", "refund.ceiling")),
        ({"delivered_on": TODAY - timedelta(days=30)}, 100, ("allow", "allowed")),
        ({"delivered_on": TODAY - timedelta(days=31)}, 100, ("deny", "refund.window")),
        ({"delivered_on": TODAY - timedelta(days=60), "tier": "gold"}, 100, ("allow", "allowed")),
        ({"status": "lost", "delivered_on": None}, 100, ("allow", "allowed")),
        ({"status": "shipped"}, 100, ("deny", "refund.status")),
        ({"final_sale": True}, 100, ("deny", "refund.final_sale")),
    ],
)
def test_refunds_keep_to_window_amount_and_status(change, cents, expected):
    assert rule(policy.refund(AGENT, replace(ORDER, **change), cents, TODAY)) == expected


def test_only_support_and_sales_refund_and_only_while_active():
    for asker in (replace(AGENT, department="finance"), replace(AGENT, active=False)):
        assert rule(policy.refund(asker, ORDER, 100, TODAY)) == ("deny", "refund.requester")


@pytest.mark.parametrize(
    ("system", "role", "present", "expected"),
    [
        ("wiki", "write", None, ("allow", "allowed")),
        ("vpn", "read", None, ("allow", "allowed")),
        ("vpn", "write", None, ("approval", "access.guarded")),
        ("prod_db", "read", None, ("approval", "access.guarded")),
        ("prod_db", "admin", None, ("deny", "access.admin")),
        ("payroll", "read", None, ("deny", "access.payroll")),
        ("wiki", "read", "write", ("deny", "access.present")),
        ("wiki", "write", "read", ("allow", "allowed")),
    ],
)
def test_access_by_system_and_role(system, role, present, expected):
    assert rule(policy.grant_access(AGENT, AGENT, system, role, present)) == expected


def test_access_for_somebody_else_needs_to_be_their_manager():
    other = replace(AGENT, email="x.y@corp.example")
    mine = replace(other, manager=AGENT.email)

    assert policy.grant_access(AGENT, other, "wiki", "read", None).rule == "access.requester"
    assert policy.grant_access(AGENT, mine, "wiki", "read", None).kind == "allow"


def test_a_purchase_never_passes_the_budget():
    assert policy.purchase(AGENT, 25_000, 25_000).kind == "allow"
    assert policy.purchase(AGENT, 25_001, 25_001).kind == "approval"
    assert policy.purchase(AGENT, 25_000, 24_999).kind == "deny"


def test_orders_are_cancelled_only_before_they_leave():
    assert policy.cancel_order(AGENT, replace(ORDER, status="processing")).kind == "allow"
    assert policy.cancel_order(AGENT, ORDER).kind == "deny"
