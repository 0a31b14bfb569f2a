"""Serving needs no torch, and its libraries get along in one process."""

import os
import subprocess
import sys

import pytest

SEARCH = """
import sys
from starlette.testclient import TestClient
from portfolio_project.api import create_app
from portfolio_project.serving import load_settings
from portfolio_project.settings import Settings
with TestClient(create_app(load_settings(Settings, log_level="error"))) as client:
    part = {"kind": "text", "text": "a red circle"}
    assert client.post("/v1/search", json={"query": [{"part": part}]}).json()["hits"]
heavy = {"torch", "lightning_fabric", "onnx", "matplotlib", "datasets"} & set(sys.modules)
assert not heavy, heavy
"""


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_a_search_is_answered_without_torch(workspace):
    name = "PORTFOLIO_PROJECT_DATA_DIR"
    done = run(SEARCH, **{name: str(workspace)})

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("order", ["usearch.index, onnxruntime", "onnxruntime, usearch.index"])
def test_index_and_model_libraries_load_in_either_order(order):
    assert run(f"import {order}").returncode == 0
