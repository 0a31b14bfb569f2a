"""The lock check finds what a person would not see: one file that was left behind."""

import shutil
import subprocess
import sys

import pytest

PYPROJECT = """
[project]
name = "example"
dependencies = ["Some_Thing>=2", "other[extra]>=1,<2; python_version < '4'"]

[dependency-groups]
dev = ["third", { include-group = "more" }]
more = []
torch = ["torch==2.13.0", "some-thing"]

[tool.uv]
exclude-dependencies = ["torch"]
"""
VERSIONS = {"other": "1.5", "some-thing": "2.1", "third": "0.1"}


@pytest.fixture
def project(tmp_path, request):
    """Return a project with a seed; call `write(name=version)` to change a version in it."""
    shutil.copytree(request.config.rootpath / "tools", tmp_path / "tools")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    write_seed(tmp_path, VERSIONS)
    write_requirements(tmp_path, VERSIONS)
    return tmp_path


def write_seed(folder, versions):
    packages = [
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "." }}\n'
        for name, version in versions.items()
    ]
    (folder / "uv.lock").write_text("version = 1\n" + "".join(packages))


def write_requirements(folder, versions):
    pins = [
        f"{name}=={version} ; python_version >= '3.11' \\\n    --hash=sha256:00\n"
        for name, version in versions.items()
    ]
    (folder / "requirements.lock").write_text("".join(pins))


def check(folder):
    command = [sys.executable, "tools/check_lock.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_seed_that_agrees_with_the_other_files_passes_and_is_called_a_seed(project):
    done = check(project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "a seed of versions" in done.stdout
    assert "3 packages agree" in done.stdout


def test_a_version_that_differs_is_named_with_both_versions(project):
    write_seed(project, VERSIONS | {"third": "0.2"})

    done = check(project)

    assert done.returncode == 1
    assert "third: 0.2 in uv.lock, 0.1 in requirements.lock" in done.stdout


def test_a_package_that_only_one_file_has_is_named(project):
    write_requirements(project, VERSIONS | {"stray": "3"})

    done = check(project)

    assert done.returncode == 1
    assert "stray: absent in uv.lock, 3 in requirements.lock" in done.stdout


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ("fourth>=1", "fourth>=1: not in requirements.lock"),
        ("third>=9", "third>=9: 0.1 in requirements.lock"),
    ],
)
def test_a_dependency_that_the_lock_does_not_satisfy_is_named(project, wanted, complaint):
    file = project / "pyproject.toml"
    file.write_text(file.read_text().replace('"third"', f'"{wanted}"'))

    done = check(project)

    assert done.returncode == 1
    assert complaint in done.stdout
