"""Make a new project out of an exported one: the same files under another identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold.checkout import Checkout, open_checkout
from scaffold.history import present, tree_of_origin
from scaffold.library import find
from scaffold.objects import quarantine, tree_at
from scaffold.ready import EVIDENCE
from scaffold.record import Record, read_record
from scaffold.reidentify import Identity, Move, merge_base, reidentify
from scaffold.upgrade import committed_content, propose

if TYPE_CHECKING:
    from pathlib import Path

    from scaffold.answers import Answers
    from scaffold.template import Template
    from scaffold.tree import Tree


@dataclass(frozen=True, slots=True)
class Forebear:
    """An exported project, and the template that it was made from."""

    checkout: Checkout
    record: Record
    template: Template

    @classmethod
    def at(cls, project: Path) -> Forebear:
        """Look at an exported project.

        Raises:
            ScaffoldError: it is none, or of a template that this program doesn't have.
        """
        record = read_record(project)
        return cls(open_checkout(project), record, find(record.origin.template))

    def reborn(self, answers: Answers) -> Tree:
        """Return its committed files, but for its evidence, under a new identity."""
        compiled = tree_of_origin(self.record.origin, present(self.template))
        old, new = Identity.of(compiled, self.record.answers), Identity.of(compiled, answers)
        move = Move(old, new)
        ours = committed_content(self.checkout)
        ours.pop(EVIDENCE, None)
        moved = reidentify(ours, move)
        with quarantine([self.checkout.objects], self.checkout.object_format) as git:
            base = merge_base(move, ours)
            found = propose(git, self.checkout, base, new.rendered, "reconfigured", moved)
            return tree_at(git, found.merged.tree)
