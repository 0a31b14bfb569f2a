"""The command line: each command is a step of the pipeline; bad input gets a line and exit 2."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable
from typing import Annotated, NoReturn

import typer

from .index_cli import index_app
from .provenance import ProvenanceError, Registry
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


@models.command("list")
def list_models() -> None:
    """List registered models, oldest first; the serving one has a star."""
    registry = Registry(_settings().registry_dir)
    serving = registry.current_id()
    for one in registry.versions():
        name = one.manifest.config.get("name", "")
        typer.echo(f"{'*' if one.id == serving else ' '} {one.id}  {name}")


@models.command()
def promote(version: str) -> None:
    """Let a model serve, if it passes the gate."""
    from .train import GATE  # noqa: PLC0415

    done = Registry(_settings().registry_dir).promote(version, gate=GATE)
    typer.echo(f"{done.id} serves")


@models.command()
def rollback() -> None:
    """Let the model before this one serve again."""
    done = Registry(_settings().registry_dir).rollback()
    typer.echo(f"{done.id} serves")


def main() -> None:
    """Run the command line; what can go wrong for a user is told in one line."""
    from .errors import UserError  # noqa: PLC0415

    try:
        sys.exit(app(standalone_mode=False))
    except (BadSettings, ProvenanceError, UserError) as error:
        _end(str(error), 2)
    except typer.TyperException as error:
        _end(f"{_wording(error)}. See --help", 2)
    except (OSError, sqlite3.OperationalError) as error:
        _end(f"{error}. Check the disk and the folder of the data", 1)
    except (KeyboardInterrupt, typer.Abort):
        _end("interrupted", 130)


def _wording(error: typer.TyperException) -> str:
    """What is wrong with the command line, in one line."""
    wording = getattr(error, "format_message", error.__str__)()
    return " ".join(str(wording).split()).rstrip(".")


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _end(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    sys.exit(code)


def _settings(**overrides: object) -> Settings:
    return load_settings(Settings, **overrides)
