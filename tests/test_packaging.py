"""What is built carries the templates: the same from a checkout and from an sdist."""

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from trees import SYNTHETIC, living_template, user_environment

from scaffold.library import tree_of
from scaffold.pack import pack, unpack
from scaffold.template import available

ROOT = Path(__file__).parents[1]


def build(kind, source, out):
    """Build a distribution without a network, from the tools that are installed here."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", out, source],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return made


@pytest.fixture(scope="module")
def unpacked_sdist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", ROOT, folder)) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = [path for path in folder.iterdir() if path.is_dir()]
    return unpacked


@pytest.fixture(scope="module")
def site(unpacked_sdist, tmp_path_factory):
    """Return the wheel that is built from the sdist, installed into an empty folder."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(build("wheel", unpacked_sdist, folder)) as archive:
        archive.extractall(folder / "site")  # noqa: S202 - our own wheel
    return folder / "site"


def run(site, *arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "scaffold", *arguments],
        cwd=cwd,
        env=user_environment(cwd, PYTHONPATH=str(site)),
        capture_output=True,
        text=True,
        check=True,
    )


def test_packing_keeps_every_byte_and_mode_and_is_deterministic(tmp_path):
    template = living_template(tmp_path, SYNTHETIC)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        pack(template, tmp_path / name)

    assert unpack(tmp_path / "one/tiny.zip") == tree_of(template)
    for file in ("tiny.zip", "tiny.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_sdist_holds_living_templates_without_links(unpacked_sdist):
    linked = [path for path in (unpacked_sdist / "templates").rglob("*") if path.is_symlink()]

    assert linked == []
    for name in available():
        assert (unpacked_sdist / "templates" / name / "template.toml").exists()


def test_an_unpacked_sdist_works_where_it_stands_without_git(unpacked_sdist, tmp_path):
    done = run(
        unpacked_sdist, "new", "streaming-pipeline", "x", "--dry-run", "--json", cwd=tmp_path
    )

    files = json.loads(done.stdout)["files"]
    assert "src/x/serving/app.py" in files


def test_a_wheel_made_from_the_sdist_makes_the_project_that_the_sdist_makes(
    unpacked_sdist, site, tmp_path
):
    for name, source in (("one", unpacked_sdist), ("two", site)):
        (tmp_path / name).mkdir()
        quick = ("--defaults", "--no-git", "--no-lock")
        run(source, "new", "streaming-pipeline", "project", *quick, cwd=tmp_path / name)

    subprocess.run(
        ["diff", "-r", "one/project", "two/project"], cwd=tmp_path, check=True, capture_output=True
    )


def test_the_wheel_carries_compiled_templates_and_nothing_that_installers_would_compile(site):
    compiled = site / "scaffold" / "_compiled"

    assert sorted(path.name for path in compiled.iterdir()) == sorted(
        f"{name}.{kind}" for name in available() for kind in ("json", "zip")
    )
    assert not (site / "templates").exists()


def test_the_wheel_lists_its_templates_without_opening_them(site, tmp_path):
    for archive in (site / "scaffold" / "_compiled").glob("*.zip"):
        archive.rename(archive.with_suffix(".away"))
    try:
        assert "streaming-pipeline" in run(site, "list", cwd=tmp_path).stdout
    finally:
        for archive in (site / "scaffold" / "_compiled").glob("*.away"):
            archive.rename(archive.with_suffix(".zip"))
