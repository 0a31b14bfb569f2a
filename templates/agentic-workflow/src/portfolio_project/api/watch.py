"""What the metrics tell of the model at work: is it as sure as it was in training, and how old?

Nobody labels tickets as they come. What is known of each at once is how sure the model was of its
reading; training measured, on phrases that it had not seen, how often it is sure enough to act.
Where people write otherwise than the model has learned, that share falls before anything else does.
"""

from dataclasses import dataclass
from datetime import datetime
from math import comb

from sqlalchemy import Connection, select

from ..provenance import Registry
from ..serving.metrics import Metrics
from ..world.clock import now
from ..world.tables import approvals, tickets

WINDOW = 200
"""So many tickets are looked at, the newest."""
SLACK = 0.1
"""How far below what training promised is still no news: real words differ from generated ones."""
LEVEL = 0.001
"""How improbable so few sure readings must be, were nothing wrong, to raise the alarm."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The newest tickets against what training promised; shares are 0 to 1.

    Attributes:
        tickets: how many were looked at.
        sure: share of them that the model was sure enough of to act on.
        promised: the same share in training, on phrases that the model had not seen.
        declined: share of the newest decided approvals that a person declined.
        alarm: whether so few sure readings are no accident.
    """

    tickets: int = 0
    sure: float = 1.0
    promised: float = 0.0
    declined: float = 0.0
    alarm: bool = False


def quality(connection: Connection, threshold: float, promised: float) -> Quality:
    """Look at the newest tickets of all tenants.

    Args:
        connection: to the records.
        threshold: the confidence from which the model acts.
        promised: share of tickets that reached it in training.
    """
    read = (
        select(tickets.c.confidence)
        .where(tickets.c.confidence.is_not(None))
        .order_by(tickets.c.created_at.desc(), tickets.c.id.desc())
        .limit(WINDOW)
    )
    seen = list(connection.execute(read).scalars())
    decided = (
        select(approvals.c.state)
        .where(approvals.c.state.in_(("approved", "rejected")))
        .order_by(approvals.c.created_at.desc(), approvals.c.id.desc())
        .limit(WINDOW)
    )
    said = list(connection.execute(decided).scalars())
    sure = sum(confidence >= threshold for confidence in seen)
    return Quality(
        len(seen),
        sure / len(seen) if seen else 1.0,
        promised,
        said.count("rejected") / len(said) if said else 0.0,
        at_most(sure, len(seen), max(promised - SLACK, 0.0)) < LEVEL,
    )


def at_most(hits: int, tries: int, chance: float) -> float:
    """Return the probability of at most `hits` in `tries` (the binomial distribution)."""
    return sum(comb(tries, k) * chance**k * (1 - chance) ** (tries - k) for k in range(hits + 1))


def age_days(registry: Registry, version: str, at: datetime) -> float:
    """Return how long ago a version was first let serve, in days; 0 where it never was."""
    starts = [d.at for d in registry.history() if (d.action, d.version) == ("promoted", version)]
    return (at - datetime.fromisoformat(starts[0])).total_seconds() / 86_400 if starts else 0.0


class Watch:
    """Holds what was seen last, for the metrics to read."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._seen = Quality()
        self._age_days = 0.0

    def look(self, connection: Connection, version: str, threshold: float) -> None:
        """Look again at the work of a version. Raises ProvenanceError for a broken registry."""
        promised = self._registry.get(version).manifest.metrics.get("coverage", 0.0)
        self._seen = quality(connection, threshold, promised)
        self._age_days = age_days(self._registry, version, now())

    def tell(self, metrics: Metrics) -> None:
        """Give the metrics their numbers."""
        gauge = metrics.gauge
        gauge("desk_model_age_days", "Since it was first let serve", lambda: self._age_days)
        gauge("desk_sure", "Share of the newest tickets read surely", lambda: self._seen.sure)
        gauge("desk_sure_promised", "That share in training", lambda: self._seen.promised)
        gauge("desk_declined", "Share of newest approvals declined", lambda: self._seen.declined)
        gauge("desk_alarm", "1: less sure than promised", lambda: float(self._seen.alarm))
