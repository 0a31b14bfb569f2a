"""Make a project of somebody else's template: fetch, look, render aside, put in place whole."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError
from scaffold.foreign.engines import Rendering, render
from scaffold.foreign.fetch import Fetched, fetch, use_latest_release
from scaffold.foreign.inspection import Engine, code_it_runs, engine_of, questions
from scaffold.foreign.worker import render_apart
from scaffold.git import GitResult, init_and_commit
from scaffold.nearest import nearest
from scaffold.place import plan, staged


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; `dest` is None when the template may name the folder."""

    source: str
    dest: Path | None
    answers: Mapping[str, Any]
    ref: str = ""
    ask: bool = False
    trust: bool = False
    git: bool = True
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A project that is in place (or, in a dry run, would be), and where it comes from."""

    engine: Engine
    commit: str | None
    path: Path
    files: list[str]
    git: GitResult | None


def create(request: Request) -> Made:
    """Make the project.

    Raises:
        ScaffoldError: the template can't be had or rendered, or wants to run code and `trust` is
            not given; the destination is then as it was.
    """
    if request.dest is not None:
        plan(request.dest)  # before anything is fetched in vain
    with tempfile.TemporaryDirectory(prefix="scaffold-foreign-") as temporary:
        scratch = Path(temporary).resolve()
        fetched = fetch(request.source, scratch, request.ref)
        engine = engine_of(fetched.folder, request.source)
        if engine == "copier" and fetched.commit and not request.ref:
            fetched = use_latest_release(fetched)
            engine = engine_of(fetched.folder, request.source)
        if engine == "copier" and request.dest is None:
            raise ScaffoldError("a folder for the project is missing", "Write it last: DEST.")
        _check_answers(request, fetched, engine)
        _check_trust(request, fetched, engine)
        name = request.dest.absolute().name if request.dest else ""
        what = Rendering(
            fetched.folder, fetched.commit, name, request.answers, request.ask, request.trust
        )
        project = (render if request.ask else render_apart)(engine, what, scratch)
        destination = request.dest or Path(project.name)
        return _place(request, fetched, engine, project, destination)


def _check_answers(request: Request, fetched: Fetched, engine: Engine) -> None:
    asked = questions(fetched.folder, engine)
    for key in request.answers if asked is not None else ():
        if key not in (asked or ()):
            near = nearest(key, asked or ())
            hint = (
                f"Did you mean `{near}`?" if near else f"It asks {', '.join(sorted(asked or ()))}."
            )
            raise ScaffoldError(f"the template doesn't ask `{key}`", hint)


def _check_trust(request: Request, fetched: Fetched, engine: Engine) -> None:
    code = code_it_runs(fetched.folder, engine)
    if code and not request.trust:
        hint = "If you trust its author, add --trust."
        raise ScaffoldError(f"{request.source} wants to run code: {'; '.join(code)}", hint)


def _place(
    request: Request, fetched: Fetched, engine: Engine, project: Path, destination: Path
) -> Made:
    where = plan(destination)
    commit = fetched.commit
    files = _files(project)
    if request.dry_run:
        return Made(engine, commit, where.destination, files, None)
    # What the template was told of our scratch folders must not stay in the project.
    names = {
        str(fetched.folder): fetched.source,
        str(project): str(where.destination),
        str(project.parent): str(where.destination.parent),
    }
    _rename_inside(project, names)
    with staged(where) as room:
        shutil.copytree(project, room, symlinks=True, dirs_exist_ok=True)
        made = None
        if request.git:
            message = f"Start from {request.source}"
            made = init_and_commit(room, message, at=where.destination)
    return Made(engine, commit, where.destination, files, made)


def _files(project: Path) -> list[str]:
    paths = (path for path in project.rglob("*") if not path.is_dir() or path.is_symlink())
    inside = (path.relative_to(project) for path in paths)
    return sorted(path.as_posix() for path in inside if path.parts[0] != ".git")


def _rename_inside(project: Path, names: Mapping[str, str]) -> None:
    for name in _files(project):
        path = project / name
        if path.is_symlink():
            target = _renamed(os.fsencode(path.readlink()), names)
            if target is not None:
                path.unlink()
                path.symlink_to(os.fsdecode(target))
            continue
        content = _renamed(path.read_bytes(), names)
        if content is not None:
            path.write_bytes(content)


def _renamed(content: bytes, names: Mapping[str, str]) -> bytes | None:
    if b"\0" in content:
        return None
    new = content
    for before, after in names.items():
        new = new.replace(os.fsencode(before), os.fsencode(after))
    return None if new == content else new
