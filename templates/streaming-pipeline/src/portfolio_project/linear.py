"""A linear model as an ONNX graph whose answer does not depend on the batch that it came in.

Kernels in single precision add up, and round, in an order that follows the shape of the batch, so
a payment scored alone would differ in its last bits from the same payment among others. This graph
reckons in double precision and rounds once, at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_OPSET = 15
_IR_VERSION = 8


def logistic_graph(
    weights: NDArray[np.float64], bias: float, *, name: str, input_name: str
) -> bytes:
    """Serialize `1 / (1 + exp(-(x @ weights + bias)))` for x of shape (n, len(weights)).

    Outputs: `label` (n, 1) and `probabilities` (n, 2) float32, as converters of trees name theirs.
    """
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - only where one trains

    node, info = helper.make_node, helper.make_tensor_value_info
    constants = {
        "weights": weights.astype(np.float64),
        "bias": np.array([bias], np.float64),
        "axis": np.array([1], np.int64),
        "one": np.array([1.0], np.float64),
        "half": np.array([0.5], np.float64),
    }
    nodes = [
        node("Cast", [input_name], ["inputs"], to=TensorProto.DOUBLE),
        node("Mul", ["inputs", "weights"], ["terms"]),
        node("ReduceSum", ["terms", "axis"], ["sum"], keepdims=1),
        node("Add", ["sum", "bias"], ["logit"]),
        node("Sigmoid", ["logit"], ["chance"]),
        node("Sub", ["one", "chance"], ["rest"]),
        node("Greater", ["chance", "half"], ["label"]),
        node("Concat", ["rest", "chance"], ["both"], axis=1),
        node("Cast", ["both"], ["probabilities"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        name,
        [info(input_name, TensorProto.FLOAT, [None, len(weights)])],
        [
            info("label", TensorProto.BOOL, [None, 1]),
            info("probabilities", TensorProto.FLOAT, [None, 2]),
        ],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model: Any = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
    )
    return bytes(model.SerializeToString(deterministic=True))
