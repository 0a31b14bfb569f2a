"""The files around the code say the same as the code, and as each other."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

PROMISED = [
    "help",
    "demo",
    "test",
    "lint",
    "format",
    "types",
    "train",
    "reproduce",
    "evaluate",
    "serve",
    "bench",
    "verify",
    "lock",
    "docker",
    "clean",
]
GATE = ["lock", "lint", "format", "types", "test", "reproduce", "build", "smoke"]
# In pieces, so that this file does not hold what it looks for.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("docker", "io"),
        ("mcr", "microsoft", "com"),
        ("deb", "debian", "org"),
        ("huggingface", "co"),
    )
]
MADE_HERE = {".git", ".venv", ".tools", "build", "dist", "var", "__pycache__"}


@pytest.fixture
def root(request):
    return request.config.rootpath


@pytest.fixture
def make(root):
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}

    def run(*arguments: str) -> str:
        command = ["make", *arguments]
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def pyproject(root):
    return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.fixture
def workflow(root):
    return yaml.safe_load((root / ".github/workflows/ci.yml").read_text())


def commands(workflow):
    return [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]


def test_bare_make_lists_every_promised_target_with_what_it_does(make):
    listed = dict(re.findall(r"^  make (\S+)\s+(\S.*)$", make(), re.MULTILINE))

    assert set(PROMISED) <= set(listed)


@pytest.mark.parametrize("target", [*PROMISED, *(f"gate-{step}" for step in GATE)])
def test_every_promised_target_can_be_made(make, target):
    assert make("--dry-run", target)


def test_the_gate_names_its_steps_in_order_and_nothing_else(make):
    assert make("-s", "gate-steps").split() == GATE


def test_makefile_keeps_to_what_the_make_of_macos_understands(root):
    newer_than_3_81 = r"\.ONESHELL|\.SHELLFLAGS|!=|::=|\$\(file |&:|\bundefine\b"

    assert not re.findall(newer_than_3_81, (root / "Makefile").read_text())


def test_ci_runs_make_and_only_make(workflow):
    assert {command.split()[0] for command in commands(workflow)} == {"make"}


def test_ci_runs_the_whole_gate_in_its_order(make, workflow):
    gate = [line.removeprefix("make ") for line in commands(workflow) if " gate-" in line]

    assert gate == [f"gate-{step}" for step in make("-s", "gate-steps").split()]


def test_ci_is_granted_nothing_but_reading(workflow):
    assert workflow["permissions"] == {}
    assert all(job["permissions"] == {"contents": "read"} for job in workflow["jobs"].values())


def test_actions_are_pinned_to_a_commit_with_its_version_beside_it(root):
    text = (root / ".github/workflows/ci.yml").read_text()
    uses = re.findall(r"uses: (.*)", text)

    assert uses
    assert all(re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use) for use in uses)


def test_ci_tests_the_python_versions_that_the_project_claims(pyproject, workflow):
    claimed = re.findall(r"Python :: (3\.\d+)'", str(pyproject["project"]["classifiers"]))

    assert workflow["jobs"]["gate"]["strategy"]["matrix"]["python"] == claimed


def test_one_version_of_uv_is_named_everywhere(root, pyproject):
    places = ("tools/uv.sh", "Dockerfile", ".github/workflows/ci.yml")
    pattern = r'(?:^version=|uv==|version: ")(\d+\.\d+\.\d+)'
    named = {
        v for place in places for v in re.findall(pattern, (root / place).read_text(), re.MULTILINE)
    }

    assert len(named) == 1
    build_requirement = Requirement(pyproject["build-system"]["requires"][0])
    assert build_requirement.specifier.contains(named.pop())


def test_one_version_of_python_is_preferred_everywhere(root):
    preferred = (root / ".python-version").read_text().strip()

    assert f"ARG PYTHON_VERSION={preferred}\n" in (root / "Dockerfile").read_text()
    assert f"FROM python:{preferred}-" in (root / ".devcontainer/Dockerfile").read_text()


def test_dockerfile_copies_what_exists_and_what_dockerignore_lets_through(root):
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (root / "Dockerfile").read_text(), re.MULTILINE
    )
    sources = {source for line in copied for source in line.split()}
    let_through = re.findall(r"^!(\S+)$", (root / ".dockerignore").read_text(), re.MULTILINE)

    assert sources
    assert all((root / source).exists() for source in sources)
    assert sources == set(let_through)


def test_every_command_that_is_called_exists(root, pyproject):
    script = next(iter(pyproject["project"]["scripts"]))
    files = ["Makefile", "Dockerfile", "compose.yaml"]
    text = "\n".join((root / name).read_text() for name in files if (root / name).exists())
    called = re.findall(rf"(?:\$\(APP\)|[{{&] {script}) ([a-z]+)\b", text)
    called += re.findall(r'(?:CMD|command:) \["([a-z]+)"\]', text)
    command = [root / ".venv/bin" / script, "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert {"demo", "serve", "train"} <= set(called)
    assert [verb for verb in set(called) if not re.search(rf"\b{verb}\b", shown)] == []


def test_image_carries_the_version_of_the_project(root, pyproject):
    label = f'org.opencontainers.image.version="{pyproject["project"]["version"]}"'

    assert label in (root / "Dockerfile").read_text()


def test_pre_commit_runs_locked_tools_only(root):
    config = yaml.safe_load((root / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]

    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    for hook in hooks:
        runner, script, tool = hook["entry"].split()[:3]
        assert (runner, script) == ("sh", "tools/environment.sh")
        assert (root / ".venv/bin" / tool).exists(), f"{tool} is not in the environment"


def test_no_file_names_a_registry(root):
    # uv.lock is left out: once completed on a user's machine, addresses are what it is for.
    found = [
        f"{path.relative_to(root)}: {host}"
        for path in files_under(root)
        if path.name != "uv.lock"
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]

    assert found == []


def files_under(root):
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = [f for f in folders if f not in MADE_HERE and not f.endswith("_cache")]
        yield from (Path(folder) / name for name in names if (Path(folder) / name).is_file())
