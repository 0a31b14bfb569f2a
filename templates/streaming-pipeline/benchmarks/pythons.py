"""Train with each Python that the project supports, and compare the bytes.

    python benchmarks/pythons.py
    python benchmarks/pythons.py 3.12=path/to/bin/python 3.13=...   with environments of one's own

Each environment is made from requirements.lock, in build/pythons. Exits 1 when a model differs.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from portfolio_project.provenance import save_report

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "pythons"
REPORT = ROOT / "var" / "reports" / "pythons.json"
VERSIONS = ("3.11", "3.12", "3.13")
FILES = ("lightgbm/model.onnx", "lightgbm/explainer.npz", "logistic/model.onnx", "table.npz")


def environment(version: str) -> Path:
    """Make an environment for `version` from the lock; returns its interpreter."""
    folder = BUILD / version
    python = folder / "bin" / "python"
    uv = ["sh", "tools/uv.sh"]
    if not python.exists():
        subprocess.run([*uv, "venv", "--quiet", "--python", version, folder], cwd=ROOT, check=True)
    sync = ["pip", "sync", "--quiet", "--python", python, "--require-hashes", "requirements.lock"]
    subprocess.run([*uv, *sync], cwd=ROOT, check=True)
    return python


def train(version: str, python: Path) -> dict[str, str]:
    """Ingest and train the little world; returns file -> SHA-256, and the exact version."""
    data = BUILD / f"var-{version}"
    shutil.rmtree(data, ignore_errors=True)
    prefix = "PORTFOLIO_PROJECT_"
    settings = {f"{prefix}DATA_DIR": str(data)}
    for command in (["ingest", "--profile", "tiny"], ["train"]):
        subprocess.run(
            [
                python,
                "-m",
                "portfolio_project",
                *command,
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **settings},
            cwd=ROOT,
            check=True,
        )
    exact = [python, "-c", "import platform; print(platform.python_version())"]
    said = subprocess.run(exact, capture_output=True, text=True, check=True).stdout.strip()
    models = data / "models"
    hashes = {name: hashlib.sha256((models / name).read_bytes()).hexdigest() for name in FILES}
    return {"python": said} | hashes


def main(arguments: list[str]) -> int:
    """Train with all of them, and write the report."""
    given = dict(argument.split("=", 1) for argument in arguments)
    found: list[dict[str, Any]] = []
    for version in VERSIONS:
        python = Path(given[version]).absolute() if version in given else environment(version)
        found.append(train(version, python))
        print(found[-1], flush=True)
    same = len({tuple(one[name] for name in FILES) for one in found}) == 1
    short = [{"python": one["python"]} | {name: one[name][:12] for name in FILES} for one in found]
    save_report(
        REPORT, {"same": same, "verdict": "the same" if same else "NOT the same", "runs": short}
    )
    print("the same bytes" if same else "the bytes differ")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
