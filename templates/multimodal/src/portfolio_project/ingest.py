"""Bring data in: the world's, or one's own through the same door.

Writes a folder for each split, `dead-letters.jsonl` (what was refused, and why) and `run.json`, all
of it or nothing: until the last step the data that were there before stay as they were.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .config import TrainConfig, load_config
from .data.dataset import DatasetError, SplitData, read_split, split_files, write_split
from .data.generate import generate
from .data.leakage import check_splits
from .data.own import open_source, read_own
from .data.staging import replacing
from .preprocess import Limits
from .progress import Bars, Progress, quiet
from .provenance import DeadLetters, RunManifest, deterministic, write_run
from .settings import Settings
from .world import Split

RUN_FILE = "run.json"
LETTERS_FILE = "dead-letters.jsonl"
GALLERIES: tuple[Split, ...] = ("validation", "test", "held_out", "hard")
_LARGEST_FILE = 50_000_000


@dataclass(frozen=True)
class Ingested:
    """What was taken, by split, and how many files were refused."""

    splits: dict[str, int]
    refused: int
    folder: Path


def run(
    settings: Settings, config_name: str = "default", source: str | None = None
) -> Iterator[str]:
    """Ingest the world, or what `source` names (see `open_source`); tell what was done.

    Raises DatasetError, ConfigError.
    """
    config = load_config(config_name)
    with Bars() as progress:
        if source is None:
            done = ingest_world(config, settings.dataset_dir, progress)
        else:
            limits = limits_of(settings, config)
            done = ingest_own(source, config, settings.dataset_dir, limits, progress)
    counts = ", ".join(f"{count:,} {name}" for name, count in done.splits.items())
    yield f"{counts} in {done.folder}"
    if done.refused:
        yield f"{done.refused:,} refused; {done.folder / LETTERS_FILE} says why"


def limits_of(settings: Settings, config: TrainConfig) -> Limits:
    """What a file of one's own may be at most."""
    return Limits(
        max_bytes=_LARGEST_FILE,
        max_pixels=settings.max_pixels,
        max_seconds=settings.max_sound_seconds,
        sample_rate=config.model.spectrogram.sample_rate,
    )


def ingest_world(config: TrainConfig, folder: Path, progress: Progress = quiet) -> Ingested:
    """Write the splits of the world that `config` asks for; the same bytes each time."""
    wanted: dict[Split, int] = {"train": config.data.train}
    wanted |= dict.fromkeys(GALLERIES, config.data.gallery)
    with replacing(folder) as fresh, deterministic(config.data.seed):
        for split, count in wanted.items():
            data = generate(
                config.data.seed,
                split,
                count,
                lambda done, split=split, count=count: progress(split, done, count),  # type: ignore[misc]  # defaults bind the loop's values
            )
            write_split(fresh / split, data)
        counts = _describe(fresh, {"world": config.data.model_dump(mode="json")})
    return Ingested(counts, 0, folder)


def ingest_own(
    given: str, config: TrainConfig, folder: Path, limits: Limits, progress: Progress = quiet
) -> Ingested:
    """Read one's own pictures and captions into train, validation and test. Raises DatasetError."""
    source = open_source(given, limits)
    with replacing(folder) as fresh:
        letters = DeadLetters(fresh / LETTERS_FILE)
        try:
            metrics = read_own(
                source, config, limits, folder=fresh, letters=letters, progress=progress
            )
        except DatasetError as error:
            raise DatasetError(f"{error}{_kept_letters(letters, folder)}") from None
        described = {
            "source": Path(given).name,
            "identity": source.identity,
            "image_side": config.model.image_side,
            "spectrogram": config.model.spectrogram.model_dump(mode="json"),
            **_columns_of(fresh),
        }
        counts = _describe(fresh, described, source.files, metrics)
    return Ingested(counts, int(metrics["refused"]), folder)


def _columns_of(folder: Path) -> dict[str, object]:
    """The attributes of one's own data and their values, for the manifest; empty without."""
    data = read_split(folder / "train")
    return {} if data.attributes is None else {"attributes": data.columns.allowed()}


def _kept_letters(letters: DeadLetters, folder: Path) -> str:
    """Keep the reasons of an ingestion that came to nothing, and say where."""
    if not letters.path.exists():
        return ""
    kept = folder.with_name(f"refused-{letters.path.name}")
    shutil.copyfile(letters.path, kept)
    return f". {kept} says why samples were refused"


def _describe(
    folder: Path,
    config: Mapping[str, object],
    inputs: Mapping[str, Path] | None = None,
    metrics: Mapping[str, float] | None = None,
) -> dict[str, int]:
    """Write `run.json`; returns how many samples each split has."""
    splits = {path.name: read_split(path) for path in sorted(folder.iterdir()) if path.is_dir()}
    outputs = split_files(folder)
    if (folder / LETTERS_FILE).exists():
        outputs[LETTERS_FILE] = folder / LETTERS_FILE
    with deterministic(0):
        manifest = RunManifest.capture(
            "ingest",
            inputs=inputs or {},
            outputs=outputs,
            config=config,  # type: ignore[arg-type]  # JSON values, as both callers give them
            seed=0,
            metrics={
                **{f"samples_{name}": float(len(data)) for name, data in splits.items()},
                **check_splits(splits),
                **(metrics or {"refused": 0.0}),
            },
        )
    write_run(folder / RUN_FILE, manifest)
    return {name: len(data) for name, data in splits.items()}


def require(folder: Path, modalities: tuple[str, ...], split: str = "train") -> SplitData:
    """A split that has every one of `modalities`. Raises DatasetError if not."""
    data = read_split(folder / split)
    missing = [name for name in modalities if name not in data.modalities()]
    if missing:
        raise DatasetError(
            f"the data have no {missing[0]}; choose a configuration without it, or ingest again"
        )
    return data


def fitted_to(data: SplitData, config: TrainConfig) -> TrainConfig:
    """The configuration with what is for the data to say (`TrainConfig.fitted`).

    Raises DatasetError if the data were not ingested for this configuration.
    """
    model, side = config.model, data.images.shape[1]
    if model.image_tower == "own" and side != model.image_side:
        raise DatasetError(
            f"the data have pictures of {side} x {side} pixels, and configuration {config.name} "
            f"looks at {model.image_side} x {model.image_side}; ingest again with it"
        )
    learns = "attributes" in model.trained and data.attributes is not None
    if learns and model.attributes and model.attributes != data.columns.names:
        raise DatasetError(
            f"the data have the attributes {', '.join(data.columns.names)}, and configuration "
            f"{config.name} names {', '.join(model.attributes)}; ingest again with it"
        )
    return config.fitted(
        image_side=side,
        auxiliary=[name for name in model.auxiliary if name in data.modalities()],
        attribute_sizes=data.columns.sizes if learns else model.attribute_sizes,
    )


def main(arguments: list[str]) -> int:
    """`python -m ... FOLDER CONFIG_JSON`: `ingest_world`, for a second run elsewhere."""
    folder, config = arguments
    ingest_world(TrainConfig.model_validate_json(config), Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
