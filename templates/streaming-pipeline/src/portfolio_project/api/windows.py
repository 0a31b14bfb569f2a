"""Windows that the API can read: those of the embedded stream, which are in the store."""

from __future__ import annotations

from ..serving import Problem
from .access import Access


def insist_on_windows(access: Access) -> None:
    """Raise a 503 Problem where the windows are kept by Kafka workers.

    What the store has of them is as old as the day on which the workers took over; an answer that
    is made of it would look right and be wrong. The workers' windows lie in their own files, by
    partition, and a payment's card and terminal are as a rule in two workers: to ask both, and
    wait, is what `/v1/events` does.
    """
    if access.settings.broker_url != "embedded":
        raise Problem(
            503,
            detail="With Kafka the windows are in the workers, where this service cannot look. "
            "Send the payment to /v1/events and read its decision under "
            "/v1/predictions/{event_id} a moment later, or run the embedded stream.",
            type="urn:problem:windows-elsewhere",
        )
