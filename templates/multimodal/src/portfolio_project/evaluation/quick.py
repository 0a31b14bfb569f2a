"""What is measured after each training, in seconds: enough to decide whether a model may serve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import SplitData
from ..embedder import Embedder
from .retrieval import Vectors, ranks, recall

_MOST = 1_000
_AT_ONCE = 250


def embed(embedder: Embedder, data: SplitData, modality: str, count: int | None = None) -> Vectors:
    """Unit vectors (n, d) of the first `count` samples in one modality."""
    count = len(data) if count is None else min(count, len(data))
    parts: list[Vectors] = []
    for start in range(0, count, _AT_ONCE):
        rows = slice(start, min(count, start + _AT_ONCE))
        match modality:
            case "image":
                parts.append(embedder.image(np.asarray(data.images[rows])))
            case "text":
                parts.append(embedder.text(data.captions[rows]))
            case "sound":
                parts.append(embedder.sound(data.waves(rows)))
            case _:
                assert data.attributes is not None
                parts.append(embedder.rows(np.asarray(data.attributes[rows])))
    return np.concatenate(parts)


def alike(data: SplitData, asked: str, sought: str) -> NDArray[np.int64] | None:
    """Which samples nothing tells apart in that direction, (n,): those whose attributes are equal.

    None where no two are.
    """
    if "attributes" not in {asked, sought} or data.attributes is None:
        return None
    rows, kinds = np.unique(np.asarray(data.attributes), axis=0, return_inverse=True)
    return None if len(rows) == len(data) else kinds.reshape(-1)


def quick_metrics(embedder: Embedder, data: SplitData) -> dict[str, float]:
    """Recall between the first two modalities, text first, on at most 1,000 samples."""
    asked = "text" if "text" in embedder.modalities else embedder.modalities[0]
    sought = next(name for name in embedder.modalities if name != asked)
    kinds = alike(data, asked, sought)
    found = ranks(
        embed(embedder, data, asked, _MOST),
        embed(embedder, data, sought, _MOST),
        None if kinds is None else kinds[:_MOST],
    )
    recalls = {k: recall(found, k) for k in (1, 5, 10)}
    return {
        "validation_size": float(len(found)),
        **{f"validation_recall_at_{k}": value for k, value in recalls.items()},
        "lift_over_chance": recalls[10] - chance(10, len(found), kinds),
    }


def chance(k: int, count: int, kinds: NDArray[np.int64] | None = None) -> float:
    """The recall at `k` of guessing among `count` items, of which those of a kind are all right."""
    if kinds is None:
        return min(1.0, k / count)
    shares = np.bincount(kinds)[kinds] / len(kinds)
    return float((1 - (1 - shares) ** k).mean())
