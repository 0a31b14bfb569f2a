"""Small runs for the provenance tests: a model of a few bytes, and the manifest of its making."""

from pathlib import Path

from portfolio_project import provenance

MODEL = "model.bin"


def make_run(
    folder: Path,
    content: str = "weights",
    score: float = 0.8,
    *,
    seed: int = 7,
    rounds: int = 10,
) -> tuple[dict[str, Path], provenance.RunManifest]:
    """Write a model into `folder` and return (files, manifest), as a training command would."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / MODEL
    model.write_text(content)
    manifest = provenance.RunManifest.capture(
        "train",
        inputs={},
        outputs={MODEL: model},
        config={"rounds": rounds, "learning_rate": 1e-7},
        seed=seed,
        metrics={"score": score},
    )
    return {MODEL: model}, manifest
