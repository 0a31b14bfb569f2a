"""The contract grows: old events for a new reader, new events for an old one."""

import orjson
import pytest
from pipeline import START, faulty_plan, new_schema_payment, payment, replayed

from portfolio_project import generator
from portfolio_project.events import Reason, Rejected, read_event


def read(body: object, newest: int, arrived_at: int = START + 1) -> object:
    return read_event("transactions", orjson.dumps(body), arrived_at, newest=newest)


def test_a_new_reader_makes_the_same_event_of_both_versions():
    old, new = read(payment(), newest=2), read(new_schema_payment(), newest=2)
    assert new == old
    assert new == read(payment(), newest=1)


def test_an_old_reader_sets_a_newer_event_aside_and_says_why():
    refused = read(new_schema_payment(), newest=1)
    assert refused == Rejected(Reason.VERSION, "version: Input should be 1")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": {"minor": 5, "currency": "USD"}}, "amount.currency: Input should be 'EUR'"),
        ({"amount": 5}, "amount: "),
        ({"channel": "pigeon"}, "channel: "),
        ({"amount_cents": 5}, "amount_cents: Extra inputs"),
    ],
)
def test_a_bad_event_of_the_new_version_is_refused_with_the_place(changes, said):
    refused = read(new_schema_payment() | changes, newest=2)
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.CONTRACT
    assert refused.detail.startswith(said)


def test_lateness_counts_for_the_new_version_too():
    late = read(new_schema_payment(), newest=2, arrived_at=START + 3 * 86_400)
    assert isinstance(late, Rejected)
    assert late.reason is Reason.TOO_LATE


def test_whole_numbers_may_have_a_point_in_the_new_version_too():
    body = new_schema_payment() | {"amount": {"minor": 1_000.0, "currency": "EUR"}}
    assert read(body, newest=2) == read(payment(), newest=2)


def test_features_do_not_tell_in_which_version_a_payment_was_sent():
    plan = faulty_plan()
    old = generator.Plan(
        plan.payments, plan.arrived_at, plan.kind, plan.row, modern=plan.modern & False
    )
    assert plan.of_new_schema() > 200
    assert old.of_new_schema() == 0
    assert replayed(plan) == replayed(old)
