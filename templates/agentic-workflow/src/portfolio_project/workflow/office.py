"""Opens what a worker needs: the registered model, its endpoint, the agents, the records."""

from collections.abc import Generator
from contextlib import contextmanager

from ..agent.build import build_agents
from ..agent.models import choose_model, new_client
from ..policy_model.model import PolicyModel
from ..policy_model.registered import registered_model
from ..serving import ModelSlot
from ..settings import Settings
from ..world.engine import migrate, open_engine
from .handle import Office
from .local_model import served
from .telemetry import Tracing


@contextmanager
def opened(settings: Settings, traces: Tracing) -> Generator[Office]:
    """Yield an office whose model answers on loopback, and close it afterwards.

    Raises:
        NoModelError: the project's own model is wanted and none serves.
        BadSettings: the chosen model can't be used.
    """
    version, model = registered_model(settings)
    slot: ModelSlot[PolicyModel] = ModelSlot()
    slot.swap(version, model)
    engine = open_engine(settings.world_url)
    migrate(engine)
    threshold = settings.confidence_threshold
    with served(slot) as endpoint:
        chosen = choose_model(settings, endpoint.url, endpoint.key, new_client(settings))
        agents = build_agents(chosen, instrument=traces.instrumentation)
        sure = model.threshold if threshold is None else threshold
        yield Office(engine, agents, settings, sure, traces.tracer)
    engine.dispose()
