"""Arrays in an .npz file whose bytes follow from the arrays alone.

`numpy.savez` leaves the zip's headers to the standard library, and they are not the same in every
Python. `numpy.load` reads what is written here.
"""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can tell."""


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Serialize `arrays` by name, in the order of the names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted(arrays.items()):
            data = io.BytesIO()
            np.lib.format.write_array(data, np.asarray(array, order="C"), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            entry.create_system = 3  # or it says on which one it was written
            archive.writestr(entry, data.getvalue())
    return packed.getvalue()
