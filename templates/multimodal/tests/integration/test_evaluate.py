"""The evaluation command: every measure in the report, a page that opens from disk."""

import json

import pytest

from portfolio_project import ablate, evaluate
from portfolio_project.config import config_names, load_config
from portfolio_project.evaluate import NothingServes


@pytest.fixture(scope="module")
def evaluated(trained, tmp_path_factory):
    """A copy of the trained folder, evaluated."""
    import shutil  # noqa: PLC0415

    from portfolio_project.serving import load_settings  # noqa: PLC0415
    from portfolio_project.settings import Settings  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("evaluated") / "var"
    shutil.copytree(trained, folder)
    settings = load_settings(Settings, data_dir=folder)
    return settings, list(evaluate.run(settings))


def test_every_direction_is_measured_with_an_interval_beside_the_baseline(evaluated):
    settings, _ = evaluated
    report = json.loads((settings.reports_dir / "evaluate.json").read_bytes())
    assert len(report["retrieval"]) == 4 * 3 + 1
    for row in [*report["retrieval"], report["baseline"]]:
        assert 0 <= row["low"] <= row["recall@1"] <= row["high"] <= 1
        assert row["recall@1"] <= row["recall@5"] <= row["recall@10"]
    assert {row["swapped"] for row in report["swaps"]} == {"relation", "colour", "shape", "texture"}
    assert {row["gallery"] for row in report["galleries"]} == {"test", "held_out", "hard"}
    assert report["headline"]["text_to_image_recall_at_1"] == report["galleries"][0]["value"]


def test_the_page_shows_figures_and_pictures_and_fetches_nothing(evaluated):
    settings, said = evaluated
    page = (settings.reports_dir / evaluate.PAGE).read_text()
    assert said[-1].endswith(evaluate.PAGE)
    assert "data:image/png;base64," in page
    assert "http" not in page
    assert "<script" not in page


def test_before_any_training_it_says_what_to_run(make_settings, tmp_path):
    with pytest.raises(NothingServes, match="Run the command `train`"):
        list(evaluate.run(make_settings(data_dir=tmp_path)))


def test_every_named_configuration_is_valid_and_says_what_it_is():
    for name in config_names():
        assert load_config(name).summary


@pytest.mark.slow
def test_an_ablation_compares_configurations_and_trains_none_twice(evaluated, monkeypatch):
    settings, _ = evaluated
    (line,) = ablate.run(settings, ["tiny"])
    assert line.startswith("tiny: ")

    def refuse(*_arguments):
        raise AssertionError("trained again")

    monkeypatch.setattr(ablate, "produce", refuse)
    assert list(ablate.run(settings, ["tiny"])) == [line]
    report = json.loads((settings.reports_dir / ablate.REPORT).read_bytes())
    assert report["rows"] == report["with_sound"] == [report["by_name"]["tiny"]]
    assert report["by_name"]["tiny"]["config"] == "tiny"
