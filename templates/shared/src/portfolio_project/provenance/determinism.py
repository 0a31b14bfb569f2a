"""One seed and one thread: what makes two trainings give the same bytes."""

import os
import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

THREAD_VARIABLES = (
    "BLIS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def deterministic_environment() -> dict[str, str]:
    """Return the variables that a child process needs: one thread each, and a fixed string hash.

    They take effect only when set before the interpreter starts, so pass them to `subprocess`.
    """
    return {**dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONHASHSEED": "0"}


@contextmanager
def deterministic(seed: int) -> Generator["np.random.Generator"]:
    """Seed `random` and NumPy and hold BLAS and OpenMP to one thread; undone on leaving.

    More threads add the same floats in another order, which changes their last bits. The
    variables reach libraries that are not loaded yet, threadpoolctl those that are.

    Args:
        seed: of every generator, 0 to 2**32 - 1.

    Yields:
        A NumPy generator of its own, seeded with `seed`.
    """
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    # After the variables: a library that NumPy loads reads them once, when it is loaded.
    import numpy as np  # noqa: PLC0415
    from threadpoolctl import (  # type: ignore[import-untyped]  # noqa: PLC0415
        threadpool_limits,
    )

    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries still draw from the global generator
    try:
        with threadpool_limits(limits=1):
            yield np.random.default_rng(seed)
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
