"""From LightGBM's trees to what serves: an ONNX graph that decides alike, and what explains it.

LightGBM compares in double precision, ONNX in single. A threshold rounded to the nearest single
lets some rows through on the other side, so each is first brought down to the greatest single that
is not above it: for inputs in single precision `x <= t` then has the same answer in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .explain import TreeExplainer

_OPSET = 15


def on_single_thresholds(model: Any) -> Any:
    """A LightGBM Booster with the trees of the fitted `model`, its thresholds single precision."""
    from lightgbm import Booster  # noqa: PLC0415

    lines = model.booster_.model_to_string().split("\n")
    for number, line in enumerate(lines):
        if line.startswith("threshold="):
            values = np.array(line.removeprefix("threshold=").split(), np.float64)
            lines[number] = "threshold=" + " ".join(map(repr, _not_above(values).tolist()))
    lines = [line for line in lines if not line.startswith("tree_sizes=")]  # they have changed
    return Booster(model_str="\n".join(lines))


def _not_above(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The greatest number of single precision that is not above each of `values`."""
    nearest = values.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > values, below, nearest).astype(np.float64)


def to_onnx(booster: Any, *, name: str, input_name: str, inputs: int) -> bytes:
    """Serialize `booster` as a classifier of (n, inputs) single-precision rows."""
    from onnxmltools import convert_lightgbm  # noqa: PLC0415
    from onnxmltools.convert.common.data_types import FloatTensorType  # noqa: PLC0415

    shape = [(input_name, FloatTensorType([None, inputs]))]
    onnx = convert_lightgbm(
        booster, name=name, initial_types=shape, zipmap=False, target_opset=_OPSET
    )
    return bytes(onnx.SerializeToString(deterministic=True))


def to_explainer(booster: Any) -> TreeExplainer:
    """The leaves of `booster` with their paths. Raises ValueError for splits by category."""
    dump = booster.dump_model()
    leaves = [leaf for tree in dump["tree_info"] for leaf in _leaves(tree["tree_structure"], {})]
    depth = max(1, *(len(path) for _, path in leaves))
    feature = np.zeros((len(leaves), depth), np.int64)
    low = np.full((len(leaves), depth), -np.inf)
    high, share = -low, np.ones((len(leaves), depth))
    for row, (_, path) in enumerate(leaves):
        for place, (column, bounds) in enumerate(sorted(path.items())):
            feature[row, place] = column
            low[row, place], high[row, place], share[row, place] = bounds
    value = np.array([value for value, _ in leaves])
    return TreeExplainer(np.array(dump["max_feature_idx"] + 1), value, feature, low, high, share)


Path = dict[int, tuple[float, float, float]]
"""Feature -> (low, high, share), as the splits on it so far leave them."""


def _leaves(node: Any, path: Path) -> Iterator[tuple[float, Path]]:
    if "leaf_value" in node:
        yield float(node["leaf_value"]), path
        return
    if node["decision_type"] != "<=":
        raise ValueError("a split by category cannot be exported")
    column, threshold = int(node["split_feature"]), float(node["threshold"])
    low, high, share = path.get(column, (-np.inf, np.inf, 1.0))
    for child, bounds in (
        (node["left_child"], (low, min(high, threshold))),
        (node["right_child"], (max(low, threshold), high)),
    ):
        count = child["leaf_count"] if "leaf_value" in child else child["internal_count"]
        part = share * count / node["internal_count"]
        yield from _leaves(child, {**path, column: (*bounds, part)})
