"""Commands that run until they are stopped: the processes of the pipeline, and its demo."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from .endings import end
from .options import ProfileName, profile_named
from .serving import load_settings
from .settings import Settings

running_app = typer.Typer()
Port = Annotated[int | None, typer.Option(min=0, max=65_535)]


@running_app.command()
def stream(
    *,
    until_end: Annotated[bool, typer.Option(help="Stop when the log is done")] = False,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Events a transaction")] = 500,
    workers: Annotated[
        int | None, typer.Option(min=0, max=64, help="Kafka workers that it keeps; 0: none")
    ] = None,
    follow_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Process the log: score what comes, exactly once, until Ctrl-C."""
    from .lifeline import follow_parent as follow  # noqa: PLC0415
    from .lifeline import stop_event  # noqa: PLC0415
    from .worker import work  # noqa: PLC0415

    settings, stop = load_settings(Settings), stop_event()
    if follow_parent:
        follow(stop)
    if settings.broker_url == "embedded":
        done = work(settings, stop, batch=batch, until_end=until_end)
    else:
        host = _kafka()
        count = settings.kafka_workers if workers is None else workers
        done = host.work(settings, stop, workers=count, until_end=until_end)
    if not follow_parent:
        typer.echo(f"{done:,} events processed")


@running_app.command(hidden=True)
def kafka_worker(
    name: str, *, follow_parent: Annotated[bool, typer.Option(hidden=True)] = False
) -> None:
    """One Kafka worker, called NAME; `stream` starts and supervises some of them."""
    _kafka().run_worker(load_settings(Settings), name, follow_parent=follow_parent)


@running_app.command()
def monitor(
    *,
    until_end: Annotated[bool, typer.Option(help="Stop when all decisions were seen")] = False,
    follow_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Watch scores, features and arrivals for a change, and keep alarms, until Ctrl-C."""
    from .lifeline import follow_parent as follow_process  # noqa: PLC0415
    from .lifeline import stop_event  # noqa: PLC0415
    from .monitors.monitor import follow  # noqa: PLC0415

    stop = stop_event()
    if follow_parent:
        follow_process(stop)
    done = follow(load_settings(Settings), stop, until_end=until_end)
    if not follow_parent:
        typer.echo(f"{done:,} events watched")


@running_app.command()
def produce(
    profile: ProfileName = "small",
    speed: Annotated[float, typer.Option(min=1, help="Virtual seconds each second")] = 4_500,
) -> None:
    """Send simulated payments to the log, on a virtual clock, until Ctrl-C."""
    from .broker import Log  # noqa: PLC0415
    from .lifeline import follow_parent, stop_event  # noqa: PLC0415
    from .producer import produce as run  # noqa: PLC0415

    world, settings = profile_named(profile).world, load_settings(Settings)
    stop = stop_event()
    if not sys.stdin.isatty():
        follow_parent(stop)
    run(Log(settings.log_path), world, speed=speed, stop=stop, drift=settings.drift_path)


@running_app.command()
def serve(port: Port = None) -> None:
    """Serve the API and its page. Run `stream` beside it to have events processed."""
    from .api import create_app  # noqa: PLC0415
    from .history import begin  # noqa: PLC0415
    from .serving import serve as run  # noqa: PLC0415

    settings = load_settings(Settings) if port is None else load_settings(Settings, port=port)
    begin(settings)
    raise typer.Exit(run(create_app(settings), settings))


@running_app.command()
def demo(
    profile: ProfileName = "small",
    speed: Annotated[float, typer.Option(min=1, help="Virtual seconds each second")] = 4_500,
    port: Port = None,
    *,
    reproduce: Annotated[bool, typer.Option(help="Train a second time, and compare")] = True,
) -> None:
    """Train if need be, and show the whole pipeline live on one page."""
    from .demo import Options, run, to_stderr  # noqa: PLC0415

    profile_named(profile)
    settings = load_settings(Settings) if port is None else load_settings(Settings, port=port)
    raise typer.Exit(run(settings, Options(profile, speed, reproduce), to_stderr))


@running_app.command()
def record(
    out: Annotated[Path, typer.Argument(help="The page to write")] = Path("recording.html"),
    url: Annotated[str, typer.Option(help="Of the running service")] = "http://127.0.0.1:8000",
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long")] = 30,
    key: Annotated[str | None, typer.Option(help="An API key with the scope read")] = None,
) -> None:
    """Record a running demo as one page that opens from disk, without a server."""
    from .record import record as run  # noqa: PLC0415

    done = run(url, seconds, out, key)
    typer.echo(f"{out}: {done:,} decisions in {seconds:g} s")


def _kafka() -> ModuleType:
    """The Kafka host, which an extra brings."""
    try:
        from .kafka import host  # noqa: PLC0415
    except ModuleNotFoundError as error:
        end(f"a broker needs the extra `kafka` ({error.name} is missing)", 2)
    return host
