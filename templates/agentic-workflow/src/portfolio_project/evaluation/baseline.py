"""The keyword baseline: what a page of rules reaches with perfect policy. The bar to clear."""

from dataclasses import dataclass
from typing import Any

from ..policy_model.candidates import find
from ..tickets.task import NEEDED
from ..world.vocabulary import ITEMS, SYSTEMS
from .dataset import Case

_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cancel_order", ("cancel",)),
    ("partial_refund", ("partial", "discount", "difference", "part of")),
    ("refund", ("refund", "money back", "reimburse")),
    ("access", ("access", "permission", "rights")),
    ("ticket_status", ("ticket", "tck")),
    ("order_status", ("where is", "status", "arrive", "shipped", "delivered")),
    ("purchase", ("order a", "buy", "purchase", "need a", "get me")),
)


@dataclass(frozen=True, slots=True)
class Guess:
    """What the rules read."""

    intent: str
    slots: dict[str, Any]


def guess(text: str, sender: str) -> Guess:
    """Read a ticket by keywords; the first candidate of each kind is taken."""
    lower = text.lower()
    intent = next((i for i, words in _WORDS if any(w in lower for w in words)), "other")
    if intent == "refund" and find("amount", text):
        intent = "partial_refund"
    slots: dict[str, Any] = {}
    for kind in ("order_id", "ticket_id", "amount", "quantity"):
        if kind in NEEDED[intent] and (found := find(kind, text)):
            slots[kind] = found[0].value
    if intent == "access":
        others = [c.value for c in find("email", text) if c.value != sender]
        slots["email"] = others[0] if others else sender
        slots["system"] = next((s for s in SYSTEMS if s.replace("_", " ")[:4] in lower), "wiki")
        slots["role"] = next((r for r in ("admin", "write") if r in lower), "read")
    if intent == "purchase":
        slots.setdefault("quantity", 1)
        slots["item"] = next((i for i in ITEMS if i.replace("_", " ") in lower), "laptop")
    return Guess(intent, slots)


def is_right(case: Case) -> bool:
    """Say whether the rules read a ticket as it was meant; acting on it is then never wrong."""
    told = guess(case.text, case.task.requester)
    if case.task.second is not None:
        return told.intent == "other"
    return told.intent == case.task.intent and told.slots == case.task.slots
