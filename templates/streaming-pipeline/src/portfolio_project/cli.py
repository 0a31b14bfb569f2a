"""The command line: each command is a step of the pipeline; bad input gets a line and exit 2."""

from __future__ import annotations

import sqlite3

import typer

from .endings import Errors
from .endings import run as run_to_end
from .letters_cli import letters_app
from .models_cli import models_app
from .provenance import ProvenanceError
from .running_cli import running_app
from .serving import BadSettings
from .serving.keys_cli import keys_app
from .training_cli import training_app

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A streaming pipeline: events in, stateful features, scored by a trained model.",
)
app.add_typer(training_app)
app.add_typer(running_app)
app.add_typer(models_app, name="models")
app.add_typer(letters_app, name="dead-letters")
app.add_typer(keys_app, name="keys")


def main() -> None:
    """Run the command line; what can go wrong for a user is told in one line."""
    run_to_end(app, _told, lambda: (sqlite3.OperationalError,))


def _told() -> Errors:
    from .brokers import BrokerError  # noqa: PLC0415
    from .dataset import DatasetError  # noqa: PLC0415
    from .record import RecordError  # noqa: PLC0415
    from .scorer import ModelMismatchError  # noqa: PLC0415
    from .serving_model import NoModelError  # noqa: PLC0415
    from .train import TrainingError  # noqa: PLC0415

    own = (BrokerError, DatasetError, ModelMismatchError, NoModelError, RecordError, TrainingError)
    return (BadSettings, ProvenanceError, *own)
