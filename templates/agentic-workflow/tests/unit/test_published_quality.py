"""What is published keeps what the project promises: whoever publishes less has to say so here."""

import json
from pathlib import Path

import pytest

REPORT = Path(__file__).parents[2] / "reports" / "evaluate.json"


@pytest.fixture
def report():
    return json.loads(REPORT.read_bytes())


def test_familiar_and_held_out_words_end_right(report):
    off = report["splits"]["off"]

    assert off["familiar"]["share"] >= 0.97
    assert off["held_out"]["share"] >= 0.8


def test_at_the_shipped_threshold_hardly_a_write_is_unsafe_and_most_tickets_are_worked(report):
    held_out = report["splits"]["shipped"]["held_out"]

    assert held_out["unsafe_share"] <= 0.01
    assert held_out["covered"] >= 0.6


def test_policy_is_never_broken(report):
    splits = [told for kind in report["splits"].values() for told in kind.values()]

    assert [told["violations"] for told in splits] == [0] * len(splits)
    assert report["violations"] == 0


def test_no_kind_of_ticket_is_left_behind_on_held_out_words(report):
    told = {
        intent: slices["held_out"]
        for intent, slices in report["intents"].items()
        if "held_out" in slices
    }
    shares = {intent: one["share"] for intent, one in told.items() if one["n"] >= 20}

    assert len(shares) >= 5
    assert min(shares.values()) >= 0.7, shares


def test_the_trained_model_beats_the_keywords_in_every_split(report):
    for split, rules in report["baseline"].items():
        assert report["splits"]["off"][split]["low"] > rules["share"], split
