"""Point-in-time safety: what a replay says of an event cannot depend on what came after it."""

from dataclasses import asdict

import numpy as np
import orjson
import pytest
from pipeline import faulty_plan, replayed

from portfolio_project import broker, events, table


@pytest.mark.parametrize("stop", [1, 500, 1_700, 2_900])
def test_a_replay_of_the_beginning_is_the_beginning_of_the_replay(stop):
    whole, part = replayed(faulty_plan()), replayed(faulty_plan(), stop)
    assert part == {event_id: whole[event_id] for event_id in part}


def test_no_feature_of_the_past_moves_when_the_future_is_another():
    plan = faulty_plan()
    stop = 1_700
    arrived_at = int(plan.arrived_at[stop])
    past = list(plan.envelopes(0, stop))
    known, _ = table.replay(past)
    before = {card: row for row, card in enumerate(known.card)}
    assert len(before) > 20

    strange = []
    for one in past[-300:]:  # each payment again under a new id, as late as can be, and judged
        if isinstance(event := events.read_event(*one[1:], one.arrived_at), events.Transaction):
            body = asdict(event) | {
                "event_id": f"x-{event.event_id}",
                "amount_cents": 9_999_999,
            }
            strange.append(broker.Envelope(arrived_at, "transactions", orjson.dumps(body)))
            judged = {name: body[name] for name in ("version", "occurred_at", "terminal_id")}
            judged |= {"event_id": event.event_id, "fraud": True}
            strange.append(broker.Envelope(arrived_at, "labels", orjson.dumps(judged)))
    assert len(strange) > 400
    changed, _ = table.replay([*past, *strange, *plan.envelopes(stop)])
    same = len(known)
    np.testing.assert_array_equal(changed.features[:same], known.features)
    assert not np.array_equal(
        changed.features[same:], table.replay(plan.envelopes())[0].features[same:]
    )


def test_a_label_that_has_not_arrived_is_not_known():
    plan = faulty_plan()
    whole, _ = table.replay(plan.envelopes())
    reported = whole.reported_at[whole.reported_at != table.NEVER]
    assert len(reported) > 50
    for cut in np.quantile(reported, [0.2, 0.6]).astype(int):
        stop = plan.position_at(int(cut))
        part, _ = table.replay(plan.envelopes(0, stop))
        known = part.reported_at != table.NEVER
        np.testing.assert_array_equal(known, whole.reported_at[: len(part)] <= cut)
        np.testing.assert_array_equal(part.features, whole.features[: len(part)])
