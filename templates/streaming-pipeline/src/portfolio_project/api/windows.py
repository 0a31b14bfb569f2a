"""Windows that the API can read: those of the embedded stream, which are in the store."""

from __future__ import annotations

from ..serving import Problem
from .access import Access


def insist_on_windows(access: Access) -> None:
    """Raise a 503 Problem where the windows are kept by Kafka workers.

    What the store has of them is as old as the day on which the workers took over; an answer that
    is made of it would look right and be wrong.
    """
    if access.settings.broker_url != "embedded":
        raise Problem(
            503,
            detail="The windows are kept by the Kafka workers. Send the payment to /v1/events and "
            "read its decision, or run the embedded stream.",
            type="urn:problem:windows-elsewhere",
        )
