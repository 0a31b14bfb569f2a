"""The command line: each command is a step of the pipeline; bad input gets a line and exit 2."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from .endings import Errors
from .endings import run as run_to_end
from .index_cli import index_app
from .provenance import GateCheck, ProvenanceError, Reviewed, Version
from .registry_cli import add_commands
from .serving import BadSettings, load_settings
from .serving.keys_cli import keys_app
from .settings import Settings

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Multimodal representations: one space for pictures, text, sound and attributes.",
)
models = typer.Typer(help="Registered models.")
app.add_typer(models, name="models")
app.add_typer(index_app, name="index")
app.add_typer(keys_app, name="keys")

ConfigName = Annotated[str, typer.Option(help="A file in configs/, without its ending")]


@app.command()
def ingest(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A folder of pictures with captions, a table, tar shards, or huggingface:NAME; "
            "the made world if left out"
        ),
    ] = None,
    config: ConfigName = "default",
) -> None:
    """Bring data in, each item checked at the door; what is refused goes to the dead letters."""
    from . import ingest as step  # noqa: PLC0415

    _say(step.run(_settings(), config, source))


@app.command()
def train(config: ConfigName = "default") -> None:
    """Train on what was ingested, register the model, and promote it if it passes the gate."""
    from . import train as step  # noqa: PLC0415

    _say(step.run(_settings(), config))


@app.command()
def evaluate() -> None:
    """Measure the serving model on held-out data, and write the report page."""
    from . import evaluate as step  # noqa: PLC0415

    _say(step.run(_settings()))


@app.command()
def ablate(
    configs: Annotated[list[str] | None, typer.Argument(help="Configs to compare")] = None,
) -> None:
    """Train one model for each config on the same data, and compare them in a table."""
    from . import ablate as step  # noqa: PLC0415

    _say(step.run(_settings(), configs or []))


@app.command()
def reproduce() -> None:
    """Ingest and train again in fresh processes, and compare every byte; exit 1 if one differs."""
    from .reproduction import reproduce_all  # noqa: PLC0415

    found = reproduce_all(_settings())
    for one in found:
        typer.echo(one.verdict)
        for line in one.differences:
            typer.echo(f"  {line}")
    if not all(one.same for one in found):
        raise typer.Exit(1)


@app.command()
def serve(port: Annotated[int | None, typer.Option(min=0, max=65_535)] = None) -> None:
    """Serve the API and its pages."""
    from .api import create_app  # noqa: PLC0415
    from .serving import serve as run  # noqa: PLC0415

    settings = _settings() if port is None else _settings(port=port)
    raise typer.Exit(run(create_app(settings), settings))


@app.command()
def demo(
    config: Annotated[str, typer.Option(help="What to train, if nothing serves yet")] = "demo",
    port: Annotated[int | None, typer.Option(min=0, max=65_535)] = None,
) -> None:
    """Train if need be, index scenes that it has never seen, and show the page."""
    from .demo import Options, run, to_stderr  # noqa: PLC0415

    settings = _settings() if port is None else _settings(port=port)
    raise typer.Exit(run(settings, Options(config), to_stderr))


@app.command()
def record(target: Annotated[Path, typer.Argument(help="The file to write")]) -> None:
    """Write the page, with recorded answers, as one file that opens from disk."""
    from .recording import record as run  # noqa: PLC0415

    typer.echo(f"{run(_settings(), target)} in {target}")


@models.command()
def register(
    folder: Annotated[Path, typer.Argument(help="What was fitted elsewhere, as by torchrun")],
) -> None:
    """Register a fitted model, and promote it if it passes the gate."""
    from . import train as step  # noqa: PLC0415

    _say(step.run_register(_settings(), folder))


def main() -> None:
    """Run the command line; what can go wrong for a user is told in one line."""
    run_to_end(app, _told, lambda: (sqlite3.OperationalError,))


def _told() -> Errors:
    from .errors import UserError  # noqa: PLC0415

    return (BadSettings, ProvenanceError, UserError)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _settings(**overrides: object) -> Settings:
    return load_settings(Settings, **overrides)


def _gate() -> GateCheck:
    from .train import gate_of  # noqa: PLC0415

    return gate_of(_settings())


def _review(branch: str | None) -> Reviewed:
    from .train import review  # noqa: PLC0415

    return review(_settings(), branch)


def _remark(version: Version) -> str:
    return str(version.manifest.config.get("name", ""))


add_commands(models, lambda: _settings().registry_dir, _gate, _review, _remark)
