"""Do it all again: ingest and train in fresh processes and folders, and compare the bytes."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from ..policy_model.files import ARRAYS
from ..provenance import Registry, Reproduction, read_run, reproduce
from ..provenance.reproduction_report import write_reproduction
from ..settings import Settings
from .ingest import READINGS, RUN, CorpusConfig, ingest
from .train import TrainConfig, gate_of, train


def reproduce_all(settings: Settings) -> list[Reproduction]:
    """Repeat what `ingest` and `train` did last (doing it first where it was never done).

    Writes `reproduction.json` into the reports. Raises ProvenanceError when a run fails.
    """
    corpus, models = settings.corpus_dir, settings.models_dir
    if not (corpus / READINGS).exists():
        ingest(corpus, CorpusConfig())
    if not (models / RUN).exists():
        train(corpus, models, Registry(settings.registry_dir), TrainConfig(), gate_of(settings))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(
        prefix="reproduce-", dir=settings.data_dir, ignore_cleanup_errors=True
    ) as name:
        scratch = Path(name)
        found: list[Reproduction] = []
        first = read_run(corpus / RUN)
        if not first.inputs:
            config = orjson.dumps(first.config).decode()
            again = scratch / "data"
            found.append(reproduce(corpus, [*_module("ingest"), config, "{out}"], again))
        config = orjson.dumps(read_run(models / RUN).config).decode()
        command = [*_module("train"), str(corpus), "{out}", config]
        found.append(reproduce(models, command, scratch / "models"))
        trained = (models / RUN, scratch / "models" / RUN)
        hashes = [read_run(run).outputs[ARRAYS].sha256 for run in trained]
    write_reproduction(settings.reports_dir, found, hashes)
    return found


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", f"{__package__}.{name}"]
