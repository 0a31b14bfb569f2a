"""Each write happens once: effect and idempotency key commit in one transaction."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, insert, select

from ..provenance import canonical_json
from .engine import writing
from .tables import effects


class KeyReusedError(ValueError):
    """An idempotency key came again with another action or other arguments."""


def once(  # noqa: PLR0913, PLR0917
    engine: Engine,
    tenant: str,
    key: str,
    action: str,
    arguments: Mapping[str, Any],
    effect: Callable[[Connection], dict[str, Any]],
) -> dict[str, Any]:
    """Run `effect` in a transaction that also stores `key`, or return what it returned before.

    Raises:
        KeyReusedError: the key was used for something else.
        UnknownTenantError: there is no such tenant.
    """
    given = canonical_json(dict(arguments)).decode()
    with writing(engine, tenant) as connection:
        where = (effects.c.tenant == tenant) & (effects.c.key == key)
        if (row := connection.execute(select(effects).where(where)).first()) is not None:
            if (row.action, row.arguments) != (action, given):
                raise KeyReusedError(f"{key} was used for {row.action}")
            return dict(orjson.loads(row.result))
        result = effect(connection)
        connection.execute(
            insert(effects).values(
                tenant=tenant,
                key=key,
                action=action,
                arguments=given,
                result=canonical_json(result).decode(),
            )
        )
        return result
