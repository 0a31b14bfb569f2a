"""Everything that is measured of one model, as one report."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from ..data.dataset import SplitData
from ..embedder import Embedder
from ..ingest import require
from . import geometry
from .baseline import baseline_vectors
from .composition import chance_of, swap_accuracy, zero_shot
from .intervals import Estimate, estimate
from .quick import alike, chance, embed
from .retrieval import Ranks, Vectors, ranks, reciprocal_rank
from .robustness import slices


@dataclass(frozen=True, eq=False)
class Measured:
    """A report (plain data), and what a page needs to show examples.

    Attributes:
        report: what `evaluate.json` holds.
        ranks: of each picture of the test gallery, asked for by its caption.
        captions: unit vectors of the captions.
        images: unit vectors of the pictures.
        data: the gallery.
    """

    report: dict[str, Any]
    ranks: Ranks
    captions: Vectors
    images: Vectors
    data: SplitData = field(repr=False)


def measure(embedder: Embedder, small: Embedder, dataset: Path) -> Measured:
    """Measure a model and its 8-bit form `small` on the test galleries. Raises DatasetError."""
    modalities = embedder.modalities
    data = require(dataset, modalities, "test")
    vectors: dict[str, Vectors] = {name: embed(embedder, data, name) for name in modalities}
    images, captions = vectors["image"], vectors["text"]
    own_ranks = ranks(captions, images)
    report: dict[str, Any] = {
        "config": embedder.spec.config,
        "gallery": len(data),
        "chance_recall_at_1": 1 / len(data),
        "retrieval": _retrieval(vectors, data),
        "swaps": _rows("swapped", swap_accuracy(embedder, data, images, captions)),
        "zero_shot": [
            {"attribute": name, **found.as_dict(), "chance": chance_of(name)}
            for name, found in zero_shot(embedder, data, images).items()
        ],
        "galleries": _galleries(embedder, dataset, own_ranks),
        "robustness": _rows("slice", slices(embedder, data, images, captions)),
        "space": _space(embedder, vectors),
        "baseline": _baseline(dataset, data, modalities),
        "int8": _eight_bit(small, data, vectors, own_ranks),
    }
    report["headline"] = headline(report)
    return Measured(report, own_ranks, captions, images, data)


def headline(report: dict[str, Any]) -> dict[str, float]:
    """The figures that people compare first, by plain names."""
    found = {
        f"{_name(row['direction'])}_recall_at_{k}": row[f"recall@{k}"]
        for row in report["retrieval"]
        for k in (1, 5)
    }
    found |= {f"swap_{row['swapped']}": row["value"] for row in report["swaps"]}
    found |= {f"{row['gallery']}_recall_at_1": row["value"] for row in report["galleries"]}
    return found


def _name(direction: str) -> str:
    return direction.replace(" → ", "_to_").replace(" + ", "_and_")


def _retrieval(vectors: dict[str, Vectors], data: SplitData) -> list[dict[str, Any]]:
    """Every modality asked for by every other, and pictures with sounds together."""
    found: list[dict[str, Any]] = []
    for asked, sought in permutations(vectors, 2):
        kinds = alike(data, asked, sought)
        row = _direction(f"{asked} → {sought}", ranks(vectors[asked], vectors[sought], kinds))
        found.append(row if kinds is None else row | {"chance": chance(1, len(data), kinds)})
    if {"image", "sound"} <= vectors.keys():
        both = vectors["image"] + vectors["sound"]
        both /= np.linalg.norm(both, axis=1, keepdims=True)
        found.append(_direction("text → image + sound", ranks(vectors["text"], both)))
    return found


def _direction(name: str, found: Ranks) -> dict[str, Any]:
    first = estimate(found == 0)
    return {
        "direction": name,
        "recall@1": first.value,
        "low": first.low,
        "high": first.high,
        "recall@5": float((found < 5).mean()),
        "recall@10": float((found < 10).mean()),
        "mrr": reciprocal_rank(found),
    }


def _galleries(embedder: Embedder, dataset: Path, own: Ranks) -> list[dict[str, Any]]:
    """Text to image recall@1 in each gallery that the data have."""
    found = {"test": estimate(own == 0)}
    for split in ("held_out", "hard"):
        if (dataset / split).is_dir():
            data = require(dataset, embedder.modalities, split)
            asked, sought = embed(embedder, data, "text"), embed(embedder, data, "image")
            found[split] = estimate(ranks(asked, sought) == 0)
    return _rows("gallery", found)


def _space(embedder: Embedder, vectors: dict[str, Vectors]) -> dict[str, Any]:
    told = geometry.calibration(vectors["text"], vectors["image"], embedder.scale)
    return {
        "calibration_error": told.error,
        "calibration_bins": [list(one) for one in told.bins],
        "alignment_text_image": geometry.alignment(vectors["text"], vectors["image"]),
        **{f"uniformity_{name}": geometry.uniformity(one) for name, one in vectors.items()},
    }


def _baseline(dataset: Path, data: SplitData, modalities: tuple[str, ...]) -> dict[str, Any]:
    asked, sought = baseline_vectors(require(dataset, modalities), data)
    return _direction("colour histogram and bag of words", ranks(asked, sought))


def _eight_bit(
    small: Embedder, data: SplitData, vectors: dict[str, Vectors], own: Ranks
) -> dict[str, Any]:
    """What 8-bit integers cost in recall, and how far their vectors are from the exact ones."""
    rough = {name: embed(small, data, name) for name in ("text", "image")}
    recall = float((ranks(rough["text"], rough["image"]) == 0).mean())
    return {
        "text_to_image_recall_at_1": recall,
        "cost_in_recall_at_1": float((own == 0).mean()) - recall,
        **{
            f"cosine_to_float_{name}": float((rough[name] * vectors[name]).sum(1).mean())
            for name in rough
        },
    }


def _rows(name: str, found: dict[str, Estimate]) -> list[dict[str, Any]]:
    return [{name: key, **value.as_dict()} for key, value in found.items()]
