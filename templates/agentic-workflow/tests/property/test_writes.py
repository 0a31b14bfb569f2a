"""Whatever a model calls, with whatever arguments, policy holds in the database."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portfolio_project.tickets.draw import draw_company
from portfolio_project.world import audit, company, facts
from portfolio_project.world.actions import (
    ACTIONS,
    Caller,
    NeedsApproval,
    perform,
)
from portfolio_project.world.engine import (
    migrate,
    open_engine,
    reading,
    writing,
)
from portfolio_project.world.once import KeyReusedError
from portfolio_project.world.tables import (
    budgets,
    grants,
    orders,
    refunds,
)
from portfolio_project.world.vocabulary import (
    ITEMS,
    ROLES,
    SYSTEMS,
    to_amount,
)

ROWS = draw_company(11)
PEOPLE = [s["email"] for s in ROWS["employees"]]
ORDERS = [o["id"] for o in ROWS["orders"]]
CALLS = st.one_of(
    st.fixed_dictionaries(
        {
            "order_id": st.sampled_from([*ORDERS, "ORD-00000"]),
            "amount": st.integers(0, 400_000).map(to_amount),
        }
    ).map(lambda given: ("issue_refund", given)),
    st.sampled_from(ORDERS).map(lambda o: ("cancel_order", {"order_id": o})),
    st.fixed_dictionaries(
        {
            "email": st.sampled_from([*PEOPLE, "no.body@corp.example"]),
            "system": st.sampled_from(SYSTEMS),
            "role": st.sampled_from(ROLES),
        }
    ).map(lambda given: ("grant_access", given)),
    st.fixed_dictionaries({"item": st.sampled_from(ITEMS), "quantity": st.integers(1, 20)}).map(
        lambda given: ("create_purchase", given)
    ),
)
number = itertools.count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    made = open_engine(f"sqlite:///{tmp_path_factory.mktemp('writes') / 'world.db'}")
    migrate(made)
    yield made
    made.dispose()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(PEOPLE), CALLS), max_size=8))
def test_no_sequence_of_calls_breaks_policy(shared, calls):
    tenant = f"tenant-{next(number)}"
    with shared.begin() as connection:
        company.found(connection, tenant, ROWS)
    for at, (asker, (tool, given_arguments)) in enumerate(calls):
        caller = Caller(tenant, "ticket", asker, f"key-{at}")
        try:
            perform(shared, ACTIONS[tool], caller, given_arguments)
        except NeedsApproval:
            continue
    with reading(shared) as connection:
        _policy_holds(connection, tenant)
        assert audit.verify(connection, tenant).intact


def _policy_holds(connection, tenant):
    """Nothing that needs approval may have happened: nobody approved anything."""
    known = {o["id"]: o for o in ROWS["orders"]}
    earlier = {(r["order"], r["amount_cents"]) for r in ROWS["refunds"]}
    mine = connection.execute(select(refunds).where(refunds.c.tenant == tenant)).all()
    for row in mine:
        if (row.order, row.amount_cents) not in earlier:
            assert row.amount_cents <= 15_000
            assert known[row.order]["status"] in {"delivered", "lost"}
            assert not known[row.order]["final_sale"]
    total = select(refunds.c.order, func.sum(refunds.c.amount_cents)).group_by(refunds.c.order)
    for order, paid in connection.execute(total.where(refunds.c.tenant == tenant)):
        assert paid <= known[order]["amount_cents"]
    for row in connection.execute(select(orders).where(orders.c.tenant == tenant)):
        if row.status != known[row.id]["status"]:
            assert (known[row.id]["status"], row.status) == ("processing", "cancelled")
            assert row.amount_cents <= 100_000
    for row in connection.execute(select(grants).where(grants.c.tenant == tenant)):
        assert row.role != "admin"
        assert row.system not in {"prod_db", "payroll"}
    for row in connection.execute(select(budgets).where(budgets.c.tenant == tenant)):
        assert row.spent_cents <= row.limit_cents


def test_a_write_with_the_same_key_happens_once_and_says_the_same(engine):
    with engine.begin() as connection:
        company.found(connection, "t", ROWS)
    caller = Caller("t", "ticket", PEOPLE[0], "key")
    wanted = {"item": "mouse", "quantity": 2}

    answers = [perform(engine, ACTIONS["create_purchase"], caller, wanted) for _ in range(3)]

    assert answers == [{"status": "done"}] * 3
    before = {b["department"]: b["limit_cents"] - b["spent_cents"] for b in ROWS["budgets"]}
    with reading(engine) as connection:
        assert facts.budget_left(connection, "t", "support") == before["support"] - 2 * 3_900
    with pytest.raises(KeyReusedError):
        perform(engine, ACTIONS["create_purchase"], caller, {"item": "mouse", "quantity": 3})


def test_the_audit_log_refuses_changes_and_notices_them(engine):
    with engine.begin() as connection:
        company.found(connection, "t", ROWS)
    for at in range(3):
        with writing(engine, "t") as connection:
            audit.record(connection, "t", "somebody", "did", {"at": at})

    with pytest.raises(Exception, match="only grows"), writing(engine, "t") as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE number = 2")
    with writing(engine, "t") as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_no_update")
        connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE number = 2")
    with reading(engine) as connection:
        assert audit.verify(connection, "t").broken_at == 2
