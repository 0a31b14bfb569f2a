"""Finds what in a text could be a fact: order and ticket numbers, amounts, quantities, addresses.

Finding is by form alone and finds too much on purpose; a trained pointer chooses among them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

KINDS = ("order_id", "ticket_id", "amount", "quantity", "email")
_ORDER = re.compile(r"(?i)(?<![\w@.,$])(?:ord(?:er)?[\s\-#:]*)?#?\(?(\d{5})\)?(?![\w@]|[.,]\d)")
_TICKET = re.compile(
    r"(?i)(?<![\w@.,$])(?:(?:tck|ticket)[\s\-#:]*(\d{4,9})|#?(\d{4}))(?![\w@]|[.,]\d)"
)
_AMOUNT = re.compile(
    r"(?i)(?P<sign>us\s?\$|usd|\$|€)?\s?(?<![\w.,-])"
    r"(?P<whole>\d{1,3}(?:,\d{3})+|\d{1,6})(?P<part>\.\d\d)?"
    r"(?![\w.,]?\d)\s?(?P<unit>\$|usd|dollars?|bucks|€)?"
)
_EMAIL = re.compile(r"(?i)\b[a-z]+\.[a-z]+\d*@[a-z]+\.[a-z]+\b")
_COUNTS = {
    word: number
    for number, words in {
        1: "a an one another",
        2: "two couple pair both",
        3: "three",
        4: "four",
        5: "five",
        6: "six",
        7: "seven",
        8: "eight",
        9: "nine",
    }.items()
    for word in words.split()
}
_QUANTITY = re.compile(
    r"(?i)(?<![\w.,#$@-])(?:(\d{1,2})(?=\s?x?\b)(?![.,:]?\d)|(" + "|".join(_COUNTS) + r")\b)"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible value of a fact, and where it stands in the text."""

    value: Any
    start: int
    end: int


def find(kind: str, text: str) -> list[Candidate]:
    """Return the candidates of a kind, in the order of the text."""
    return list(_FIND[kind](text))


def _orders(text: str) -> Iterator[Candidate]:
    for m in _ORDER.finditer(text):
        yield Candidate(f"ORD-{m[1]}", m.start(), m.end())


def _tickets(text: str) -> Iterator[Candidate]:
    for m in _TICKET.finditer(text):
        yield Candidate(f"TCK-{m[1] or m[2]}", m.start(), m.end())


def _amounts(text: str) -> Iterator[Candidate]:
    for m in _AMOUNT.finditer(text):
        if m["sign"] or m["unit"] or m["part"]:
            whole = m["whole"].replace(",", "")
            yield Candidate(f"{int(whole)}{m['part'] or '.00'}", m.start(), m.end())


def _quantities(text: str) -> Iterator[Candidate]:
    for m in _QUANTITY.finditer(text):
        value = int(m[1]) if m[1] else _COUNTS[m[2].lower()]
        if 1 <= value <= 20:
            yield Candidate(value, m.start(), m.end())


def _emails(text: str) -> Iterator[Candidate]:
    for m in _EMAIL.finditer(text):
        yield Candidate(m[0].lower(), m.start(), m.end())


_FIND = {
    "order_id": _orders,
    "ticket_id": _tickets,
    "amount": _amounts,
    "quantity": _quantities,
    "email": _emails,
}
