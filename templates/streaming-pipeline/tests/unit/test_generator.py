from collections import Counter

import orjson
import pytest
from pipeline import FAULTS, WORLD, faulty_plan

from portfolio_project.events import Label, Rejected, read_event
from portfolio_project.generator import REFUSED, SCORED, plan
from portfolio_project.simulator import simulate


def test_the_same_seed_gives_the_same_events():
    assert list(faulty_plan(3).envelopes()) == list(faulty_plan(3).envelopes())
    assert list(faulty_plan(3).envelopes()) != list(faulty_plan(4).envelopes())


def test_the_ledger_tells_the_truth_about_every_event():
    events = faulty_plan()
    refused: Counter[str] = Counter()
    seen: set[str] = set()
    labels = scored = repeated = 0
    for arrived_at, topic, value in events.envelopes():
        event = read_event(topic, value, arrived_at)
        if isinstance(event, Rejected):
            refused[event.reason.value] += 1
        elif isinstance(event, Label):
            labels += 1
        elif event.event_id in seen:
            repeated += 1
        else:
            seen.add(event.event_id)
            scored += 1
    ledger = events.ledger()
    assert refused == {kind.value: ledger[kind.value] for kind in REFUSED}
    assert min(refused.values()) > 5
    assert scored == sum(ledger[kind.value] for kind in SCORED)
    assert repeated == ledger["duplicate"] > 50
    assert labels == ledger["label"] > 50
    assert sum(ledger.values()) == len(events)


def test_arrival_never_runs_backwards():
    arrivals = [event.arrived_at for event in faulty_plan().envelopes()]
    assert arrivals == sorted(arrivals)


def test_a_part_of_the_plan_is_the_same_part_of_the_whole():
    events = faulty_plan()
    whole = list(events.envelopes())
    assert list(events.envelopes(100, 300)) == whole[100:300]
    assert sum(events.ledger(300).values()) == 300


def test_later_payments_bring_only_the_labels_that_are_still_to_come():
    payments = simulate(WORLD)
    first = len(payments) // 2
    late = plan(payments, faults=FAULTS, first=first)
    for event in late.envelopes():
        assert event.arrived_at >= payments.at[first]
    about = {
        orjson.loads(event.value)["event_id"]
        for event in late.envelopes()
        if event.topic == "labels"
    }
    assert any(int(name.removeprefix("tx-")) < first for name in about)


@pytest.mark.parametrize("instant", [0, 10**10])
def test_positions_outside_the_plan_are_its_ends(instant):
    events = faulty_plan()
    assert events.position_at(instant) in {0, len(events)}
