"""Where templates come from: this program, or a folder that somebody keeps (``--from``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scaffold import history, template
from scaffold.compile import ANSWERS_FILE
from scaffold.errors import ScaffoldError
from scaffold.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scaffold.template import Template

Kind = Literal["living", "copier", "cookiecutter", "projects"]

_HISTORY = "history.bundle"


@dataclass(frozen=True, slots=True)
class Home:
    """A folder's templates by name, what form they have, and the bundle of their releases.

    ``templates`` holds folders; for living ones :meth:`find` returns more.
    """

    kind: Kind
    templates: dict[str, Path]
    bundle: Path
    place: str

    def choose(self, words: Sequence[str]) -> tuple[str, str | None]:
        """Return the template's name and the destination out of ``[TEMPLATE] [DEST]``.

        Raises:
            ScaffoldError: there are several templates and none of them is named.
        """
        if words and words[0] in self.templates:
            return words[0], words[1] if len(words) > 1 else None
        if len(self.templates) == 1 and len(words) <= 1:
            return next(iter(self.templates)), words[0] if words else None
        raise self._no_such(words[0] if words else "")

    def find(self, name: str) -> Template:
        """Return a living template.

        Raises:
            ScaffoldError: there is none of that name.
        """
        if name not in self.templates or self.kind != "living":
            raise self._no_such(name)
        return template.read_living(self.templates[name])

    def _no_such(self, name: str) -> ScaffoldError:
        near = nearest(name, self.templates) if name else ""
        hint = f"Did you mean `{near}`?" if near else f"It has {', '.join(self.templates)}."
        what = f"no template `{name}`" if name else "several templates"
        return ScaffoldError(f"{self.place} has {what}", hint)


def home_at(path: Path) -> Home:
    """Look what a folder holds: living templates, one living template, or an export.

    Raises:
        ScaffoldError: none of these.
    """
    folder = path.expanduser().resolve()
    if not folder.is_dir():
        raise ScaffoldError(f"there is no folder {path}", "--from takes a folder of templates.")
    found: dict[Kind, dict[str, Path]] = {
        "living": _with(folder, template.METADATA),
        "projects": _with(folder, ANSWERS_FILE),
    }
    if (folder / "copier.yml").is_file():
        found = {"copier": _folders(folder)}
    elif (folder / "cookiecutter.json").is_file():
        found = {"cookiecutter": _with(folder, "cookiecutter.json", itself=False)}
    for kind, templates in found.items():
        if templates:
            return Home(kind, templates, folder / _HISTORY, str(path))
    raise ScaffoldError(
        f"{path} holds no template",
        "A living template has a template.toml; `scaffold export` makes the other forms.",
    )


def our_bundle(path: Path | None) -> Path:
    """Return the released trees of a folder of templates, or of this program."""
    return history.BUNDLE if path is None else home_at(path).bundle


def find_template(name: str, path: Path | None) -> Template:
    """Return a living template of a folder, or one of this program.

    Raises:
        ScaffoldError: there is none.
    """
    if path is not None:
        return home_at(path).find(name)
    from scaffold.library import find

    return find(name)


def _with(folder: Path, mark: str, *, itself: bool = True) -> dict[str, Path]:
    if itself and (folder / mark).is_file():
        return {folder.name: folder}
    return {inner.parent.name: inner.parent for inner in sorted(folder.glob(f"*/{mark}"))}


def _folders(folder: Path) -> dict[str, Path]:
    inner = sorted(each for each in folder.iterdir() if each.is_dir() and each.name[0] != ".")
    return {each.name: each for each in inner}
