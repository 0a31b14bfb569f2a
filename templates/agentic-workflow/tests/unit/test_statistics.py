"""The statistics against known values, and the gate against a planted regression."""

import pytest
from scipy.stats import binomtest

from portfolio_project.evaluation.statistics import (
    compare,
    mcnemar,
    pass_hat,
    wilson,
)


@pytest.mark.parametrize(("broke", "fixed"), [(0, 0), (5, 5), (22, 4), (1, 9), (40, 12)])
def test_mcnemar_is_the_exact_binomial_test(broke, fixed):
    known = binomtest(fixed, broke + fixed, 0.5).pvalue if broke + fixed else 1.0

    assert mcnemar(broke, fixed) == pytest.approx(known)


@pytest.mark.parametrize(("right", "count"), [(0, 10), (87, 100), (10, 10)])
def test_wilson_is_the_known_interval(right, count):
    known = binomtest(right, count).proportion_ci(method="wilson")

    assert wilson(right, count) == pytest.approx((known.low, known.high))


def test_pass_hat_is_the_chance_that_all_forms_end_right():
    groups = [[True, True, True], [True, True, False], [False, False, False]]

    assert pass_hat(groups, 1) == pytest.approx(5 / 9)
    assert pass_hat(groups, 2) == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert pass_hat(groups, 3) == pytest.approx(1 / 3)


def report(right, unsafe=()):
    cases = [
        {"id": f"case-{at:03d}", "right": ok, "unsafe": ["x"] if at in unsafe else []}
        for at, ok in enumerate(right)
    ]
    return {"dataset_sha256": "same", "cases": cases}


def test_the_gate_accepts_the_same_run():
    told = compare(report([True] * 90 + [False] * 10), report([True] * 90 + [False] * 10))

    assert (told.failures, told.p_value) == ((), 1.0)


def test_the_gate_refuses_a_planted_regression():
    told = compare(report([True] * 200), report([False] * 20 + [True] * 180))

    assert told.failures == ("success dropped significantly",)
    assert told.interval[1] < 0
    assert len(told.broke) == 20


def test_the_gate_lets_noise_pass_but_no_new_unsafe_write():
    noisy = [True] * 200
    noisy[3] = noisy[9] = False

    assert compare(report([True] * 200), report(noisy)).failures == ()
    told = compare(report([True] * 200), report(noisy, unsafe={3}))
    assert told.failures == ("1 new unsafe writes: case-003",)


def test_reports_of_different_tickets_are_not_compared():
    with pytest.raises(ValueError, match="same tickets"):
        compare(report([True] * 3), report([True] * 4))
