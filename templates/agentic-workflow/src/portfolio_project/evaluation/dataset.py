"""The evaluation's tickets: built from seeds, kept in the package as one versioned file.

Each line holds the ticket, the company it is set in (by seed), and what the expert leaves behind.
The model is trained on other seeds and, outside the split "familiar", on other phrases.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Engine

from ..provenance import canonical_json
from ..tickets.compose import Composed, Style, compose, with_second
from ..tickets.corpus import SEEDS, example
from ..tickets.draw import draw_task, records
from ..tickets.phrasing import Writer, phrases, pick
from ..tickets.task import Task
from ..tickets.trace import follow
from ..world.company import TODAY
from ..world.policy import REFUND_FREE_CENTS, REFUND_WINDOW_DAYS
from ..world.snapshot import difference, digest
from ..world.vocabulary import INTENTS, Intent, to_amount

PATH = Path(__file__).parent / "data" / "tickets.v1.jsonl"
SPLITS = ("familiar", "held_out", "compositional", "adversarial")
SIZES = {"familiar": 110, "held_out": 200, "compositional": 80, "adversarial": 110}
REPEATED, VARIANTS = 30, 3
"""How many held-out tickets are also asked in `VARIANTS` perturbed forms, for pass^k."""
_STEP = 100_000


@dataclass(frozen=True, slots=True)
class Case:
    """One ticket of the evaluation.

    Attributes:
        id: its name; the tenant that it runs in is named by it too.
        split: one of `SPLITS`, or "perturbed" for the further forms of a held-out ticket.
        kind: what is special about it.
        group: the same for all forms of one ticket.
        task: what is asked, and in which company.
        text: the ticket.
        outcome: the expert's.
        changes: what the expert's work changed in the database.
        state: SHA-256 of the whole state that the expert leaves.
    """

    id: str
    split: str
    kind: str
    group: str
    task: Task
    text: str
    outcome: str = ""
    changes: tuple[str, ...] = ()
    state: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the case as it stands in the file."""
        told = {n: getattr(self, n) for n in ("id", "split", "kind", "group", "text", "outcome")}
        return {**told, "task": self.task.to_json(), "changes": self.changes, "state": self.state}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Case":
        """Read what `to_json` wrote."""
        given: dict[str, Any] = dict(data)
        given["task"], given["changes"] = Task.from_json(data["task"]), tuple(data["changes"])
        return cls(**given)


def load(path: Path = PATH) -> list[Case]:
    """Return the cases of a data set.

    Raises:
        OSError: the file is missing.
    """
    return [Case.from_json(orjson.loads(line)) for line in path.read_bytes().splitlines()]


def save(cases: list[Case], path: Path = PATH) -> None:
    """Write a data set; the same cases give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(canonical_json(c.to_json()) + b"\n" for c in cases))


def build(engine: Engine) -> list[Case]:
    """Build the data set, letting the expert work each ticket in a scratch database."""
    cases = [*_familiar(), *_held_out(), *_compositional(), *_adversarial()]
    return [_expect(engine, case) for case in cases]


def _expect(engine: Engine, case: Case) -> Case:
    trace = follow(engine, case.id, "ticket", case.task, case.text)
    changes = tuple(difference(trace.before, trace.after))
    return replace(case, outcome=trace.outcome, changes=changes, state=digest(trace.after))


def _seeds(split: str, count: int) -> range:
    start = SEEDS["evaluation"] + _STEP * SPLITS.index(split)
    return range(start, start + count)


def _case(split: str, kind: str, at: int, task: Task, composed: Composed) -> Case:
    name = f"{split.replace('_', '-')}-{at:03d}"
    return Case(name, split, kind, name, task, composed.text)


def _familiar() -> Iterator[Case]:
    for at, seed in enumerate(_seeds("familiar", SIZES["familiar"])):
        made = example(seed)
        yield _case("familiar", "as trained", at, made.task, made.composed)


def _held_out() -> Iterator[Case]:
    for at, seed in enumerate(_seeds("held_out", SIZES["held_out"])):
        task = draw_task(seed)
        case = _case("held_out", "other words", at, task, _written("held_out", task, seed))
        yield case
        for form in range(1, VARIANTS + 1 if at < REPEATED else 1):
            other = _written("held_out", task, seed, noise=0.08, form=form)
            yield replace(case, id=f"{case.id}.{form}", split="perturbed", text=other.text)


def _written(  # noqa: PLR0913, PLR0917
    bank: str,
    task: Task,
    seed: int,
    styles: tuple[Style, ...] = (),
    noise: float = 0.0,
    form: int = 0,
) -> Composed:
    # The same seed gives the same words in every form; only the slips differ.
    rng = np.random.default_rng([seed, 4])
    writer = Writer(bank, rng, records(task))
    made = compose(writer, task, styles, phrases("adversarial") if styles else None)
    if form:
        made = replace(made, text=_slip(made.text, seed, form, noise))
    return made


def _slip(text: str, seed: int, form: int, noise: float) -> str:
    from ..tickets.noise import perturb  # noqa: PLC0415

    rng = np.random.default_rng([seed, 5, form])
    changed = perturb(text, rng, noise)
    return changed.lower() if form % 3 == 0 else changed


_COMPOSED: tuple[tuple[Style, ...], ...] = (
    ("distractor",),
    ("quote",),
    ("distractor", "quote"),
    ("distractor", "distractor"),
    ("two",),
)


def _compositional() -> Iterator[Case]:
    for at, seed in enumerate(_seeds("compositional", SIZES["compositional"])):
        styles = _COMPOSED[at % len(_COMPOSED)]
        task = _double(seed) if "two" in styles else draw_task(seed)
        made = _written("training", task, seed, styles)
        yield _case("compositional", " + ".join(styles), at, task, made)


def _double(seed: int) -> Task:
    rng = np.random.default_rng([seed, 6])
    first, second = rng.choice(len(INTENTS) - 1, 2, replace=False)
    return with_second(draw_task(seed, INTENTS[first]), draw_task(seed, INTENTS[second]))


def _adversarial() -> Iterator[Case]:
    kinds = (_injected, _injected, _noted, _incomplete, _edge)
    for at, seed in enumerate(_seeds("adversarial", SIZES["adversarial"])):
        yield kinds[at % len(kinds)](at, seed)


def _injected(at: int, seed: int) -> Case:
    task = draw_task(seed)
    bank = "training" if at % 2 else "held_out"
    made = _written(bank, task, seed, ("injection",))
    return _case("adversarial", "injection in the ticket", at, task, made)


def _noted(at: int, seed: int) -> Case:
    rng = np.random.default_rng([seed, 7])
    intents: tuple[Intent, ...] = ("refund", "partial_refund", "order_status", "cancel_order")
    task = draw_task(seed, intents[int(rng.integers(len(intents)))])
    order = task.slots.get("order_id")
    known = {o["id"] for o in records(task)["orders"]}
    if order in known:
        note = pick(rng, phrases("adversarial")["notes"])
        task = replace(task, changes={"orders": [{"id": order, "note": note}]})
    made = _written("training", task, seed)
    return _case("adversarial", "injection in a tool result", at, task, made)


def _incomplete(at: int, seed: int) -> Case:
    rng = np.random.default_rng([seed, 8])
    intents: tuple[Intent, ...] = ("refund", "cancel_order", "order_status", "ticket_status")
    task = draw_task(seed, intents[int(rng.integers(len(intents)))], missing=True)
    return _case("adversarial", "missing information", at, task, _written("held_out", task, seed))


def _edge(at: int, seed: int) -> Case:
    """Return a refund at the edge of a rule: the last day, the day after, the exact amount."""
    rng = np.random.default_rng([seed, 9])
    task = draw_task(seed, "partial_refund")
    rows = records(task)
    staff = [s["email"] for s in rows["employees"] if s["department"] == "support" and s["active"]]
    order = rows["orders"][int(rng.integers(len(rows["orders"])))]
    tier = {c["id"]: c["tier"] for c in rows["customers"]}[order["customer"]]
    late = int(rng.integers(2))
    cents = REFUND_FREE_CENTS + int(rng.integers(2))
    edge = {
        "id": order["id"],
        "status": "delivered",
        "delivered_on": (TODAY - timedelta(days=REFUND_WINDOW_DAYS[tier] + late)).isoformat(),
        "final_sale": 0,
        "amount_cents": max(order["amount_cents"], 2 * cents),
    }
    task = replace(
        task,
        requester=staff[0],
        slots={"order_id": order["id"], "amount": to_amount(cents)},
        changes={"orders": [edge]},
    )
    return _case("adversarial", "edge of a rule", at, task, _written("training", task, seed))
