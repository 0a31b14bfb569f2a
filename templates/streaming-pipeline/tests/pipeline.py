"""Little streams and pipelines for the tests of this family."""

from collections import Counter
from pathlib import Path

import orjson

from portfolio_project import (
    broker,
    events,
    features,
    generator,
    runner,
    scorer,
    simulator,
    state,
    store,
)
from portfolio_project.provenance import Registry

START = 1_600_000_000
WORLD = simulator.World(customers=40, terminals=400, days=40, terminals_hit=1, cards_hit=1)
FAULTS = generator.Faults(late=0.05, too_late=0.01, duplicate=0.03, malformed=0.03, new_schema=0.1)


def payment(number: int = 1, **changes: object) -> dict[str, object]:
    """A transaction of the contract, as a dict."""
    return {
        "version": 1,
        "event_id": f"tx-{number}",
        "occurred_at": START + number,
        "card_id": "card-1",
        "terminal_id": "term-1",
        "amount_cents": 1_000,
        **changes,
    }


def new_schema_payment(number: int = 1, **changes: object) -> dict[str, object]:
    """The same in version 2 of the contract; `changes` are of version 1's fields."""
    body = payment(number, **changes)
    amount = {"minor": body.pop("amount_cents"), "currency": "EUR"}
    return body | {"version": 2, "amount": amount, "channel": "online"}


def transaction(number: int = 1, **changes: object) -> events.Transaction:
    """The same as an event."""
    return events.Transaction(**payment(number, **changes))  # type: ignore[arg-type]


def label(number: int = 1, *, fraud: bool = True, **changes: object) -> events.Label:
    """The label of `transaction(number)`."""
    body = payment(number, **changes)
    return events.Label(
        version=1,
        event_id=str(body["event_id"]),
        occurred_at=int(str(body["occurred_at"])),
        terminal_id=str(body["terminal_id"]),
        fraud=fraud,
    )


def envelope(number: int = 1, **changes: object) -> broker.Envelope:
    """The same on its way, arriving when it happens."""
    body = payment(number, **changes)
    arrived = int(str(body["occurred_at"]))
    return broker.Envelope(arrived, "transactions", orjson.dumps(body))


def faulty_plan(seed: int = 7) -> generator.Plan:
    """Some 3,000 events with every kind of fault among them; the truth is in its ledger."""
    return generator.plan(simulator.simulate(WORLD), faults=FAULTS, seed=seed)


def filled_log(path: Path, plan: generator.Plan) -> broker.Log:
    """A log at `path` that holds the whole plan."""
    log = broker.Log(path)
    log.append(plan.envelopes())
    return log


def current_scorer(data: Path) -> scorer.Scorer:
    """The model that serves from the registry in `data`."""
    found = scorer.load_current(Registry(data / "registry"))
    assert found is not None
    return found


def run(log: broker.Log, path: Path, model: scorer.Scorer, batch: int = 500) -> store.Store:
    """Process the whole log into a store at `path`."""
    results = store.Store(path)
    runner.Runner(log, results, lambda: model).drain(batch)
    return results


def contents(results: store.Store, table: str) -> list[tuple[object, ...]]:
    """All rows of a table of the store, in order."""
    return results._db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


def replayed(plan: generator.Plan, stop: int | None = None) -> dict[str, features.Features]:
    """Features by event id from a plain fold of the reducer, with no host around it."""
    found: dict[str, features.Features] = {}
    windows = state.KeyedState()
    for arrived_at, topic, value in plan.envelopes(0, stop):
        event = events.read_event(topic, value, arrived_at)
        if isinstance(event, events.Rejected):
            continue
        row = windows.apply(event)
        if row is not None:
            found[event.event_id] = row
    return found


def letters_by_reason(results: store.Store) -> Counter[str]:
    """How many events were refused, by reason."""
    rows = results._db.execute("SELECT reason, count(*) FROM dead_letters GROUP BY 1")
    return Counter(dict(rows.fetchall()))


def counters(results: store.Store) -> dict[str, int]:
    """The counters as stored."""
    return dict(results._db.execute("SELECT name, value FROM counters").fetchall())
