"""What the committed reports say of the model is good enough to be published."""

import json
from pathlib import Path

import pytest

REPORTS = Path(__file__).parents[2] / "reports"


@pytest.fixture
def report():
    return lambda name: json.loads((REPORTS / f"{name}.json").read_bytes())


def test_no_feature_does_harm(report):
    """None whose absence would help, by more than these test days leave to chance."""
    harmful = [one["without"] for one in report("ablation")["features"] if one["high"] < 0]
    assert harmful == []


def test_the_model_beats_what_is_simpler(report):
    found = {one["model"]: one["average_precision"] for one in report("evaluate")["models"]}
    assert found["lightgbm"] > found["logistic"] > found["rules"]


def test_every_slice_is_ranked_far_better_than_by_chance(report):
    measured = [one for one in report("evaluate")["slices"] if one["frauds"] >= 5]
    assert len(measured) > 5
    for one in measured:
        assert one["low"] > 5 * one["frauds"] / one["payments"], one["slice"]


def test_nobody_is_bothered_for_how_often_they_pay_or_how_little(report):
    """False alerts on kinds of customers that somebody could be: at most twice those of all."""
    found = {one["slice"]: one["false_alerts"] for one in report("evaluate")["slices"]}
    for kind in ("card seldom used", "card often used", "low amount", "night", "weekend"):
        assert found[kind] <= 2 * found["all"], kind


def test_scores_are_near_what_happens(report):
    found = report("evaluate")["calibration"]
    assert found["calibration_error"] < 0.01
    assert found["brier_skill"] > 0.3


def test_what_a_month_of_age_costs_is_known(report):
    ages = report("ablation")["ages"]
    assert [one["weeks_old"] for one in ages] == list(range(len(ages)))
    assert len(ages) >= 4
    assert ages[0]["average_precision"] >= ages[-1]["average_precision"]


def test_settings_were_chosen_on_weeks_of_their_own(report):
    """Of the candidates on the validation weeks, the chosen one is as good as the best."""
    candidates = report("handbook")["validation"]
    (chosen,) = [one for one in candidates if "chosen" in one["candidate"]]
    assert len(candidates) >= 8
    best = max(one["average_precision"] for one in candidates)
    assert chosen["average_precision"] > best - 0.005


def test_every_python_trained_to_the_same_bytes(report):
    found = report("pythons")
    assert found["same"]
    assert {one["python"][:4] for one in found["runs"]} == {"3.11", "3.12", "3.13"}
