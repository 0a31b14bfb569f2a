"""What the published evaluation must show of the model, before anybody reads it."""

import json
from pathlib import Path

import pytest

REPORT = Path(__file__).parents[2] / "reports" / "evaluate.json"


@pytest.fixture(scope="module")
def report():
    return json.loads(REPORT.read_bytes())


def test_the_model_beats_what_is_simpler(report):
    """Beyond doubt: the whole interval lies above that of histograms and bags of words."""
    found = {row["direction"]: row for row in report["retrieval"]}
    assert found["text → image"]["low"] > report["baseline"]["high"]


@pytest.mark.parametrize("slices", ["galleries", "robustness"])
def test_every_slice_is_found_far_better_than_by_chance(report, slices):
    assert len(report[slices]) >= 3
    for row in report[slices]:
        assert row["low"] > 20 * report["chance_recall_at_1"], row


def test_eight_bits_cost_what_the_report_says(report):
    """The cost is the difference of the two recalls, and no vector is turned far."""
    small = report["int8"]
    whole = report["headline"]["text_to_image_recall_at_1"]
    assert small["cost_in_recall_at_1"] == pytest.approx(
        whole - small["text_to_image_recall_at_1"], abs=1e-6
    )
    assert min(small["cosine_to_float_image"], small["cosine_to_float_text"]) > 0.98
