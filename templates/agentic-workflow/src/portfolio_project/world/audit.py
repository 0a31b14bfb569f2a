"""An append-only log in which each entry names the digest of the one before it.

Whoever changes, drops or reorders an entry breaks the chain from there on. Cutting the newest
entries off can't be seen from the chain alone: keep `head` somewhere else to see that too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from ..provenance import canonical_json, sha256_json
from .clock import now
from .tables import audit

START = "0" * 64


@dataclass(frozen=True, slots=True)
class Chain:
    """What a check of a tenant's log found: its length, its newest digest, the first bad entry."""

    entries: int
    head: str
    broken_at: int | None

    @property
    def intact(self) -> bool:
        """Whether every entry is the one that was written."""
        return self.broken_at is None


def record(
    connection: Connection, tenant: str, actor: str, action: str, data: Mapping[str, Any]
) -> None:
    """Append an entry, in the transaction of what it tells of."""
    number, previous = head(connection, tenant)
    entry = {
        "tenant": tenant,
        "number": number + 1,
        "actor": actor,
        "action": action,
        "data": canonical_json(dict(data)).decode(),
        "at": now().isoformat(),
        "previous": previous,
    }
    connection.execute(insert(audit).values(**entry, digest=sha256_json(entry)))


def head(connection: Connection, tenant: str) -> tuple[int, str]:
    """Return number and digest of the newest entry; (0, START) where there is none."""
    newest = (
        select(audit.c.number, audit.c.digest)
        .where(audit.c.tenant == tenant)
        .order_by(audit.c.number.desc())
        .limit(1)
    )
    row = connection.execute(newest).first()
    return (row.number, row.digest) if row else (0, START)


def verify(connection: Connection, tenant: str) -> Chain:
    """Walk a tenant's log from its start and recompute every digest."""
    previous, count = START, 0
    rows = select(audit).where(audit.c.tenant == tenant).order_by(audit.c.number)
    for row in connection.execute(rows).mappings():
        entry = dict(row)
        digest = entry.pop("digest")
        count += 1
        expected = (count, previous, sha256_json(entry))
        if (entry["number"], entry["previous"], digest) != expected:
            return Chain(count, previous, count)
        previous = digest
    return Chain(count, previous, None)
