"""Calibration, slices and ablation say what can be checked by hand or by scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_project import ablation, quality
from portfolio_project.config import TrainConfig
from portfolio_project.events import DAY
from portfolio_project.features import FEATURE_NAMES, LABEL_DELAY
from portfolio_project.table import NEVER, Table

AMOUNT, NIGHT = FEATURE_NAMES.index("amount"), FEATURE_NAMES.index("is_night")


def make_table(count, seed=0, days=35, cards=40):
    """Payments of some cards, of which amounts above 90 are mostly frauds, reported in time."""
    draw = np.random.default_rng(seed)
    features = np.zeros((count, len(FEATURE_NAMES)), np.float32)
    features[:, AMOUNT] = draw.uniform(0, 100, count).round(2)
    features[:, NIGHT] = draw.random(count) < 0.3
    fraud = (features[:, AMOUNT] > 90) & (draw.random(count) < 0.9)
    at = np.sort(draw.integers(0, days * DAY, count)) + 17_000 * DAY
    reported = np.where(fraud, at + LABEL_DELAY - 1, NEVER)
    return Table(features, at, at.copy(), draw.integers(0, cards, count), reported), fraud


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=40
    ).filter(lambda rows: any(fraud and weight for fraud, _, weight in rows))
)
def test_weighted_average_precision_is_that_of_scikit_learn(rows):
    from sklearn.metrics import average_precision_score  # noqa: PLC0415 - a second to import

    truth, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    ours = quality.average_precision(truth, scores / 6, weights[None].astype(float))[0]
    kept = weights > 0
    wanted = average_precision_score(truth[kept], scores[kept], sample_weight=weights[kept])
    assert ours == pytest.approx(wanted)


def test_honest_scores_are_calibrated_and_boastful_ones_are_not():
    draw = np.random.default_rng(1)
    chances = draw.uniform(0, 0.5, 40_000)
    truth = draw.random(40_000) < chances
    honest, boastful = quality.calibration(truth, chances), quality.calibration(truth, chances * 2)
    assert honest["calibration_error"] < 0.01
    assert boastful["calibration_error"] == pytest.approx(0.25, abs=0.01)
    assert honest["brier_skill"] > 0 > boastful["brier_skill"]
    assert sum(one["payments"] for one in honest["bins"]) == 40_000


def test_a_slice_where_the_score_is_blind_stands_out():
    rows, truth = make_table(6_000)
    night = rows.features[:, NIGHT] > 0
    scores = np.where(night, 0.5, rows.amount / 100)
    found = {line["slice"]: line for line in quality.slices(rows, truth, scores, 0.9)}
    assert found["night"]["high"] < 0.2 < found["all"]["low"]
    assert found["all"]["low"] < found["all"]["average_precision"] < found["all"]["high"]
    assert found["night"]["payments"] == night.sum()
    assert found["night"]["false_alerts"] == 0
    assert found["high amount"]["false_alerts"] == 0  # no payment of it is there
    assert 0 < found["all"]["false_alerts"] < 0.05
    assert found["low amount"]["average_precision"] == "too few frauds"


def test_an_interval_holds_the_truth_about_as_often_as_it_says():
    """Average precision of a fixed score over fresh worlds, against one world's interval."""
    points, held = [], 0
    for seed in range(60):
        rows, truth = make_table(600, seed)
        every = np.ones((1, 600))
        points.append(quality.average_precision(truth, rows.amount, every)[0])
    middle = float(np.mean(points))
    for seed in range(60):
        rows, truth = make_table(600, seed)
        weights = quality.card_weights(rows.card, seed, rounds=100)
        low, high = quality.interval(quality.average_precision(truth, rows.amount, weights))
        held += low <= middle <= high
    assert 50 <= held <= 60


def test_ablation_tells_a_feature_that_helps_from_one_that_does_not():
    table, _ = make_table(4_000, cards=2_000)
    found = ablation.worth(table, TrainConfig(train_days=14, test_days=7))
    assert found[0]["without"] == "amount"
    assert found[0]["low"] > 0.3
    for line in found[1:]:
        if line["without"] != "is_night":
            assert line["loss"] == line["low"] == line["high"] == 0
    assert sorted(line["without"] for line in found) == sorted(FEATURE_NAMES)


def test_a_model_of_a_world_that_has_changed_shows_its_age():
    table, _ = make_table(8_000, days=49, cards=4_000)
    habits = FEATURE_NAMES.index("card_count_7d")
    changed = table.at >= table.at[0] + 14 * DAY
    moved = np.where(changed, 0, table.amount)
    table.features[:, habits] = np.where(changed, table.amount, 0)
    table.features[:, AMOUNT] = moved
    found = ablation.ages(table, TrainConfig(train_days=14, test_days=7))
    assert [line["weeks_old"] for line in found] == [0, 1, 2]
    assert found[0]["low"] > 0.8
    assert found[-1]["high"] < found[0]["low"]
