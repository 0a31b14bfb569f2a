"""The names that are taken: on every supported Python, and with the dependencies installed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.reserved import package_names, project_names
from scaffold.template import available
from tools.record_modules import surprising_modules

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
LIST = (
    "import sys, json; print('.'.join(map(str, sys.version_info[:3])));"
    "print(json.dumps(sorted(sys.stdlib_module_names)))"
)
TEMPLATES = available().values()


def listed_by(version):
    """Return the standard library's modules as a Python of this version lists them, if any can."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [sys.executable, f"python{version}", *pyenv.glob(f"{version}.*/bin/python")]
    for candidate in candidates:
        python = shutil.which(candidate)
        done = python and subprocess.run(
            [python, "-c", LIST], capture_output=True, text=True, check=False
        )
        if done and done.stdout.startswith(f"{version}."):
            return json.loads(done.stdout.splitlines()[1])
    return None


MODULE_OF = {
    "pillow": "PIL",
    "pydantic-settings": "pydantic_settings",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}


@pytest.mark.parametrize("version", PYTHONS)
def test_no_package_is_named_after_a_module_of_any_supported_python(version):
    modules = listed_by(version)
    if modules is None:
        pytest.skip(f"Python {version} is not installed here")

    public = {name for name in modules if re.fullmatch("[a-z][a-z0-9_]*", name)}
    assert public - package_names(()).keys() == set()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.name)
def test_what_the_template_depends_on_is_taken_under_both_its_names(template):
    projects, packages = project_names(template.distributions), package_names(template.modules)

    taken = {name: module for name, module in MODULE_OF.items() if name in template.distributions}
    assert {"pydantic-settings", "pyyaml"} <= taken.keys() <= projects.keys()
    assert {*taken.values(), "fastapi"} <= packages.keys()
    assert {"conftest", "house", "tests"} <= packages.keys()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.name)
def test_every_module_that_dependencies_bring_is_recorded(template):
    if not (template.source / ".venv/bin/python").exists():
        pytest.skip("the template has no environment here: `make env` in it makes one")

    missing = set(surprising_modules(template.source)) - set(template.modules)

    assert missing == set(), "run `python -m tools.record_modules`"
