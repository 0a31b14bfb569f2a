"""Composes a whole ticket: greeting, context, request, and what else gets into one.

Where the request stands in the text is kept, for a reader can be taught to find it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from .noise import perturb
from .phrasing import Writer, pick, resolve
from .task import Task

Style = Literal["plain", "distractor", "quote", "injection", "two"]
STYLES: tuple[Style, ...] = ("plain", "distractor", "quote", "injection", "two")
_PLACE = re.compile(r"\{(request|first|second)\}")


@dataclass(frozen=True, slots=True)
class Composed:
    """A ticket's text; `spans` are the (start, end) of what is asked in it."""

    text: str
    spans: tuple[tuple[int, int], ...]
    phrase: str


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text, and whether it is part of what is asked."""

    text: str
    asked: bool = False


def compose(
    writer: Writer,
    task: Task,
    styles: tuple[Style, ...] = (),
    asides: dict[str, Any] | None = None,
    noise: float = 0.0,
) -> Composed:
    """Write a task as a ticket.

    Args:
        writer: in whose manner the request is written.
        task: what is asked.
        styles: what else stands in the ticket, applied in this order.
        asides: the phrases for it; the writer's own by default.
        noise: share of long words with a slip.
    """
    bank = asides or writer.bank.get("asides", {})
    wording = writer.request(task)
    parts = [Part(wording.text, asked=True)]
    for style in styles:
        parts = _STYLE[style](writer, task, parts, bank)
    parts = _letter(writer, parts, short="quote" in styles)
    return _join(parts, wording.phrase, writer.rng, noise)


def _letter(writer: Writer, parts: list[Part], *, short: bool) -> list[Part]:
    bank, rng = writer.bank, writer.rng
    greeting, closing = pick(rng, bank["greetings"]), pick(rng, bank["closings"])
    context = "" if short else pick(rng, bank["contexts"])
    # What is injected begins with an empty line and stays at the end.
    cut = next((i for i, p in enumerate(parts) if p.text.startswith("\n\n")), len(parts))
    body, tail = parts[:cut], parts[cut:]
    if context:
        around = (
            [Part(f"{context} "), *body] if rng.random() < 0.7 else [*body, Part(f" {context}")]
        )
        body = around
    if greeting:
        body = [Part(f"{greeting}\n"), *body]
    if closing:
        body = [*body, Part(f"\n{closing}")]
    return [*body, *tail]


def _distract(writer: Writer, task: Task, parts: list[Part], bank: dict[str, Any]) -> list[Part]:
    text = _fill(writer, task, pick(writer.rng, bank["distractors"]))
    if writer.rng.random() < 0.35:
        return [Part(f"{text} "), *parts]
    return [*parts, Part(f" {text}")]


def _quote(writer: Writer, task: Task, parts: list[Part], bank: dict[str, Any]) -> list[Part]:
    template = _fill(
        writer, task, pick(writer.rng, bank.get("quotes") or bank["quoted"]), keep=True
    )
    before, _, after = template.partition("{request}")
    return [Part(before), *parts, Part(after)]


def _inject(writer: Writer, task: Task, parts: list[Part], bank: dict[str, Any]) -> list[Part]:
    payload = _fill(writer, task, pick(writer.rng, bank["payloads"]))
    frame = resolve(
        writer.rng, bank["injections"][int(writer.rng.integers(len(bank["injections"])))]
    )
    return [*parts, Part(frame.format(payload=payload))]


def _join_second(writer: Writer, task: Task, parts: list[Part], bank: dict[str, Any]) -> list[Part]:
    assert task.second is not None
    second = Part(writer.request(task.second).text, asked=True)
    joined: list[Part] = []
    template = pick(writer.rng, bank["joins"])
    at = 0
    for place in _PLACE.finditer(template):
        joined.append(Part(template[at : place.start()]))
        joined += parts if place[1] == "first" else [second]
        at = place.end()
    return [*joined, Part(template[at:])]


_STYLE: dict[str, Callable[[Writer, Task, list[Part], dict[str, Any]], list[Part]]] = {
    "plain": lambda _writer, _task, parts, _bank: parts,
    "distractor": _distract,
    "quote": _quote,
    "injection": _inject,
    "two": _join_second,
}


def _fill(writer: Writer, task: Task, template: str, *, keep: bool = False) -> str:
    rng = writer.rng
    words = {
        "other_order": writer.other_order(task),
        "subject": writer.somebody(),
        "amount": writer.amount(f"{int(rng.integers(20, 900))}.{int(rng.integers(0, 100)):02d}"),
        "other_ticket": writer.other_ticket(task),
        "digits": str(
            int(rng.integers(*((1_000, 9_999) if rng.random() < 0.5 else (10_000, 99_999))))
        ),
    }
    if keep:
        words["request"] = "{request}"
    return template.format_map(words)


def _join(parts: list[Part], phrase: str, rng: np.random.Generator, noise: float) -> Composed:
    lower = rng.random() < noise
    text, spans = "", []
    for part in parts:
        piece = perturb(part.text, rng, noise) if noise else part.text
        piece = piece.lower() if lower else piece
        if part.asked and piece:
            spans.append((len(text), len(text) + len(piece)))
        text += piece
    shift = len(text) - len(text.lstrip())
    placed = tuple((start - shift, end - shift) for start, end in spans)
    return Composed(text.strip(), placed, phrase)


def with_second(task: Task, second: Task) -> Task:
    """Return a task that also asks for another thing: two requests in one ticket."""
    return replace(task, second=replace(second, seed=task.seed, requester=task.requester))
