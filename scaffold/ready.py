"""Each template as a project that is ready to be cloned, with the evidence that it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scaffold.answers import complete
from scaffold.create import create
from scaffold.errors import ScaffoldError
from scaffold.git import Author, commit_paths, git
from scaffold.place import plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scaffold.answers import Answers
    from scaffold.console import Console
    from scaffold.template import Template

EVIDENCE = "EVIDENCE.md"


@dataclass(frozen=True, slots=True)
class Ready:
    """One exported project; ``verified`` says whether its evidence is inside."""

    template: str
    version: str
    verified: bool

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"template": self.template, "version": self.version, "verified": self.verified}


def write_projects(
    folder: Path, templates: Mapping[str, Template], console: Console, *, verify: bool
) -> list[Ready]:
    """Make one repository a template below ``folder``, with default answers.

    Raises:
        ScaffoldError: one of them doesn't pass its own gate.
    """
    made: list[Ready] = []
    for name, template in templates.items():
        answers = complete(template, {})
        project = create(template, answers, plan(folder / name), console).path
        if verify:
            _prove(project, answers, console)
        made.append(Ready(name, template.version, verify))
    return made


def _prove(project: Path, answers: Answers, console: Console) -> None:
    from scaffold.gate import display, evidence
    from scaffold.gate.run import Options, prepare, prove, scratch_folder

    with scratch_folder() as scratch:
        prepared = prepare(project, scratch, Options())
        with display.choose(console) as shown:
            result = prove(prepared, shown)
    if not result.ok:
        failed = ", ".join(step.name for step in result.steps if not step.ok)
        hint = f"`scaffold verify {project.name}` shows why; --no-verify exports it all the same."
        raise ScaffoldError(f"{project.name} doesn't pass its gate ({failed})", hint, 1)
    (project / EVIDENCE).write_text(evidence.to_markdown(result), encoding="utf-8")
    git(project, "add", "--", EVIDENCE)
    author = Author(answers.author_name, answers.author_email)
    commit_paths(project, "Add the evidence of a verification", [EVIDENCE], author)
