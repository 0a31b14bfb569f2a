"""The model as files: numbers in one npz, names in one JSON; equal models give equal bytes."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from ..provenance import canonical_json, sha256_file
from .acting import Tree
from .linear import Linear
from .model import PolicyModel
from .reading import Reader

ARRAYS, NAMES = "model.npz", "model.json"
_TREE = ("left", "right", "feature", "threshold", "chances")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def save(model: PolicyModel, folder: Path) -> tuple[Path, Path]:
    """Write a model into a folder and return the two files."""
    arrays: dict[str, np.ndarray[Any, Any]] = {"certainty": model.reader.certainty}
    names: dict[str, Any] = {
        "schema": 1,
        "sources": model.sources,
        "threshold": model.threshold,
        "parts": {},
    }
    for name, part in _parts(model.reader).items():
        names["parts"][name] = part.to_json()
        arrays |= {f"{name}.{key}": value for key, value in part.to_arrays().items()}
    names["tree"] = {"features": model.tree.features, "classes": model.tree.classes}
    arrays |= {f"tree.{key}": getattr(model.tree, key) for key in _TREE}
    folder.mkdir(parents=True, exist_ok=True)
    _write_npz(folder / ARRAYS, arrays)
    (folder / NAMES).write_bytes(canonical_json(names) + b"\n")
    return folder / ARRAYS, folder / NAMES


def load(arrays_path: Path, names_path: Path) -> PolicyModel:
    """Read a model. Its version follows from its bytes.

    Raises:
        OSError: a file is missing.
        ValueError: a file is no such model.
    """
    names = orjson.loads(names_path.read_bytes())
    with np.load(arrays_path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    parts = {
        name: Linear.read(told, {k: arrays[f"{name}.{k}"] for k in ("scale", "weights", "bias")})
        for name, told in names["parts"].items()
    }
    reader = Reader(
        parts["asked"],
        parts["several"],
        parts["intent"],
        _under(parts, "classified"),
        _under(parts, "pointer"),
        arrays["certainty"],
    )
    shape = names["tree"]
    numbers = [arrays[f"tree.{key}"] for key in _TREE]
    tree = Tree(tuple(shape["features"]), tuple(shape["classes"]), *numbers)
    version = f"desk-{sha256_file(arrays_path)[:8]}{sha256_file(names_path)[:8]}"
    return PolicyModel(reader, tree, names["sources"], names["threshold"], version)


def _parts(reader: Reader) -> dict[str, Linear]:
    return {
        "asked": reader.asked,
        "several": reader.several,
        "intent": reader.intent,
        **{f"classified.{name}": part for name, part in reader.classified.items()},
        **{f"pointer.{name}": part for name, part in reader.pointers.items()},
    }


def _under(parts: dict[str, Linear], group: str) -> dict[str, Linear]:
    prefix = f"{group}."
    return {n.removeprefix(prefix): p for n, p in parts.items() if n.startswith(prefix)}


def _write_npz(path: Path, arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(arrays):
            held = io.BytesIO()
            np.save(held, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), held.getvalue())
