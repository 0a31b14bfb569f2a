"""How long a durable step waits for records that are locked or gone: they come back.

A step that failed for that reason is tried again, after 0.2 s at first and an hour at most; what
it did before the failure was rolled back. Any other error is no reason to wait.
"""

from collections.abc import Callable
from typing import TypedDict

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError


class Patience(TypedDict):
    """Settings of a step of the durable engine."""

    retries_allowed: bool
    interval_seconds: float
    backoff_rate: float
    max_attempts: int
    should_retry: Callable[[BaseException], bool]


AWAY = (OperationalError, InterfaceError)
"""What a driver says of records that are locked or gone."""


def is_away(error: BaseException) -> bool:
    """Say whether an error means that the records can't be reached just now."""
    if isinstance(error, AWAY):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


PATIENT = Patience(
    retries_allowed=True,
    interval_seconds=0.2,
    backoff_rate=1.5,
    max_attempts=60,
    should_retry=is_away,
)
"""About a day and a half in all."""
