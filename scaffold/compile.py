"""Turn a living template into a tree that holds nothing but a project with tokens."""

from __future__ import annotations

import os
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.answers import KEYS
from scaffold.errors import ScaffoldError
from scaffold.identity import (
    DELIMITERS,
    FREE_TEXT,
    TOKEN_BYTES_PATTERN,
    TOKEN_PATTERN,
    TOKENS,
    context_of,
)
from scaffold.template import METADATA
from scaffold.tree import File, Tree, read_file, sorted_tree, tree_digest

if TYPE_CHECKING:
    import pathspec

    from scaffold.template import Template

ANSWERS_FILE = ".copier-answers.yml"
LICENSE_FILE = "LICENSE"
_NEVER = frozenset({".git", "__pycache__", ".venv", "node_modules"})
_ON_WINDOWS = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')


def compile_template(template: Template) -> Tree:
    """Return the tree of a living template: links resolved, built and ignored files left out.

    The licence is left out too (the answers choose it), and the file of answers, in Copier's
    form, is added. Every token still stands.

    Raises:
        ScaffoldError: the template can't be given every identity; names the file and the reason.
    """
    files = living_files(template.source)
    for left_out in (METADATA, LICENSE_FILE):
        files.pop(left_out, None)
    for path, file in files.items():
        check_file(path, file)
    _check_paths(files)
    files[ANSWERS_FILE] = answers_file(template, tree_digest(files))
    return sorted_tree(files)


def living_files(folder: Path) -> dict[str, File]:
    """Read a living template, without what git ignores there and with links resolved.

    Raises:
        ScaffoldError: a link is broken, circular, or leaves the folder of all templates.
    """
    root = folder.resolve()
    boundary = root.parent
    files: dict[str, File] = {}
    spec = _Ignored()

    def visit(folder: Path, inside: str, trail: tuple[Path, ...]) -> None:
        spec.read(folder, inside)
        for entry in sorted(os.scandir(folder), key=lambda each: each.name):
            path = inside + entry.name
            if entry.name in _NEVER:
                continue
            real = _resolve(Path(entry.path), path, boundary) if entry.is_symlink() else None
            target = real or folder / entry.name
            mode = target.stat().st_mode
            if spec.match(path, is_folder=stat.S_ISDIR(mode)):
                continue
            if stat.S_ISDIR(mode):
                where = target.resolve()
                if where in trail:
                    raise _refused(path, "is a link to a folder that contains it")
                visit(target, path + "/", (*trail, where))
            elif stat.S_ISREG(mode):
                files[path] = read_file(target)
            else:
                raise _refused(path, "is neither a file nor a folder")

    visit(root, "", (root,))
    return files


def answers_file(template: Template, digest: str) -> File:
    """Return the project's record of template, version and answers, with tokens for the answers.

    ``digest`` is that of all the other files: it tells a release from a checkout in which
    somebody is working. The record is a file like any other, so that all three renderers write
    the same one.
    """
    token_of = {key: token for token, key in TOKENS.items()}
    lines = [
        "# Written by scaffold, read again when the project is updated: keep it, don't edit it.",
        f'_commit: "{template.version}"',
        f'_src_path: "scaffold/{template.name}"',
        f'_tree: "{digest}"',
        f'template: "{template.name}"',  # an export of several templates asks for it
        *(f'{key}: "{token_of[key]}"' for key in sorted(KEYS)),
    ]
    return File(("\n".join(lines) + "\n").encode())


def check_file(path: str, file: File) -> None:
    """Refuse a file whose tokens can't all be replaced safely, or that a renderer would mangle."""
    for delimiter in DELIMITERS.values():
        if delimiter in path or delimiter.encode() in file.data:
            raise _refused(path, f"holds {delimiter}, which delimits variables once compiled")
    in_path = [TOKENS[token] for token in TOKEN_PATTERN.findall(path)]
    if any(key not in {"project_name", "package_name"} for key in in_path):
        raise _refused(path, "has a token in its name that isn't a name")
    if not TOKEN_BYTES_PATTERN.search(file.data):
        return
    try:
        text = file.data.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused(path, "holds a token but isn't UTF-8") from None
    if "\r" in text or "\0" in text or text.startswith("\ufeff"):
        raise _refused(path, "holds a token and a carriage return, NUL or byte-order mark")
    _check_free_text(path, text)


def _resolve(link: Path, path: str, boundary: Path) -> Path:
    try:
        real = link.resolve(strict=True)
    except (OSError, RuntimeError):
        raise _refused(path, "is a link to nowhere") from None
    if not real.is_relative_to(boundary):
        raise _refused(path, f"is a link that leaves {boundary.name}/")
    return real


class _Ignored:
    """The template's own .gitignore files, the one of the innermost folder deciding."""

    def __init__(self) -> None:
        self._specs: list[tuple[str, pathspec.GitIgnoreSpec]] = []

    def read(self, folder: Path, inside: str) -> None:
        source = folder / ".gitignore"
        if source.is_file():
            import pathspec

            lines = source.read_text(encoding="utf-8").splitlines()
            self._specs.append((inside, pathspec.GitIgnoreSpec.from_lines(lines)))

    def match(self, path: str, *, is_folder: bool) -> bool:
        for inside, spec in reversed(self._specs):
            if path.startswith(inside):
                relative = path[len(inside) :] + ("/" if is_folder else "")
                verdict = spec.check_file(relative).include
                if verdict is not None:
                    return verdict
        return False


def _check_paths(files: dict[str, File]) -> None:
    seen: dict[str, str] = {}
    for path in files:
        other = seen.setdefault(path.casefold(), path)
        if other != path:
            raise _refused(path, f"differs from {other} in case only")
        if any(_ON_WINDOWS.search(part) for part in path.split("/")):
            raise _refused(path, "has a name that Windows can't hold")
    for reserved in (ANSWERS_FILE, "copier.yml", "cookiecutter.json"):
        if reserved in files:
            raise _refused(reserved, "is a file that scaffold writes itself")


def _check_free_text(path: str, text: str) -> None:
    context = context_of(path)
    lines = _Lines(text)
    for match in TOKEN_PATTERN.finditer(text):
        if TOKENS[match[0]] not in FREE_TEXT:
            continue
        number, before, line = lines.at(match.start())
        problem = _misplaced(context, before, line)
        if problem:
            raise _refused(f"{path}:{number}", f"holds `{match[0]}` {problem}")
    if context == "markdown":
        _check_markdown(path, text)
    if context == "html" and path.endswith(".html"):
        _ScriptCheck(path).feed(text)


def _misplaced(context: str | None, before: str, line: str) -> str:
    if context is None:
        return "in a file where free text has no safe place; read it at run time instead"
    in_comment = line.lstrip().startswith("#")
    if context == "quoted" and not in_comment and _unescaped_quotes(before) % 2 == 0:
        return "outside double quotes"
    if context == "markdown" and line.lstrip().startswith("<"):
        return "in a line of HTML, where Markdown has no escapes"
    if context == "markdown" and before.count("`") % 2:
        return "in code, where Markdown has no escapes"
    return ""


def _unescaped_quotes(text: str) -> int:
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', text))


def _check_markdown(path: str, text: str) -> None:
    """Refuse free text in fenced code and front matter, where Markdown has no escapes."""
    fence = "---" if text.startswith("---\n") else ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if fence:
            if _free_text_in(line):
                raise _refused(f"{path}:{number}", "holds free text in code or front matter")
            if line.strip() == fence and number > 1:
                fence = ""
        elif mark:
            fence = mark[1]


def _free_text_in(line: str) -> bool:
    return any(TOKENS[token] in FREE_TEXT for token in TOKEN_PATTERN.findall(line))


class _ScriptCheck(HTMLParser):
    """Refuses free text inside script and style, which know no entities."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def handle_data(self, data: str) -> None:
        if self.cdata_elem and _free_text_in(data):
            where = f"{self._path}:{self.getpos()[0]}"
            raise _refused(where, f"holds free text in <{self.cdata_elem}>")


class _Lines:
    def __init__(self, text: str) -> None:
        self._text = text

    def at(self, position: int) -> tuple[int, str, str]:
        """Return the number of a position's line, the part before the position, and the line."""
        start = self._text.rfind("\n", 0, position) + 1
        end = self._text.find("\n", position)
        line = self._text[start : end if end >= 0 else None]
        return self._text.count("\n", 0, start) + 1, self._text[start:position], line


def _refused(where: str, why: str) -> ScaffoldError:
    return ScaffoldError(f"the template can't be compiled: {where} {why}", exit_code=1)
