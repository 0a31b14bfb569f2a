"""The demo: trains if nothing serves yet, then runs a simulated world live, with one command.

Three processes: the API with its page, which supervises the stream's worker and the producer.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from .api import create_app
from .history import begin
from .ingest import EVENTS_FILE, ingest_world
from .profiles import PROFILES
from .provenance import Registry
from .reproduction import is_current
from .serving import serve
from .serving.ports import reserve_port
from .settings import Settings
from .supervisor import Child, Supervisor
from .train import STATE_FILE, gate_of, train

PROFILE = "small"
SPEED = 4_500
"""Virtual seconds each second: a day passes in 19."""

_MONITOR_DELAY = 3.0  # the page moves first
SETTLED_SECONDS = 20.0
"""The second training begins when the page has long been moving."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What the demo's command line can change."""

    profile: str = PROFILE
    speed: float = SPEED
    reproduce: bool = True
    """Whether to train a second time in the background, and show both hashes."""


def run(settings: Settings, options: Options, tell: Tell) -> int:
    """Run until Ctrl-C; returns the exit code. `tell` prints a line for the user.

    Raises BadSettings when the port is taken, before anything else is done.
    """
    changes: dict[str, object] = {"clock": "stream"}
    if "log_level" not in settings.model_fields_set:
        changes["log_level"] = "warning"
    settings = settings.model_copy(update=changes)
    port = reserve_port(settings)
    prepare(settings, options, tell)
    settings = settings.model_copy(update={"port": port})
    children = [
        Child("worker", ("stream", "--follow-parent")),
        Child("monitor", ("monitor", "--follow-parent"), delay=_MONITOR_DELAY),
        Child(
            "producer", ("produce", f"--profile={options.profile}", f"--speed={options.speed:g}")
        ),
    ]
    if options.reproduce and not is_current(settings):
        again = ("reproduce", "--follow-parent")
        children.append(Child("reproduction", again, once=True, delay=SETTLED_SECONDS))
    environment = {f"{_prefix()}DATA_DIR": str(settings.data_dir.resolve())}
    app = create_app(settings, Supervisor(children, environment))
    tell(f"Open http://{settings.host}:{port} in a browser. Ctrl-C ends it.")
    return serve(app, settings)


def prepare(settings: Settings, options: Options, tell: Tell) -> None:
    """Make whatever is missing: history, models, the state that the stream starts from."""
    profile = PROFILES[options.profile]
    registry = Registry(settings.registry_dir)
    state_file = settings.models_dir / STATE_FILE
    started = time.monotonic()
    if not (settings.dataset_dir / EVENTS_FILE).exists():
        tell("Simulating some weeks of card payments ...")
        done = ingest_world(profile.world, settings.dataset_dir)
        tell(f"  {done.events:,} events ({time.monotonic() - started:.1f} s)")
    if registry.current_id() is None or not state_file.exists():
        tell("Training: replaying them through the features, fitting, testing ...")
        folders = settings.dataset_dir, settings.models_dir
        for model in train(*folders, registry, profile.training, gate_of(settings)):
            found = model.report
            tell(
                f"  {model.algorithm}: average precision {found['average_precision']:.3f}, "
                f"AUC {found['auc_roc']:.3f}"
            )
        tell(f"  ready after {time.monotonic() - started:.1f} s")
    begin(settings)


def _prefix() -> str:
    return str(Settings.model_config.get("env_prefix", ""))


def to_stderr(line: str) -> None:
    """Print a line for the user."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
