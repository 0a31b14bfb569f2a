from dataclasses import asdict

import orjson
import pytest
from pipeline import START, payment

from portfolio_project.events import (
    MAX_LATENESS,
    Reason,
    Rejected,
    Transaction,
    read_event,
)


def read(body: object, arrived_at: int = START + 1) -> object:
    value = body if isinstance(body, bytes) else orjson.dumps(body)
    return read_event("transactions", value, arrived_at)


def test_a_good_event_is_read_as_it_was_sent():
    event = read(payment())
    assert isinstance(event, Transaction)
    assert asdict(event) == payment()


@pytest.mark.parametrize(
    ("body", "reason", "said"),
    [
        (b"{", Reason.NOT_JSON, "EOF"),
        (b"\xff\xfe", Reason.NOT_JSON, ""),
        (b"", Reason.NOT_JSON, "EOF"),
        (b"[]", Reason.CONTRACT, "event: "),
        (b"null", Reason.CONTRACT, "event: "),
        (payment(version=3), Reason.VERSION, "version: Input should be 1 or 2"),
        (payment(version="1"), Reason.VERSION, "version: Input should be 1 or 2"),
        (payment(version=2), Reason.CONTRACT, "amount: Field required"),
        (payment(amount_cents=-1), Reason.CONTRACT, "amount_cents: Input should be greater"),
        (payment(amount_cents="12"), Reason.CONTRACT, "amount_cents: Input should be a valid int"),
        (payment(amount_cents=3.7e92), Reason.CONTRACT, "amount_cents: "),
        (payment(unknown={"deep": 1e300}), Reason.CONTRACT, "unknown: "),
        (b'{"": 3675622946578439000000000000000000}', Reason.VERSION, "version: "),
        (b'{"version": 1e999}', Reason.VERSION, "version: "),
        (payment(amount_cents=1.5), Reason.CONTRACT, "amount_cents: "),
        (payment(card_id=""), Reason.CONTRACT, "card_id: "),
        (payment(card_id="a b"), Reason.CONTRACT, "card_id: "),
        (payment(card_id="x" * 65), Reason.CONTRACT, "card_id: "),
        (payment(occurred_at=True), Reason.CONTRACT, "occurred_at: "),
        (payment(extra=1), Reason.CONTRACT, "extra: Extra inputs"),
        ({"version": 1}, Reason.CONTRACT, "event_id: Field required"),
    ],
)
def test_a_bad_event_is_refused_with_the_reason_and_the_place(body, reason, said):
    refused = read(body)
    assert isinstance(refused, Rejected)
    assert refused.reason is reason
    assert said in refused.detail
    assert "\n" not in refused.detail


def test_a_whole_number_may_be_written_with_a_point():
    event = read(payment(amount_cents=1_000.0, occurred_at=float(START + 1)))
    assert event == read(payment())


@pytest.mark.parametrize("topic", ["", "labels2", "transactions " * 50])
def test_an_unknown_topic_is_refused(topic):
    assert read_event(topic, b"{}", START).reason is Reason.TOPIC


@pytest.mark.parametrize(
    ("lateness", "reason"),
    [
        (MAX_LATENESS, None),
        (MAX_LATENESS + 1, Reason.TOO_LATE),
        (-300, None),
        (-301, Reason.FUTURE),
    ],
)
def test_lateness_has_a_sharp_limit_on_both_sides(lateness, reason):
    event = read(payment(occurred_at=START), arrived_at=START + lateness)
    assert (event.reason if isinstance(event, Rejected) else None) is reason


def test_a_label_may_come_any_time_after_its_payment():
    value = orjson.dumps(
        {
            "version": 1,
            "event_id": "tx-1",
            "occurred_at": START,
            "terminal_id": "t",
            "fraud": True,
        }
    )
    assert not isinstance(read_event("labels", value, START + 90 * 86_400), Rejected)
