"""The same data gives the same bytes, in other processes and folders."""

import orjson
import pytest

from portfolio_project import config, fingerprint, ingest, profiles, reproduction, scorer, train
from portfolio_project.provenance import Registry


def test_ingesting_and_training_again_gives_the_same_bytes(make_settings):
    settings = make_settings()
    found = reproduction.reproduce_all(settings)
    assert [one.kind for one in found] == ["ingest", "train", "train"]
    for one in found:
        assert one.same, one.differences
    report = reproduction.read_report(settings)
    assert report.same
    assert len(set(report.model_sha256)) == 1
    assert reproduction.is_current(settings)
    assert not list(settings.data_dir.glob("reproduce-*"))


def test_a_difference_is_found(make_settings):
    settings = make_settings()
    run = settings.models_dir / "lightgbm" / "run.json"
    manifest = orjson.loads(run.read_bytes())
    manifest["metrics"]["auc_roc"] = 0.123
    run.write_bytes(orjson.dumps(manifest))
    found = reproduction.reproduce_all(settings)
    changed = [one for one in found if not one.same]
    assert len(changed) == 1
    assert "auc_roc" in changed[0].differences[0]
    assert not reproduction.read_report(settings).same


def test_a_model_for_other_features_is_refused(trained):
    registry = Registry(trained / "registry")
    version = registry.current()
    spec = scorer.ModelSpec.model_validate_json(version.read("model.json"))
    model = version.read("model.onnx")
    for change, said in (
        ({"features": spec.features[::-1]}, "trained on other features"),
        ({"features": spec.features[:-1]}, "terminal_risk_30d"),
        ({"fingerprint": "0" * 64}, "computed differently"),
    ):
        with pytest.raises(scorer.ModelMismatchError, match=said):
            scorer.Scorer(model, spec.model_copy(update=change), "v")
    assert spec.fingerprint == fingerprint.fingerprint()


def test_a_history_that_is_too_short_is_refused(tmp_path):
    world = profiles.PROFILES["tiny"].world
    ingest.ingest_world(world, tmp_path)
    with pytest.raises(train.TrainingError, match="history is too short"):
        train.produce(tmp_path, tmp_path / "models", config.TrainConfig(train_days=50))
