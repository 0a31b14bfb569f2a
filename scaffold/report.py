"""What a verb hands back: a result for people (lines) and for machines (data)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SCHEMA = 1


@dataclass(slots=True)
class Report:
    """The outcome of one verb.

    ``lines`` is the answer that a person asked for (printed on stdout unless ``--json``);
    ``data`` is the same answer as JSON values. What is said along the way goes through
    :class:`scaffold.console.Console` instead.
    """

    verb: str
    ok: bool = True
    exit_code: int = 0
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    lines: list[str] = field(default_factory=list[str])

    def document(self) -> dict[str, Any]:
        """Return the one document that ``--json`` prints."""
        return {"schema": SCHEMA, "verb": self.verb, "ok": self.ok, **self.data}
