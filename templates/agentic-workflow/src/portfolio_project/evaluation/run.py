"""Runs the evaluation: every ticket in a company of its own, the model over real HTTP."""

import asyncio
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from sqlalchemy import Engine

from ..agent.build import build_agents
from ..agent.models import choose_model, new_client
from ..agent.steps import Desk
from ..policy_model.model import PolicyModel
from ..serving import ModelSlot
from ..settings import Settings
from ..tickets.trace import settle
from ..workflow.handle import Decide, Office, handle
from ..workflow.local_model import served
from ..world import desk
from ..world.engine import migrate, open_engine, reading, writing
from ..world.snapshot import State, snapshot
from .cassette import current_case
from .dataset import Case
from .grade import Grade, grade, policy_violations

TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Worked:
    """The grades in the order of the cases, and the wall-clock seconds of each."""

    grades: list[Grade]
    seconds: list[float]


@dataclass(frozen=True, slots=True)
class How:
    """How to run: tickets at once, threshold (the model's own if None), tools by intent or all."""

    concurrency: int = 8
    threshold: float | None = None
    route: bool = True


def evaluate(
    cases: list[Case],
    model: PolicyModel,
    settings: Settings,
    how: How,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Worked:
    """Work all cases and grade them.

    Args:
        cases: the tickets.
        model: the project's own, served on loopback; `settings.model` may choose another.
        settings: which model, and the limits.
        how: concurrency and threshold.
        transport: for record and replay.
    """
    slot: ModelSlot[PolicyModel] = ModelSlot()
    slot.swap(model.version, model)
    with (
        tempfile.TemporaryDirectory() as scratch,
        served(slot) as endpoint,
        _companies(Path(scratch), cases) as (engine, original),
    ):
        states = {c.id: _state(engine, c) for c in cases}
        threshold = model.threshold if how.threshold is None else how.threshold

        async def work() -> list[float]:
            async with new_client(settings, transport) as client:
                chosen = choose_model(settings, endpoint.url, endpoint.key, client)
                agents = build_agents(chosen, route=how.route, durable=False)
                office = Office(engine, agents, settings, threshold)
                return await _work_all(office, cases, how.concurrency)

        seconds = asyncio.run(work())
        grades = [_grade(engine, original, c, states[c.id]) for c in cases]
    return Worked(grades, seconds)


@contextmanager
def _companies(scratch: Path, cases: list[Case]) -> Generator[tuple[Engine, Engine]]:
    """Found every case's company twice: one to work in, one to judge by."""
    engines = (
        open_engine(f"sqlite:///{scratch / 'worked.db'}"),
        open_engine(f"sqlite:///{scratch / 'original.db'}"),
    )
    for engine in engines:
        migrate(engine)
        for case in cases:
            settle(engine, case.id, case.task)
    for case in cases:
        desk.open_ticket(engines[0], case.id, TICKET, case.task.requester, case.text)
    yield engines
    for engine in engines:
        engine.dispose()


def _state(engine: Engine, case: Case) -> State:
    with reading(engine) as connection:
        return snapshot(connection, case.id)


async def _work_all(office: Office, cases: list[Case], concurrency: int) -> list[float]:
    """Work all cases; after a failure what was begun is ended, and nothing else is begun."""
    gate = asyncio.Semaphore(concurrency)
    failures: list[Exception] = []

    async def work(case: Case) -> float:
        async with gate:
            if failures:
                return 0.0
            current_case.set(case.id)
            person = _person(office.engine, approve=case.task.approver)
            start = time.perf_counter()
            try:
                await handle(office, case.id, TICKET, person)
            except Exception as error:  # noqa: BLE001 - raised below, when all is quiet
                failures.append(error)
            return time.perf_counter() - start

    seconds = await asyncio.gather(*(work(case) for case in cases))
    if failures:
        raise failures[0]
    return list(seconds)


def _person(engine: Engine, *, approve: bool) -> Decide:
    async def decide(where: Desk, key: str) -> bool:
        def record() -> None:
            with writing(engine, where.tenant) as connection:
                desk.decide(connection, where.tenant, key, approve=approve, by="approver")

        await asyncio.to_thread(record)
        return approve

    return decide


def _grade(engine: Engine, original: Engine, case: Case, before: State) -> Grade:
    with reading(engine) as connection, reading(original) as untouched:
        return grade(connection, case, before, policy_violations(connection, case, untouched))
