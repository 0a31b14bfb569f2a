"""Train again on what the stream has seen since, with the labels that have arrived by now."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from .broker import Log
from .challenger import start_trial
from .config import TrainConfig
from .dataset import write_events
from .history import history_and_stream
from .ingest import EVENTS_FILE
from .provenance import Registry
from .serving_model import NoModelError
from .settings import Settings
from .train import GATE, Trained, enter, gate_of, judge, produce, report_of
from .view import View

_ALGORITHM = "lightgbm"


def retrain(settings: Settings, *, shadow: bool = False) -> Trained:
    """Train with the serving model's settings, and let the new model serve if the gate lets it.

    With `shadow` it runs beside the serving one instead, and decides nothing. What `ingest` and
    `train` wrote stays as it is. Raises as `train.train`, and NoModelError.
    """
    registry = Registry(settings.registry_dir)
    champion = registry.current()
    if champion is None:
        raise NoModelError(f"no model serves from {settings.registry_dir}. Run the command `train`")
    known = champion.manifest.config
    config = TrainConfig.model_validate({name: known[name] for name in TrainConfig.model_fields})
    data, models = settings.retrain_dir / "data", settings.retrain_dir / "models"
    write_data_set(settings, data / EVENTS_FILE)
    produce(data, models, config)
    version = enter(registry, models / _ALGORITHM)
    if not shadow:
        return judge(registry, models / _ALGORITHM, version, gate_of(settings))
    start_trial(registry, version, 0.0, GATE)
    return Trained(version, _ALGORITHM, report_of(models / _ALGORITHM), "it runs in the shadow")


def write_data_set(settings: Settings, path: Path) -> int:
    """Write history and what the stream has taken since to `path`; returns how many events."""
    with (
        closing(Log(settings.log_path)) as log,
        closing(View(settings.store_path)) as view,
    ):
        return write_events(path, history_and_stream(settings, log, view))
