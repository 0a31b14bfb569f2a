"""Do it all again: ingest and train in fresh processes and folders, and compare the bytes."""

import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import orjson

from ..provenance import Registry, Reproduction, read_run, reproduce, save_report
from ..settings import Settings
from .ingest import READINGS, RUN, CorpusConfig, ingest
from .train import TrainConfig, train

REPORT = "reproduction.json"


def reproduce_all(settings: Settings) -> list[Reproduction]:
    """Repeat what `ingest` and `train` did last (doing it first where it was never done).

    Writes `reproduction.json` into the reports. Raises ProvenanceError when a run fails.
    """
    corpus, models = settings.corpus_dir, settings.models_dir
    if not (corpus / READINGS).exists():
        ingest(corpus, CorpusConfig())
    if not (models / RUN).exists():
        train(corpus, models, Registry(settings.registry_dir), TrainConfig())
    with _scratch(settings.data_dir) as scratch:
        found: list[Reproduction] = []
        first = read_run(corpus / RUN)
        if not first.inputs:
            config = orjson.dumps(first.config).decode()
            again = scratch / "data"
            found.append(reproduce(corpus, [*_module("ingest"), config, "{out}"], again))
        config = orjson.dumps(read_run(models / RUN).config).decode()
        command = [*_module("train"), str(corpus), "{out}", config]
        found.append(reproduce(models, command, scratch / "models"))
    verdicts = [one.verdict for one in found]
    report = {"same": all(one.same for one in found), "verdicts": verdicts}
    save_report(settings.reports_dir / REPORT, report)
    return found


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", f"{__package__}.{name}"]


@contextmanager
def _scratch(data_dir: Path) -> Generator[Path]:
    data_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="reproduce-", dir=data_dir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
