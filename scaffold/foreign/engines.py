"""Render a fetched template with the engine that it is written for."""

import json
import logging
import os
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError
from scaffold.foreign.inspection import Engine
from scaffold.git import without_redirections


@dataclass(frozen=True, slots=True)
class Rendering:
    """What to render: the template's folder, the answers, and whether to ask for the rest.

    `name` is the folder that Copier renders into; Cookiecutter's templates name their own.
    """

    template: Path
    commit: str | None
    name: str
    answers: Mapping[str, Any]
    ask: bool
    trust: bool


def render(engine: Engine, what: Rendering, scratch: Path) -> Path:
    """Render below `scratch` and return the project's folder.

    Without trust no code of the template runs: no task, no hook, no extension, and templates are
    evaluated in Jinja's sandbox.

    Raises:
        ScaffoldError: the template or an answer is wrong; says which, in one line.
    """
    out = scratch / "out"
    out.mkdir()
    try:
        with _undisturbed():
            if engine == "copier":
                return _copier(what, out)
            return _cookiecutter(what, out, scratch)
    except ScaffoldError:
        raise
    except Exception as error:
        # Whatever a stranger's template makes its engine raise, it is no defect of ours.
        raise _explained(error, engine, what.answers) from error


def _copier(what: Rendering, out: Path) -> Path:
    import copier

    destination = out / what.name
    copier.run_copy(
        str(what.template),
        destination,
        data=dict(what.answers),
        vcs_ref=what.commit,
        defaults=not what.ask,
        settings=copier.load_settings(),
        unsafe=what.trust,
        overwrite=True,
        quiet=True,
    )
    return destination


def _cookiecutter(what: Rendering, out: Path, scratch: Path) -> Path:
    from scaffold.foreign.sandbox import sandboxed

    # By name: Cookiecutter says nothing of its types.
    get_user_config: Any = import_module("cookiecutter.config").get_user_config
    cookiecutter: Any = import_module("cookiecutter.main").cookiecutter

    # The user's defaults count; his caches and replays are not to be written to.
    config = scratch / "cookiecutter.yaml"
    own = {"replay_dir": str(scratch / "replay"), "cookiecutters_dir": str(scratch / "cloned")}
    defaults = get_user_config()["default_context"]
    config.write_text(json.dumps({**own, "default_context": defaults}), encoding="utf-8")
    with sandboxed(active=not what.trust):
        made = cookiecutter(
            str(what.template),
            no_input=not what.ask,
            extra_context=dict(what.answers),
            output_dir=str(out),
            config_file=str(config),
            accept_hooks=what.trust,
        )
    return Path(made)


@contextmanager
def _undisturbed() -> Generator[None]:
    """Keep the engines from other repositories, our warnings and the terminal's log."""
    before = dict(os.environ)
    kept = without_redirections(before)
    for name in before.keys() - kept.keys():
        del os.environ[name]
    logging.getLogger("cookiecutter").setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.environ.update(before)


def _explained(error: Exception, engine: Engine, answers: Mapping[str, Any]) -> ScaffoldError:
    from jinja2 import TemplateSyntaxError, UndefinedError

    if isinstance(error, TemplateSyntaxError):
        where = f"{error.filename or 'a question'}, line {error.lineno}"
        return ScaffoldError(f"the template is wrong: {where}: {error.message}")
    if isinstance(error, UndefinedError):
        return ScaffoldError(f"the template uses what it never asks for: {error.message}")
    said = str(error).strip() or type(error).__name__
    if " is required" in said:
        return ScaffoldError(said, "Answer it with --data KEY=VALUE.")
    given = ", ".join(f"{key}={value}" for key, value in answers.items())
    hint = f"Look at the answers given: {given}." if isinstance(error, ValueError) and given else ""
    return ScaffoldError(f"{engine} can't render the template: {said}", hint)
