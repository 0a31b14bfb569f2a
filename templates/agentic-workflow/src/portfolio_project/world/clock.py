"""The time of day, in UTC. What the company calls today is a fact of its records, not this."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
