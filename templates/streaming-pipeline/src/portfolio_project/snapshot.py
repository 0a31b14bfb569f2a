"""The state at the end of history, in a file: a live stream starts from it, not from nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .archive import pack
from .state import Row


def save_state(path: Path, rows: Sequence[Row]) -> None:
    """Write `rows`; equal states give equal bytes."""
    data = [row.data or b"" for row in rows]
    arrays: dict[str, NDArray[Any]] = {
        "is_card": np.array([row.kind == "card" for row in rows], dtype=np.bool_),
        "key": np.array([row.key.encode() for row in rows], dtype=np.bytes_),
        "size": np.array([len(one) for one in data], dtype=np.int64),
        "data": np.frombuffer(b"".join(data), dtype=np.uint8),
    }
    path.write_bytes(pack(arrays))


def load_state(path: Path) -> list[Row]:
    """Inverse of `save_state`. Raises OSError."""
    with np.load(path, allow_pickle=False) as archive:
        kinds, keys, sizes = (archive[name].tolist() for name in ("is_card", "key", "size"))
        data: bytes = archive["data"].tobytes()
    rows: list[Row] = []
    start = 0
    for is_card, key, size in zip(kinds, keys, sizes, strict=True):
        part = data[start : start + size]
        rows.append(Row("card" if is_card else "terminal", key.decode(), part))
        start += size
    return rows
