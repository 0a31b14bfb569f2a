"""The demo: trains if nothing serves yet, founds a company, and serves the desk on one page."""

import time
from collections.abc import Callable

from .api import create_app
from .api.access import DEFAULT_TENANT
from .provenance import Registry
from .serving import serve
from .serving.ports import reserve_port
from .settings import Settings
from .training.ingest import READINGS, CorpusConfig, ingest
from .training.train import TrainConfig, gate_of, train
from .world import company
from .world.engine import UnknownTenantError, migrate, open_engine, writing

SEED = 7
TICKETS = 1_600
"""A demo's model learns from fewer tickets than `train`'s, to be there sooner."""


def run(settings: Settings, tell: Callable[[str], None]) -> int:
    """Run until Ctrl-C; returns the exit code. `tell` prints a line for the user.

    Raises BadSettings when the port is taken, before anything else is done.
    """
    settings = settings.model_copy(update={"port": reserve_port(settings)})
    prepare(settings, tell)
    tell(f"Open http://{settings.host}:{settings.port} in a browser. Ctrl-C ends it.")
    return serve(create_app(settings), settings)


def prepare(settings: Settings, tell: Callable[[str], None]) -> None:
    """Make whatever is missing: a model that serves, and the demo's company."""
    registry = Registry(settings.registry_dir)
    started = time.monotonic()
    if registry.current_id() is None:
        if not (settings.corpus_dir / READINGS).exists():
            tell("Generating tickets and the expert's traces ...")
            ingest(settings.corpus_dir, CorpusConfig(tickets=TICKETS, traced=300))
        tell("Training the policy model ...")
        folders = settings.corpus_dir, settings.models_dir
        done = train(*folders, registry, TrainConfig(), gate_of(settings))
        right = done.report["right_unseen_phrases"]
        tell(f"  reads {right:.1%} of unseen phrases rightly ({time.monotonic() - started:.1f} s)")
    found_company(settings)


def found_company(settings: Settings, tenant: str = DEFAULT_TENANT, seed: int = SEED) -> bool:
    """Found a company for a tenant, unless it has one; returns whether it was founded."""
    engine = open_engine(settings.world_url)
    migrate(engine)
    try:
        with writing(engine, tenant):
            return False
    except UnknownTenantError:
        with engine.begin() as connection:
            company.found(connection, tenant, company.draw_company(seed))
        return True
    finally:
        engine.dispose()
