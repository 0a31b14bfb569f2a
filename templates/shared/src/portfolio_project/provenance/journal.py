"""The registry's history: one line for each decision, written before the pointer moves."""

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from .durable import append_line, complete_lines, drop_torn_line
from .errors import UnreadableError
from .hashing import canonical_json
from .manifest import Frozen, now


class Decision(Frozen):
    """One line of history.

    Attributes:
        action: what was decided.
        version: about which version.
        previous: the version that served before, if any.
        reasons: why a promotion was refused.
        at: when, ISO 8601 in UTC.
    """

    action: Literal["promoted", "refused", "rolled back"]
    version: str
    previous: str | None
    reasons: tuple[str, ...] = ()
    at: str


class Journal:
    """An append-only file of decisions. Writers hold the registry's lock."""

    def __init__(self, path: Path) -> None:
        """Use the file at `path`; it is made by the first `append`."""
        self.path = path

    def append(
        self,
        action: Literal["promoted", "refused", "rolled back"],
        version: str,
        previous: str | None,
        reasons: tuple[str, ...] = (),
    ) -> None:
        """Add a decision, on disk when this returns.

        Raises:
            OSError: the disk is full, or the file cannot be written: nothing was decided.
        """
        drop_torn_line(self.path)
        decision = Decision(
            action=action,
            version=version,
            previous=previous,
            reasons=reasons,
            at=now().isoformat(),
        )
        append_line(self.path, canonical_json(decision.model_dump(mode="json")))

    def read(self) -> tuple[Decision, ...]:
        """Return every decision, oldest first; a line torn by a kill was never decided.

        Raises:
            UnreadableError: a finished line is malformed.
        """
        decisions: list[Decision] = []
        for number, (_, line) in enumerate(complete_lines(self.path), 1):
            try:
                decisions.append(Decision.model_validate_json(line))
            except ValidationError:
                raise UnreadableError(
                    f"{self.path} line {number} is no decision. Restore the file from a backup"
                ) from None
        return tuple(decisions)

    def stack(self) -> list[str]:
        """Return the versions that a rollback can reach, the serving one last.

        A promotion pushes; a rollback pops down to the version that it named.
        """
        stack: list[str] = []
        for decision in self.read():
            if decision.action == "promoted":
                stack.append(decision.version)
            elif decision.action == "rolled back":
                while stack and stack[-1] != decision.version:
                    stack.pop()
        return stack
