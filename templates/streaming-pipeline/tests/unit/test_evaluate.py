import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_project.evaluate import (
    card_precision,
    cheapest_threshold,
    ranking,
)
from portfolio_project.events import DAY
from portfolio_project.features import FEATURE_NAMES
from portfolio_project.rules import (
    Costs,
    rule_score,
)
from portfolio_project.table import NEVER, Table


def table(cards, days):
    rows = len(cards)
    return Table(
        np.zeros((rows, len(FEATURE_NAMES)), np.float32),
        np.array(days) * DAY,
        np.array(days) * DAY,
        np.array(cards),
        np.full(rows, NEVER),
    )


def test_card_precision_counts_cards_not_payments():
    rows = table([1, 1, 1, 2, 3], [0, 0, 0, 0, 0])
    truth = np.array([True, True, True, False, False])
    scores = np.array([0.9, 0.8, 0.7, 0.5, 0.1], np.float32)
    assert card_precision(rows, truth, scores, checked=2) == 0.5


def test_a_card_that_was_found_leaves_the_later_days():
    rows = table([1, 2, 1, 2], [0, 0, 1, 1])
    truth = np.array([True, False, True, False])
    scores = np.array([0.9, 0.1, 0.9, 0.1], np.float32)
    assert card_precision(rows, truth, scores, checked=1) == 0.5


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9]), st.integers(1, 50)),
        min_size=1,
        max_size=30,
    )
)
def test_no_other_threshold_is_cheaper(rows):
    truth = np.array([row[0] for row in rows])
    scores = np.array([row[1] for row in rows])
    amounts = np.array([row[2] for row in rows], np.float32)
    costs = Costs(check=10.0)
    chosen = cheapest_threshold(truth, scores, amounts, costs)
    cost = costs.total(truth, scores >= chosen, amounts)
    for other in (0.0, 0.05, 0.2, 0.3, 0.6, 1.0):
        assert cost <= costs.total(truth, scores >= other, amounts)


def test_ranking_needs_both_kinds():
    with pytest.raises(ValueError, match="both frauds and genuine"):
        ranking(np.array([True, True]), np.array([0.1, 0.2]))


def test_the_rules_fire_on_what_they_say():
    rows = np.zeros((4, len(FEATURE_NAMES)), np.float32)
    rows[:, FEATURE_NAMES.index("card_mean_amount_30d")] = 60
    rows[:, FEATURE_NAMES.index("amount")] = [50, 221, 241, 50]
    rows[3, FEATURE_NAMES.index("terminal_risk_7d")] = 0.6
    assert rule_score(rows).round(2).tolist() == [0.0, 0.33, 0.67, 0.33]
