"""Puts a task into words, from a file of phrases."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..world.company import Rows
from ..world.vocabulary import ITEMS
from .task import Task

_FOLDER = Path(__file__).parent / "phrases"
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class Wording:
    """A text, and the name of the request phrase that it was made from."""

    text: str
    phrase: str


@cache
def phrases(name: str) -> dict[str, Any]:
    """Return the phrases of a file in `phrases/`, such as "training"."""
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def pick(rng: np.random.Generator, options: list[str]) -> str:
    """Return one of the options, with its own choices made."""
    return resolve(rng, options[int(rng.integers(len(options)))])


def resolve(rng: np.random.Generator, text: str) -> str:
    """Make every [a|b] choice in a phrase."""
    while (found := _CHOICE.search(text)) is not None:
        options = found[1].split("|")
        text = (
            text[: found.start()] + options[int(rng.integers(len(options)))] + text[found.end() :]
        )
    return text


class Writer:
    """Writes requests in the manner of one phrase file."""

    def __init__(self, name: str, rng: np.random.Generator, rows: Rows) -> None:
        self.bank = phrases(name)
        self.rng = rng
        self._rows = rows

    def request(self, task: Task) -> Wording:
        """Return the bare request of a task."""
        family, options = self._options(task)
        number = int(self.rng.integers(len(options)))
        text = resolve(self.rng, options[number]).format_map(self.words(task))
        return Wording(_tidy(text), f"{family}.{number}")

    def words(self, task: Task) -> dict[str, str]:
        """Return the words for a task's facts."""
        slots = task.slots
        words = {"thing": self.thing(slots.get("order_id"))}
        if "order_id" in slots:
            words["order"] = self.number("order", slots["order_id"])
        if "ticket_id" in slots:
            words["ticket"] = self.number("ticket", slots["ticket_id"])
        if "amount" in slots:
            words["amount"] = self.amount(slots["amount"])
        if "system" in slots:
            words["system"] = pick(self.rng, self.bank["systems"][slots["system"]])
            words["role"] = pick(self.rng, self.bank["roles"]["adjective"][slots["role"]])
            words["verb"] = pick(self.rng, self.bank["roles"]["verb"][slots["role"]])
        if "email" in slots:
            words["subject"] = slots["email"]
        if "item" in slots:
            words["goods"] = self.goods(slots["item"], slots["quantity"])
        return words

    def number(self, kind: str, name: str) -> str:
        """Return an order or ticket number as people write it."""
        return pick(self.rng, self.bank["forms"][kind]).format(n=name[4:])

    def amount(self, amount: str) -> str:
        """Return an amount of money as people write it."""
        whole, part = amount.split(".")
        number = amount if part != "00" or self.rng.random() < 0.4 else whole
        if len(whole) > 3 and self.rng.random() < 0.4:
            number = f"{int(whole):,}" + number[len(whole) :]
        return pick(self.rng, self.bank["forms"]["amount"]).format(n=number)

    def goods(self, item: str, quantity: int) -> str:
        """Return a quantity of goods as people write it."""
        name = pick(self.rng, self.bank["items"][item])
        if quantity == 1:
            return f"{pick(self.rng, self.bank['forms']['one'])} {name}"
        form = pick(self.rng, self.bank["forms"]["few"])
        count = form.format(q=quantity, word=_WORDS[quantity - 1])
        return f"{count} {_plural(name)}"

    def thing(self, order_id: str | None) -> str:
        """Return a name for what was ordered."""
        known = {o["id"]: o["item"] for o in self._rows["orders"]}
        item = known.get(order_id or "") or str(self.rng.choice(ITEMS))
        return pick(self.rng, self.bank["items"][item])

    def other_order(self, task: Task) -> str:
        """Return the number of an order that the task is not about."""
        return self.number("order", self.other_order_id(task))

    def other_order_id(self, task: Task) -> str:
        """Return the id of an order that the task is not about."""
        others = [o["id"] for o in self._rows["orders"] if o["id"] != task.slots.get("order_id")]
        return str(self.rng.choice(others))

    def other_ticket(self, task: Task) -> str:
        """Return the number of a ticket that the task is not about."""
        known = [t["id"] for t in self._rows["tickets"] if t["id"] != task.slots.get("ticket_id")]
        return self.number("ticket", str(self.rng.choice(known)))

    def somebody(self) -> str:
        """Return the address of any employee."""
        return str(self.rng.choice([s["email"] for s in self._rows["employees"]]))

    def _options(self, task: Task) -> tuple[str, list[str]]:
        if task.intent == "access":
            whose = "self" if task.slots["email"] == task.requester else "other"
            return f"access_{whose}", self.bank["requests"][f"access_{whose}"]
        if task.intent in self.bank["missing"] and not {"order_id", "ticket_id"} & set(task.slots):
            return f"missing.{task.intent}", self.bank["missing"][task.intent]
        return task.intent, self.bank["requests"][task.intent]


def _plural(name: str) -> str:
    if name.startswith("pair of"):
        return f"pairs{name[4:]}"
    return name if name.endswith("s") else f"{name}s"


def _tidy(text: str) -> str:
    """Begin with a capital, unless the first word is an address."""
    first = text.split(" ", 1)[0]
    return text if "@" in first else text[:1].upper() + text[1:]
