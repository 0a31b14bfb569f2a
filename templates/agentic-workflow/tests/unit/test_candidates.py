"""Which numbers in a text could be which fact."""

import pytest

from portfolio_project.policy_model.candidates import find


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("order_id", "order #12345, not ORD-23456.", ["ORD-12345", "ORD-23456"]),
        ("order_id", "pay 12345.50 or $12345", []),
        ("ticket_id", "TCK-1234 and ticket 10001", ["TCK-1234", "TCK-10001"]),
        ("amount", "$1,234.50, 45 USD, us$ 7, 12.30", ["1234.50", "45.00", "7.00", "12.30"]),
        ("amount", "order 12345 has 3 items", []),
        ("quantity", "two laptops, 3x mouse, another dock", [2, 3, 1]),
        ("email", "ask Ada.Berg@corp.example now", ["ada.berg@corp.example"]),
    ],
)
def test_candidates_by_form(kind, text, expected):
    assert [c.value for c in find(kind, text)] == expected
