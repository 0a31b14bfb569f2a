"""One definition of the features, three hosts: the same bytes from each, whatever the batch.

The stream has late, out-of-order, repeated and malformed events in it, and some of version 2. The
Kafka host runs on librdkafka's mock cluster, or on the broker that KAFKA_BOOTSTRAP_SERVERS names.
"""

import shutil
import threading
from contextlib import closing
from itertools import pairwise

import numpy as np
import orjson
import pytest
from pipeline import (
    contents,
    current_scorer,
    faulty_plan,
    letters_by_reason,
    payment,
    replayed,
    run,
)

from portfolio_project import broker, events, state, store
from portfolio_project.kafka import host, mock

BEGUN = 100
"""Events, of less than two days: what came ahead of them may still be delivered again."""
TABLES = ("predictions", "labels", "dead_letters", "counters")


def log_of(path, plan, events):
    log = broker.Log(path)
    log.append(plan.envelopes(0, events))
    return log


def on_kafka(data, plan, events, *, batch, workers, partitions=4):
    """Run the first `events` of `plan` through Kafka; returns the store."""
    log_of(data / "log.db", plan, events).close()
    with mock.any_broker(data, partitions, kafka_commit_every=batch) as (_, settings):
        done = host.work(settings, threading.Event(), workers=workers, until_end=True)
    assert done == events
    return store.Store(data / "stream.db")


@pytest.mark.parametrize(
    ("batch", "events", "workers"),
    [
        pytest.param(1, 400, 1, marks=pytest.mark.slow),
        pytest.param(50, 3_000, 2, marks=pytest.mark.slow),
        (500, 2_000, 1),
    ],
)
def test_replay_embedded_runner_and_kafka_give_the_same_bytes(
    trained, tmp_path, batch, events, workers
):
    plan = faulty_plan()
    data = tmp_path / "var"
    shutil.copytree(trained / "registry", data / "registry")
    log = log_of(tmp_path / "log.db", plan, events)
    embedded = run(log, tmp_path / "s.db", current_scorer(trained), batch=batch)
    kafka = on_kafka(data, plan, events, batch=batch, workers=workers)

    offline = replayed(plan, events)
    rows = kafka._db.execute("SELECT event_id, features FROM predictions").fetchall()
    assert {event_id for event_id, _ in rows} == set(offline)
    for event_id, packed in rows:
        assert np.array([offline[event_id]], np.float32).tobytes() == packed
    for table in TABLES:
        assert contents(kafka, table) == contents(embedded, table)


def test_the_stream_of_the_conformance_test_has_every_kind_of_event_in_it():
    plan = faulty_plan()
    assert min(plan.ledger(3_000).values()) > 3
    assert plan.of_new_schema(3_000) > 100
    happened = [
        plan.payments.at[row]
        for row, kind in zip(plan.row, plan.kind, strict=True)
        if kind in {1, 2}
    ]
    assert sum(later < earlier for earlier, later in pairwise(happened)) > 50


@pytest.mark.slow
def test_a_stream_that_the_embedded_runner_began_goes_on_on_kafka_and_comes_back(trained, tmp_path):
    plan = faulty_plan()
    data = tmp_path / "var"
    shutil.copytree(trained / "registry", data / "registry")
    model = current_scorer(trained)
    stream = strange_stream(plan)
    log = broker.Log(tmp_path / "log.db")
    log.append(stream)
    begin_with_history(tmp_path / "s.db", plan)
    embedded = run(log, tmp_path / "s.db", model)

    log = log_of(data / "log.db", plan, BEGUN)
    begin_with_history(data / "stream.db", plan)
    run(log, data / "stream.db", model).close()
    log.append(stream[BEGUN:1_010])
    with mock.any_broker(data, 3) as (_, settings):
        host.work(settings, threading.Event(), workers=1, until_end=True)
    log.append(stream[1_010:])
    found = run(log, data / "stream.db", model)

    assert letters_by_reason(found)["event-id-reused"] == 1
    for table in TABLES:
        assert contents(found, table) == contents(embedded, table)


def begin_with_history(path, plan):
    """A store with windows of before the stream: those of one payment."""
    windows = state.KeyedState()
    windows.apply(read_payment(of_history(plan)))
    with closing(store.Store(path)) as results:
        results.bootstrap(windows.rows())


def of_history(plan):
    """A payment of an hour before the stream."""
    return altered(next(plan.envelopes()), "old", occurred_at=int(plan.arrived_at[0]) - 3_600)


def strange_stream(plan):
    """The plan's events, and behind the first of them payments under ids that were taken.

    More than a week later comes one of each card and terminal that they name: its features tell
    what was counted.
    """
    begun, middle = list(plan.envelopes(0, BEGUN)), list(plan.envelopes(BEGUN, 1_000))
    last = last_payment(begun)
    event_id = read_payment(last).event_id
    strange = [
        of_history(plan),
        last,
        altered(last, "moved", event_id=event_id, card_id=read_payment(last).card_id),
        altered(last, "used", event_id=event_id),
    ]
    named = [read_payment(one) for one in strange]
    looks = [
        altered(
            last_payment(middle), f"look-{number}", card_id=one.card_id, terminal_id=one.terminal_id
        )
        for number, one in enumerate(named)
    ]
    return [*begun, *strange, *middle, *looks, *plan.envelopes(1_000)]


def last_payment(envelopes):
    """The last one that is a payment and taken."""
    return next(one for one in reversed(envelopes) if read_payment(one) is not None)


def altered(one, name, **changes):
    """A payment in version 1, all of `name` but for the changes, with the moment of another."""
    at = read_payment(one).occurred_at
    body = payment(event_id=name, card_id=name, terminal_id=name, occurred_at=at) | changes
    return one._replace(value=orjson.dumps(body))


def read_payment(one):
    """The payment in an envelope, None if it is none or is refused."""
    event = events.read_event(one.topic, one.value, one.arrived_at)
    return event if isinstance(event, events.Transaction) else None
