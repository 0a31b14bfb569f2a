"""A task: one request with its facts, before anybody has put it into words."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ..world.vocabulary import Intent


@dataclass(frozen=True, slots=True)
class Task:
    """What somebody wants, in which company, and what the person asked for approval will say.

    Attributes:
        seed: of the company that the ticket is set in.
        intent: what is asked.
        requester: e-mail of who asks.
        slots: the facts of the request, by name; a missing one was left out of the ticket.
        approver: what a person decides, should policy want one.
        changes: facts of the company that this task sets itself, table -> rows.
        second: another request in the same ticket, if any.
    """

    seed: int
    intent: Intent
    requester: str
    slots: dict[str, Any]
    approver: bool = True
    changes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    second: "Task | None" = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Task":
        """Read what `to_json` wrote."""
        given: dict[str, Any] = dict(data)
        if given.get("second"):
            given["second"] = cls.from_json(given["second"])
        return cls(**given)


NEEDED: dict[str, tuple[str, ...]] = {
    "refund": ("order_id",),
    "partial_refund": ("order_id", "amount"),
    "access": ("email", "system", "role"),
    "purchase": ("item", "quantity"),
    "cancel_order": ("order_id",),
    "order_status": ("order_id",),
    "ticket_status": ("ticket_id",),
    "other": (),
}
"""Without which facts an intent can't be served."""
