"""Works one ticket from its text to its end. Every step with an effect is durable."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from dbos import DBOS
from dbos import error as engine_error
from openai import OpenAIError
from opentelemetry.trace import NoOpTracer, Tracer
from pydantic_ai import DeferredToolResults, ToolDenied, UsageLimits
from pydantic_ai.exceptions import AgentRunError, FallbackExceptionGroup
from pydantic_ai.messages import ModelMessage
from pydantic_ai.usage import RunUsage
from sqlalchemy import Engine

from ..agent.build import Agents, Resolution, Triage
from ..agent.models import LOCAL, UNUSABLE
from ..agent.steps import Desk
from ..provenance import canonical_json
from ..settings import Settings
from ..world import desk
from ..world.engine import reading, writing
from ..world.patience import PATIENT
from ..world.toolbox import REJECTED

_FAILED = (
    *UNUSABLE,
    AgentRunError,
    FallbackExceptionGroup,
    OpenAIError,
    engine_error.DBOSMaxStepRetriesExceeded,
)
"""What a model that is away, answers nonsense, or uses up its limits ends in."""
Decide = Callable[[Desk, str], Awaitable[bool]]
"""Waits for a person's decision on an approval, by its key."""


@dataclass(frozen=True, slots=True)
class Office:
    """What a process needs to work tickets."""

    engine: Engine
    agents: Agents
    settings: Settings
    threshold: float
    tracer: Tracer = field(default_factory=NoOpTracer)

    def limits(self) -> UsageLimits:
        """Return how far the model may go with one ticket."""
        return UsageLimits(
            request_limit=self.settings.max_requests,
            tool_calls_limit=self.settings.max_tool_calls,
            total_tokens_limit=self.settings.max_tokens,
            # The project's own model has no price, so a limit on it could not be enforced.
            cost_limit=None if self.settings.model == LOCAL else self.settings.max_cost_usd,
        )


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it was opened."""

    requester: str
    text: str

    @property
    def prompt(self) -> str:
        """The ticket as the model reads it."""
        return f"From: {self.requester}\n\n{self.text}"


@dataclass(frozen=True, slots=True)
class Paused:
    """A ticket that waits for people, and what it takes to go on with it.

    `wanted` holds the id of each call that policy reserved for a person, and its approval's key.
    """

    requester: str
    intent: str
    history: list[ModelMessage]
    usage: RunUsage
    wanted: tuple[tuple[str, str], ...]


async def handle(office: Office, tenant: str, ticket: str, decide: Decide) -> str:
    """Work a ticket and return its outcome. Whatever the model does, the ticket gets an end."""
    told = await begin(office, tenant, ticket)
    while isinstance(told, Paused):
        where = Desk(office.engine, tenant, ticket, told.requester, told.intent)
        decided = [await decide(where, key) for _, key in told.wanted]
        told = await go_on(office, tenant, ticket, told, decided)
    return told


async def begin(office: Office, tenant: str, ticket: str) -> str | Paused:
    """Work a ticket until its end, or until a person has to decide."""
    opened = await open_step(office.engine, tenant, ticket)
    if opened is None:
        return "cancelled"
    where = Desk(office.engine, tenant, ticket, opened.requester)
    usage = RunUsage()
    try:
        triage = await _triage(office, where, opened, usage)
    except _FAILED as error:
        return await _give_up(where, error)
    if triage.confidence < office.threshold:
        return await close_step(where, "escalated", "The reading was not sure enough.")
    where = replace(where, intent=triage.intent)
    return await _work(office, where, usage, prompt=opened.prompt)


async def go_on(
    office: Office, tenant: str, ticket: str, paused: Paused, decided: list[bool]
) -> str | Paused:
    """Go on with a ticket for which people have decided, in the order of `paused.wanted`."""
    where = Desk(office.engine, tenant, ticket, paused.requester, paused.intent)
    results = DeferredToolResults()
    for (call, _), approved in zip(paused.wanted, decided, strict=True):
        refusal = ToolDenied(canonical_json(REJECTED).decode())
        results.approvals[call] = True if approved else refusal
    return await _work(office, where, paused.usage, history=paused.history, decided=results)


async def _triage(office: Office, where: Desk, opened: Ticket, usage: RunUsage) -> Triage:
    limit = office.settings.ticket_timeout_seconds
    run = await office.agents.triage.run(
        opened.prompt, deps=where, usage=usage, usage_limits=office.limits(), timeout=limit
    )
    await triage_step(where, run.output.intent, run.output.confidence)
    return run.output


async def _work(  # noqa: PLR0913
    office: Office,
    where: Desk,
    usage: RunUsage,
    *,
    prompt: str | None = None,
    history: list[ModelMessage] | None = None,
    decided: DeferredToolResults | None = None,
) -> str | Paused:
    """Let the agent run to its end, or to a call that needs a person."""
    try:
        run = await office.agents.work.run(
            prompt,
            message_history=history,
            deferred_tool_results=decided,
            deps=where,
            usage=usage,
            usage_limits=office.limits(),
            timeout=office.settings.ticket_timeout_seconds,
        )
    except _FAILED as error:
        return await _give_up(where, error)
    if isinstance(run.output, Resolution):
        outcome = run.output.outcome
        return await close_step(where, outcome, f"The agent ended it: {outcome}.")
    wanted = tuple(
        (call.tool_call_id, str(run.output.metadata[call.tool_call_id]["key"]))
        for call in run.output.approvals
    )
    return Paused(where.requester, where.intent, run.all_messages(), usage, wanted)


async def _give_up(where: Desk, error: BaseException) -> str:
    return await close_step(where, "escalated", f"The model failed: {_reason(error)}")


@DBOS.step(name="open", **PATIENT)
async def open_step(engine: Engine, tenant: str, ticket: str) -> Ticket | None:
    """Take a ticket up. Return None where it was closed meanwhile."""

    def take() -> Ticket | None:
        with writing(engine, tenant) as connection:
            row = desk.ticket_row(connection, tenant, ticket)
            if row is None or row.state not in desk.OPEN_STATES:
                return None
            desk.set_state(connection, tenant, ticket, state="working")
            desk.tell(connection, tenant, ticket, "working", "working", {})
            return Ticket(row.requester, row.text)

    return await asyncio.to_thread(take)


@DBOS.step(name="triaged", **PATIENT)
async def triage_step(where: Desk, intent: str, confidence: float) -> None:
    """Keep what the ticket was read as."""

    def keep() -> None:
        told = {"intent": intent, "confidence": confidence}
        with writing(where.engine, where.tenant) as connection:
            desk.set_state(connection, where.tenant, where.ticket, **told)
            desk.tell(connection, where.tenant, where.ticket, "triaged", "triaged", told)

    await asyncio.to_thread(keep)


@DBOS.step(name="close", **PATIENT)
async def close_step(where: Desk, outcome: str, summary: str) -> str:
    """Close the ticket; one that was cancelled meanwhile stays cancelled."""

    def close() -> str:
        closed = desk.close_ticket(
            where.engine,
            where.tenant,
            where.ticket,
            state="closed",
            outcome=outcome,
            summary=summary,
        )
        return outcome if closed else "cancelled"

    return await asyncio.to_thread(close)


async def wait_for_person(where: Desk, key: str, timeout_seconds: float) -> bool:
    """Wait, durably, until a person has decided; a wait that ends counts as a no."""
    await DBOS.recv_async(f"approval:{key}", timeout_seconds=timeout_seconds)
    return await decision_step(where, key)


@DBOS.step(name="decision", **PATIENT)
async def decision_step(where: Desk, key: str) -> bool:
    """Read what a person decided: the record counts, not the message that it is there."""

    def read() -> bool:
        with reading(where.engine) as connection:
            row = desk.approval_row(connection, where.tenant, key)
        return row is not None and row.state == "approved"

    return await asyncio.to_thread(read)


def _reason(error: BaseException) -> str:
    """Return the first line of what went wrong; of many tries or models, of the last."""
    if isinstance(error, engine_error.DBOSMaxStepRetriesExceeded) and error.errors:
        return _reason(error.errors[-1])
    if isinstance(error, FallbackExceptionGroup):
        return _reason(error.exceptions[-1])
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
