"""How near the image tower of the serving model comes to the arithmetic that a core can do.

    python benchmarks/bench_tower.py [--write]

A batch saves what is done once a call, and the arithmetic of a convolution is done once a picture.
So this counts the arithmetic, and times it for one picture and for batches, on one core, beside a
product of two matrices, which is as near to a core's peak as the library comes.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper, shape_inference

from portfolio_project.embedder import INPUT_NAME, onnx_name
from portfolio_project.provenance import Registry, save_report
from portfolio_project.serving import load_settings
from portfolio_project.serving_model import load
from portfolio_project.settings import Settings

REPORT = Path("reports/tower.json")
BATCHES = (1, 2, 4, 8, 16, 32)
ROUNDS = 15
AT_LEAST = 32
"""Pictures in a round."""
SQUARE = 512
"""Side of the matrices."""


def session(model: bytes, profile: Path | None = None) -> Any:
    """Load a graph as serving does, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if profile:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def quickest(work: Callable[[], object], times: int) -> float:
    """Return CPU seconds of one call, in the best of the rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - began) / times)
    return best


def flops(model: bytes) -> tuple[int, int]:
    """Return the multiplications and additions of a picture: in convolutions, and in products."""
    graph = shape_inference.infer_shapes(onnx.load_from_string(model), data_prop=True).graph
    shapes = {
        value.name: [size.dim_value or 1 for size in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.output)
    }
    weights = {one.name: list(one.dims) for one in graph.initializer}
    found = {"Conv": 0, "Gemm": 0}
    for node in graph.node:
        if node.op_type in found and node.input[1] in weights:
            # Out of (m, c, h, w) each of m values takes c * h * w; of a product (m, k) it takes k.
            each = int(np.prod(weights[node.input[1]][1:]))
            found[node.op_type] += 2 * each * int(np.prod(shapes[node.output[0]]))
    return found["Conv"], found["Gemm"]


def convolution_share(model: bytes, pictures: Any) -> float:
    """Return the part of the time in the graph's nodes that convolutions take."""
    with TemporaryDirectory() as folder:
        profiled = session(model, Path(folder) / "profile")
        for _ in range(ROUNDS):
            profiled.run(None, {INPUT_NAME: pictures})
        events = json.loads(Path(profiled.end_profiling()).read_text("utf-8"))
    spent: dict[str, int] = {}
    for event in events:
        if event["name"].endswith("_kernel_time"):
            kind = event["args"]["op_name"]
            spent[kind] = spent.get(kind, 0) + event["dur"]
    return spent["Conv"] / sum(spent.values())


def product() -> bytes:
    """Return a graph that multiplies a matrix by a constant one."""
    sizes = [SQUARE, SQUARE]
    constant = np.random.default_rng(0).standard_normal(sizes).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", [INPUT_NAME, "constant"], ["out"])],
        "product",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, sizes)],
        [numpy_helper.from_array(constant, "constant")],
    )
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def measure(settings: Settings) -> dict[str, Any]:
    """Return all figures."""
    version = Registry(settings.registry_dir).current()
    assert version is not None, "no model serves yet; run `make demo` or `make train` first"
    model = version.read(onnx_name("image"))
    side = load(version, settings).spec.image_side
    draw = np.random.default_rng(0)
    given = draw.integers(0, 256, (max(BATCHES), side, side, 3)).astype(np.uint8)
    convolutions, products = flops(model)
    tower, rows = session(model), []
    for size in BATCHES:
        pictures = given[:size]
        call = partial(tower.run, None, {INPUT_NAME: pictures})
        seconds = quickest(call, AT_LEAST // size) / size
        rows.append(
            {
                "pictures": size,
                "microseconds": 1e6 * seconds,
                "gigaflops_per_second": (convolutions + products) / seconds / 1e9,
                "convolution_share": convolution_share(model, pictures),
            }
        )
    matrix = draw.standard_normal((SQUARE, SQUARE)).astype(np.float32)
    multiplied = session(product())
    seconds = quickest(lambda: multiplied.run(None, {INPUT_NAME: matrix}), 8)
    return {
        "megaflops": (convolutions + products) / 1e6,
        "in_convolutions": convolutions / (convolutions + products),
        "rows": rows,
        "gain": rows[0]["microseconds"] / rows[-1]["microseconds"],
        "product_gigaflops_per_second": 2 * SQUARE**3 / seconds / 1e9,
    }


def main() -> None:
    """Measure, and with --write keep the figures."""
    parser = argparse.ArgumentParser(description="Arithmetic of the image tower, and its pace")
    parser.add_argument("--write", action="store_true", help=f"write {REPORT}")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    report = measure(load_settings(Settings, log_level="error"))
    if options.write:
        save_report(REPORT, report)
    else:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
