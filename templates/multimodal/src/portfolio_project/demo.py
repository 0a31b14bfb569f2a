"""`demo`: everything from nothing, in one command. A world, a model, an index, and the page."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from .api import create_app
from .config import load_config
from .index import open_index
from .indexing import WORLD_SPLIT, build
from .ingest import RUN_FILE, ingest_world
from .progress import Bars
from .provenance import Registry
from .serving import BadSettings, serve
from .settings import Settings
from .train import gate_of, train

CONFIG = "demo"
DOCUMENTS = 1_000
SECONDS_BETWEEN_LINES = 10.0

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What the demo's command line can change."""

    config: str = CONFIG
    documents: int = DOCUMENTS


def run(settings: Settings, options: Options, tell: Tell) -> int:
    """Run until Ctrl-C; returns the exit code. `tell` prints a line for the user.

    Raises BadSettings when the port is taken, before anything else is done.
    """
    if "log_level" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_level": "warning"})
    settings = settings.model_copy(update={"port": _reserve(settings)})
    prepare(settings, options, tell)
    app = create_app(settings)
    tell(f"Open http://{settings.host}:{settings.port} in a browser. Ctrl-C ends it.")
    return serve(app, settings)


def prepare(settings: Settings, options: Options, tell: Tell) -> None:
    """Make whatever is missing: data, a model, an index."""
    config = load_config(options.config)
    registry = Registry(settings.registry_dir)
    shown = _Shown(tell)
    if not (settings.dataset_dir / RUN_FILE).exists():
        tell("Drawing a world: pictures, captions, sounds, attributes ...")
        done = ingest_world(config, settings.dataset_dir, shown)
        shown.end(f"{sum(done.splits.values()):,} scenes")
    if registry.current_id() is None:
        tell("Training the towers on them; the loss should fall ...")
        folders = settings.dataset_dir, settings.models_dir
        trained = train(*folders, registry, config, shown, gate=gate_of(settings))
        recall = trained.metrics["validation_recall_at_1"]
        size = trained.metrics["validation_size"]
        shown.end(f"text finds its picture first in {recall:.1%} of {size:,.0f} held-back scenes")
    index = open_index(settings)
    try:
        if not index.state().documents:
            tell("Indexing scenes that it has never seen ...")
            count = build(settings, index, [WORLD_SPLIT], options.documents, shown)
            shown.end(f"{count:,} documents")
    finally:
        index.close()


class _Shown:
    """Progress as a bar on a terminal, and as a line now and then where there is none."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._bars = Bars()
        self._terminal = sys.stderr.isatty()
        self._began = self._told = time.monotonic()

    def __call__(self, what: str, done: int, of: int) -> None:
        """Show how far `what` is."""
        self._bars(what, done, of)
        now = time.monotonic()
        if not self._terminal and now - self._told >= SECONDS_BETWEEN_LINES:
            self._told = now
            self._tell(f"  {what}: {done:,} of {of:,}")

    def end(self, line: str) -> None:
        """Say what a step came to, and how long it took."""
        self._tell(f"  {line} ({time.monotonic() - self._began:.0f} s)")
        self._began = self._told = time.monotonic()


def _reserve(settings: Settings) -> int:
    """The port to serve on, known to be free a moment ago. Raises BadSettings if it is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            prefix = str(Settings.model_config.get("env_prefix", ""))
            line = (
                f"{prefix}PORT: can't listen on {settings.host}:{settings.port} "
                f"({(error.strerror or str(error)).lower()}); choose another with --port"
            )
            raise BadSettings([line]) from None
        return int(probe.getsockname()[1])


def to_stderr(line: str) -> None:
    """Print a line for the user."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
