"""What ranks models on held-out history ranks them on the stream that follows, too."""

from dataclasses import replace

import numpy as np
import pytest

from portfolio_project import (
    dataset,
    evaluate,
    generator,
    labels,
    profiles,
    rules,
    simulator,
    table,
)
from portfolio_project.events import DAY
from portfolio_project.provenance import Registry
from portfolio_project.scorer import load

WEEKS = 3


@pytest.fixture(scope="module")
def live(trained):
    """The weeks after all history, as the stream would have scored them; truth by their labels."""
    world = profiles.PROFILES["tiny"].world
    longer = replace(world, days=world.days + (WEEKS + 1) * 7)
    events = generator.plan(simulator.simulate(longer))
    rows, _ = table.replay(events.envelopes())
    history, _ = table.replay(dataset.read_events(trained / "data/events.log"))
    assert np.array_equal(rows.features[: len(history) // 2], history.features[: len(history) // 2])
    mask = (rows.at >= world.present) & (rows.at < world.present + WEEKS * 7 * DAY)
    mask &= rows.arrived_at > history.arrived_at.max()
    rows = rows.where(mask)
    return rows, labels.frauds_known(rows, int(rows.at.max()) + 14 * DAY)


@pytest.mark.slow
def test_a_model_that_is_better_on_held_out_days_saves_more_on_later_ones(trained, live):
    rows, truth = live
    assert truth.sum() > 50
    versions = Registry(trained / "registry").versions()
    offline = {one.manifest.config["algorithm"]: one.manifest.metrics for one in versions}
    online = {}
    for version in versions:
        scores = load(version).score(rows.features)
        online[version.manifest.config["algorithm"]] = evaluate.ranking(truth, scores)
    rule = evaluate.ranking(truth, rules.rule_score(rows.features))
    before = {name: one["average_precision"] for name, one in offline.items()}
    before["rules"] = offline["lightgbm"]["rule_average_precision"]
    after = {name: one["average_precision"] for name, one in online.items()}
    after["rules"] = rule["average_precision"]
    assert sorted(before, key=before.get) == sorted(after, key=after.get)
