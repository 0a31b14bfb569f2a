"""The bytes of an archive are those of every other Python and machine."""

import hashlib
import io

import numpy as np

from portfolio_project.archive import pack

ARRAYS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array([b"x", b"yz"]),
    "c": np.array(3, dtype=np.int64),
}
WRITTEN = "9c1c948d941d74ac3cceb431d2a806b2f783ecaea8df76a40563d3e7e5e2e877"


def test_what_is_packed_is_loaded_again():
    with np.load(io.BytesIO(pack(ARRAYS)), allow_pickle=False) as archive:
        assert archive.files == ["a", "b", "c"]
        for name, array in ARRAYS.items():
            assert (archive[name].dtype, archive[name].shape) == (array.dtype, array.shape)
            np.testing.assert_array_equal(archive[name], array)


def test_the_same_arrays_give_the_same_bytes_everywhere():
    assert hashlib.sha256(pack(ARRAYS)).hexdigest() == WRITTEN
    assert pack(dict(sorted(ARRAYS.items()))) == pack(ARRAYS)
