"""Fit one model, export it and describe it: the part of training that runs by itself.

`train` starts it in a process of its own. On many GPUs, torchrun starts one for each:

    torchrun --nproc-per-node 8 -m PACKAGE.fitting DATASET FOLDER CONFIG_NAME
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
import time
from pathlib import Path

from .byte_pairs import BytePairs
from .config import TrainConfig, load_config
from .data.dataset import SplitData, split_files
from .embedder import Embedder
from .errors import UserError
from .evaluation.quick import quick_metrics
from .export import export
from .ingest import RUN_FILE, fitted_to, require
from .model.libraries import MERGES, ask
from .progress import Progress
from .provenance import RunManifest, deterministic, readable_json, rounded, write_run
from .train import FOLLOW
from .training.checkpoint import forget
from .training.trainer import fit
from .vocabulary import Vocabulary

HISTORY_FILE = "history.json"
CHECKPOINTS = "checkpoints"
_LAST = 20


def produce(dataset: Path, folder: Path, config: TrainConfig, told: Progress) -> None:
    """Write the model and its `run.json` into `folder`.

    Raises DatasetError, VocabularyError, PretrainedError.
    """
    began = time.monotonic()
    data = require(dataset, config.model.modalities)
    config = fitted_to(data, config)
    vocabulary = _vocabulary(data, config)
    checkpoints = folder.parent / CHECKPOINTS / config.name
    fitted = fit(
        data,
        config,
        vocabulary,
        checkpoints=checkpoints,
        told=lambda done, of, loss: told(f"loss {loss:.3f}", done, of),
        looked=lambda modality, done, of: told(f"looking at {modality}", done, of),
    )
    if os.environ.get("RANK", "0") != "0":
        return  # the first of many processes writes for all
    shutil.rmtree(folder, ignore_errors=True)
    names = export(fitted, config, vocabulary, data, folder)
    (folder / HISTORY_FILE).write_bytes(readable_json(rounded({"loss": fitted.losses})))
    _describe(dataset, folder, config, [*names, HISTORY_FILE], fitted.losses[-_LAST:], began)
    forget(checkpoints)  # only now: whoever is stopped before must not lose the training


def _vocabulary(data: SplitData, config: TrainConfig) -> Vocabulary:
    """The words of the data, or the numbers that a pretrained text tower learnt from."""
    texts = [*data.captions, *(text for row in data.negatives for text in row)]
    if config.model.text_tower == "own" or "text" not in config.model.modalities:
        return Vocabulary.of(texts)
    merges, most = ask(MERGES, "text", config.model.text_tower)
    return BytePairs.fitted(merges, texts, most)


def _describe(  # noqa: PLR0913, PLR0917 - what a manifest tells
    dataset: Path,
    folder: Path,
    config: TrainConfig,
    names: list[str],
    losses: list[float],
    began: float,
) -> None:
    held_back = require(dataset, config.model.modalities, "validation")
    with deterministic(config.seed):
        metrics = quick_metrics(Embedder.load(folder), held_back)
        metrics["final_loss"] = sum(losses) / len(losses)
        manifest = RunManifest.capture(
            "train",
            inputs=split_files(dataset),
            outputs={name: folder / name for name in names},
            config=config.model_dump(mode="json"),
            seed=config.seed,
            metrics=metrics,
        )
    write_run(folder / RUN_FILE, manifest, duration_s=round(time.monotonic() - began, 1))


def _tell(what: str, done: int, of: int) -> None:
    """One line a step for whoever started this; one process of many speaks."""
    if os.environ.get("RANK", "0") == "0":
        sys.stdout.write(f"{done} {of} {what}\n")
        sys.stdout.flush()


def _end_with_parent() -> None:
    """End when standard input does: whoever held its other end is gone."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main(arguments: list[str]) -> int:
    """`python -m ... DATASET FOLDER CONFIG`: a name or JSON; 2 and a line if it fails."""
    dataset, folder, config, *more = arguments
    if FOLLOW in more:
        _end_with_parent()
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser remarks on every layer
    try:
        chosen = (
            TrainConfig.model_validate_json(config)
            if config.startswith("{")
            else load_config(config)
        )
        produce(Path(dataset), Path(folder), chosen, _tell)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
