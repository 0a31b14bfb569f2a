"""The same corpus gives the same model, byte for byte, in another process with other threads."""

import os
import subprocess
import sys

import pytest

from portfolio_project.policy_model import files
from portfolio_project.training import train

NAMES = (files.ARRAYS, files.NAMES, train.REPORT)


@pytest.mark.slow
def test_one_corpus_gives_one_model_whatever_the_threads(trained, tmp_path):
    module = "portfolio_project.training.train"
    threads = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "7"}
    subprocess.run(
        [sys.executable, "-m", module, trained / "data", tmp_path, "{}"],
        check=True,
        env=os.environ | threads,
    )

    for name in NAMES:
        assert (tmp_path / name).read_bytes() == (trained / "models" / name).read_bytes(), name
