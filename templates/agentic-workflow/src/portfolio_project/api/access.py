"""What the routes share: the records, the workers, and which tenant a caller belongs to."""

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Depends
from sqlalchemy import Connection, select

from ..policy_model.model import PolicyModel
from ..provenance import Registry
from ..serving import ModelSlot, Principal, require_scope
from ..settings import Settings
from ..workflow.engine import Dispatcher
from ..world.engine import migrate, open_engine, reading
from .watch import Watch

T = TypeVar("T")
DEFAULT_TENANT = "demo"
_TENANT = "tenant:"

Reader = Annotated[Principal, Depends(require_scope("tickets:read"))]
Requester = Annotated[Principal, Depends(require_scope("tickets:write"))]
Approver = Annotated[Principal, Depends(require_scope("approve"))]
Auditor = Annotated[Principal, Depends(require_scope("audit:read"))]


class Access:
    """The company's records and the queue, opened for the life of the service."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine = open_engine(settings.world_url)
        self.slot: ModelSlot[PolicyModel] = ModelSlot()
        self.registry = Registry(settings.registry_dir)
        self.watch = Watch(self.registry)
        self._dispatcher: Dispatcher | None = None

    @property
    def dispatcher(self) -> Dispatcher:
        """The way to the workers."""
        assert self._dispatcher is not None, "the service has not started"
        return self._dispatcher

    def open(self) -> None:
        """Bring the databases up to date and connect to the queue."""
        migrate(self.engine)
        self._dispatcher = Dispatcher(self.settings)

    def close(self) -> None:
        """Close every connection."""
        if self._dispatcher is not None:
            self._dispatcher.close()
        self.engine.dispose()

    async def reached(self) -> bool:
        """Say whether the records answer."""
        return await self.read(lambda connection: connection.execute(select(1)).scalar() == 1)

    async def read(self, look: Callable[[Connection], T]) -> T:
        """Run a read in a thread."""

        def run() -> T:
            with reading(self.engine) as connection:
                return look(connection)

        return await asyncio.to_thread(run)


def tenant_of(caller: Principal) -> str:
    """Return the caller's tenant: a key is bound to one by the scope `tenant:NAME`.

    Nothing in a request can name another one.
    """
    bound = sorted(s for s in caller.scopes if s.startswith(_TENANT))
    return bound[0].removeprefix(_TENANT) if bound else DEFAULT_TENANT
