"""Look into a fetched template: whose engine it is for, what it asks, and what code it would run.

Nothing of the template is run, or rendered, for this.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeGuard, cast

import yaml

from scaffold.errors import ScaffoldError

Engine = Literal["copier", "cookiecutter"]

_COPIER_FILES = ("copier.yml", "copier.yaml")
_COOKIECUTTER_FILE = "cookiecutter.json"
_HOOKS = ("pre_prompt", "pre_gen_project", "post_gen_project")
_MANY_LINKS = 5


def engine_of(folder: Path, source: str) -> Engine:
    """Tell the engine by the template's files; Copier's where there are both.

    Raises:
        ScaffoldError: there is neither; names sub-folders that are templates.
    """
    if any((folder / name).is_file() for name in _COPIER_FILES):
        return "copier"
    if (folder / _COOKIECUTTER_FILE).is_file():
        return "cookiecutter"
    known = {*_COPIER_FILES, _COOKIECUTTER_FILE}
    inner = sorted(
        {str(p.parent.relative_to(folder)) for p in folder.glob("*/*") if p.name in known}
    )
    hint = f"There are templates in {', '.join(inner)}: clone it and name one." if inner else ""
    what = "is no template: it has neither copier.yml nor cookiecutter.json"
    raise ScaffoldError(f"{source} {what}", hint)


def copier_config(folder: Path) -> dict[str, Any]:
    """Return copier.yml as Copier reads it: every document and included file, the last one wins.

    Raises:
        ScaffoldError: it can't be parsed; names the line.
    """
    found = [folder / name for name in _COPIER_FILES if (folder / name).is_file()]
    merged: dict[str, Any] = {}
    for document in _documents(found[0], folder):
        extensions = [*_as_list(merged.get("_jinja_extensions"))]
        extensions += _as_list(document.get("_jinja_extensions"))
        merged |= document
        if extensions:
            merged["_jinja_extensions"] = extensions
    return merged


def cookiecutter_context(folder: Path) -> dict[str, Any]:
    """Return cookiecutter.json.

    Raises:
        ScaffoldError: it can't be parsed; names the line.
    """
    return _json_object(folder / _COOKIECUTTER_FILE, folder)


def questions(folder: Path, engine: Engine) -> set[str] | None:
    """Return the keys that can be answered; None when only the engine will know."""
    if engine == "copier":
        return {key for key in copier_config(folder) if not key.startswith("_")}
    context = cookiecutter_context(folder)
    return None if {"template", "templates"} & context.keys() else set(context)


def code_it_runs(folder: Path, engine: Engine) -> list[str]:
    """Return, an entry each, what the template would run or read outside itself."""
    found = _copier_code(folder) if engine == "copier" else list(_cookiecutter_code(folder))
    return [*found, *_outward_links(folder)]


def _copier_code(folder: Path) -> list[str]:
    config = copier_config(folder)
    found = [f"Jinja extension {name}" for name in _as_list(config.get("_jinja_extensions"))]
    found += [f"task {_command(task)}" for task in _as_list(config.get("_tasks"))]
    for migration in _as_list(config.get("_migrations")):
        found += [f"migration {command}" for command in _migration_commands(migration)]
    return found


def _migration_commands(migration: object) -> list[str]:
    if _is_table(migration) and {"before", "after"} & migration.keys():
        steps = [*_as_list(migration.get("before")), *_as_list(migration.get("after"))]
        return [_command(step) for step in steps]
    return [_command(migration)]


def _cookiecutter_code(folder: Path) -> Iterator[str]:
    # A nested template is chosen when it is too late to ask, so all of them count.
    for path in sorted(folder.rglob(_COOKIECUTTER_FILE)):
        if ".git" not in path.relative_to(folder).parts:
            context = _json_object(path, folder)
            for name in _as_list(context.get("_extensions")):
                yield f"Jinja extension {name}"
    for path in sorted(folder.rglob("hooks/*")):
        inside = path.relative_to(folder)
        if path.stem in _HOOKS and not path.name.endswith("~") and ".git" not in inside.parts:
            yield f"hook {inside.as_posix()}"


def _outward_links(folder: Path) -> list[str]:
    # Followed, such a link would put a file of the user's into the project.
    root = folder.resolve()
    found = [
        f"link {path.relative_to(folder).as_posix()} to {path.readlink()}, outside the template"
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() and not path.resolve().is_relative_to(root)
    ]
    return found[:_MANY_LINKS]


def _documents(path: Path, root: Path) -> Iterator[dict[str, Any]]:
    class Loader(yaml.SafeLoader):
        """Copier's own tag, for this template."""

    def include(loader: yaml.SafeLoader, node: yaml.Node) -> list[object]:
        pattern = str(loader.construct_scalar(cast("yaml.ScalarNode", node)))
        inside = [found for found in sorted(path.parent.glob(pattern)) if _within(found, root)]
        return [document for found in inside for document in _documents(found, root)]

    Loader.add_constructor("!include", include)
    try:
        documents = list(yaml.load_all(path.read_bytes(), Loader=Loader))
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ScaffoldError(f"{path.name}{where} is no good YAML: {error.problem}") from error
    except (yaml.YAMLError, OSError, ValueError, NotImplementedError) as error:
        raise ScaffoldError(f"{path.name} can't be read: {error}") from error
    yield from _mappings(documents, path)


def _mappings(documents: list[object], path: Path) -> Iterator[dict[str, Any]]:
    for document in documents:
        if _is_list(document):
            yield from _mappings(document, path)
        elif _is_table(document):
            yield {str(key): value for key, value in document.items()}
        elif document is not None:
            raise ScaffoldError(f"{path.name} is no list of questions")


def _within(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


def _json_object(path: Path, root: Path) -> dict[str, Any]:
    name = path.relative_to(root).as_posix()
    try:
        content = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise ScaffoldError(f"{name}, line {error.lineno} is no good JSON: {error.msg}") from error
    except (OSError, ValueError) as error:
        raise ScaffoldError(f"{name} can't be read: {error}") from error
    if not isinstance(content, dict):
        raise ScaffoldError(f"{name} is no list of questions")
    return cast("dict[str, Any]", content)


def _command(task: object) -> str:
    command = task.get("command") if _is_table(task) else task
    return f"`{' '.join(map(str, _as_list(command)))}`"


def _as_list(value: object) -> list[object]:
    if value is None:
        return []
    return value if _is_list(value) else [value]


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _is_table(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)
