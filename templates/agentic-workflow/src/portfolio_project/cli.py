"""The command line. Each command is one step; bad input gets one line and exit 2."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import errors
from .endings import end
from .endings import run as run_to_end
from .provenance import GateCheck, Registry, Reviewed, Version
from .registry_cli import add_commands
from .serving import load_settings
from .serving.keys_cli import keys_app
from .settings import Settings

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A service desk: an agent works tickets under policy, durably, and is measured.",
)
models = typer.Typer(help="Registered models.")
audits = typer.Typer(help="The audit log.")
evals = typer.Typer(help="Record, replay and compare evaluations.")
app.add_typer(models, name="models")
app.add_typer(audits, name="audit")
app.add_typer(evals, name="eval")
app.add_typer(keys_app, name="keys")


@app.command()
def ingest(
    extra: Annotated[Path | None, typer.Argument(help="JSON lines of your own tickets")] = None,
    tickets: Annotated[int, typer.Option(min=300, help="Tickets to generate")] = 4_000,
) -> None:
    """Generate the corpus: tickets with their right reading, and the expert's traces."""
    from .training.ingest import LETTERS, CorpusConfig  # noqa: PLC0415
    from .training.ingest import ingest as run  # noqa: PLC0415

    folder = _settings().corpus_dir
    done = run(folder, CorpusConfig(tickets=tickets), extra)
    typer.echo(f"{done.readings:,} tickets and {done.traces:,} traces in {folder}")
    if done.refused:
        typer.echo(f"{done.refused:,} rows were refused; see {folder / LETTERS}")


@app.command()
def train() -> None:
    """Train on what was ingested, register the model, and promote it if it passes the gate."""
    from .training.train import TrainConfig, gate_of  # noqa: PLC0415
    from .training.train import train as run  # noqa: PLC0415

    settings = _settings()
    registry = Registry(settings.registry_dir)
    folders = settings.corpus_dir, settings.models_dir
    done = run(*folders, registry, TrainConfig(), gate_of(settings))
    told = "  ".join(f"{name} {value:.3f}" for name, value in sorted(done.report.items()))
    typer.echo(
        f"{done.version}  {told}  {'stands by: ' + done.refused if done.refused else 'serves'}"
    )


@app.command()
def reproduce() -> None:
    """Ingest and train again in fresh processes, and compare every byte; exit 1 if one differs."""
    from .training.reproduction import reproduce_all  # noqa: PLC0415

    found = reproduce_all(_settings())
    for one in found:
        typer.echo(one.verdict)
        for line in one.differences:
            typer.echo(f"  {line}")
    if not all(one.same for one in found):
        raise typer.Exit(1)


@app.command()
def evaluate(
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Tickets at once in each")] = 8,
    every: Annotated[int, typer.Option(min=1, help="Work only each n-th ticket")] = 1,
    processes: Annotated[int | None, typer.Option(min=1, max=64, help="Spread over these")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report")] = None,
) -> None:
    """Work the evaluation's tickets, grade them, and write the report and its page."""
    from .evaluation.command import run  # noqa: PLC0415

    settings = _settings()
    folder = out or settings.evaluation_dir
    for line in run(settings, folder, concurrency=concurrency, every=every, processes=processes):
        typer.echo(line)


@evals.command()
def record(
    folder: Annotated[Path, typer.Argument(help="Where the recordings go")],
    every: Annotated[int, typer.Option(min=1, help="Work only each n-th ticket")] = 1,
) -> None:
    """Evaluate and keep every model call."""
    from .evaluation.command import run_cassette  # noqa: PLC0415

    for line in run_cassette(_settings(), folder, "record", every=every):
        typer.echo(line)


@evals.command()
def replay(
    folder: Annotated[Path, typer.Argument(help="Where the recordings are")],
    every: Annotated[int, typer.Option(min=1, help="Work only each n-th ticket")] = 1,
) -> None:
    """Evaluate from recordings alone; a call without one fails and shows the difference."""
    from .evaluation.command import run_cassette  # noqa: PLC0415

    for line in run_cassette(_settings(), folder, "replay", every=every):
        typer.echo(line)


@evals.command()
def compare(
    before: Annotated[Path, typer.Argument(help="The accepted report.json")],
    after: Annotated[Path, typer.Argument(help="The new report.json")],
) -> None:
    """Compare two evaluations ticket by ticket; exit 1 on a regression or a new unsafe write."""
    from .evaluation.command import compare_files  # noqa: PLC0415

    comparison = compare_files(before, after)
    typer.echo(comparison.verdict)
    if comparison.failures:
        raise typer.Exit(1)


@evals.command()
def build() -> None:
    """Build the evaluation's tickets again from their seeds."""
    from .evaluation.command import build_dataset  # noqa: PLC0415

    typer.echo(build_dataset())


@app.command()
def work(
    name: Annotated[str, typer.Option(help="A name that this worker keeps")] = "worker-1",
    *,
    follow_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Take tickets from the queue and work them, until Ctrl-C."""
    from .lifeline import follow_parent as follow  # noqa: PLC0415
    from .lifeline import stop_event  # noqa: PLC0415
    from .serving.logs import configure_logging  # noqa: PLC0415
    from .workflow.worker import work as run  # noqa: PLC0415

    settings = _settings()
    configure_logging(settings)
    stop = stop_event()
    if follow_parent:
        follow(stop)
    run(settings, stop, name)


@app.command()
def serve(port: Annotated[int | None, typer.Option(min=0, max=65_535)] = None) -> None:
    """Serve the API and the desk, with as many workers as the settings say."""
    from .api import create_app  # noqa: PLC0415
    from .serving import serve as run  # noqa: PLC0415

    settings = _settings() if port is None else _settings(port=port)
    raise typer.Exit(run(create_app(settings), settings))


@app.command()
def found(
    tenant: Annotated[str, typer.Argument(help="For whom")] = "demo",
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another company")] = 7,
) -> None:
    """Found a tenant's company with made-up records, unless there is one."""
    from .demo import found_company  # noqa: PLC0415

    made = found_company(_settings(), tenant, seed)
    typer.echo(f"{tenant}: {'founded' if made else 'is there already, and stays as it is'}")


@app.command()
def demo(port: Annotated[int | None, typer.Option(min=0, max=65_535)] = None) -> None:
    """Train if need be, found a company, and show the desk live on one page."""
    from .demo import run  # noqa: PLC0415

    settings = _settings() if port is None else _settings(port=port)
    raise typer.Exit(run(settings, lambda line: typer.echo(line, err=True)))


@audits.command()
def verify(tenant: Annotated[str, typer.Argument(help="Whose log")] = "demo") -> None:
    """Walk a tenant's audit log and check the chain; exit 1 where it is broken."""
    from .world import audit  # noqa: PLC0415
    from .world.engine import migrate, open_engine, reading  # noqa: PLC0415

    engine = open_engine(_settings().world_url)
    migrate(engine)
    with reading(engine) as connection:
        chain = audit.verify(connection, tenant)
    if not chain.intact:
        end(f"{tenant}: the chain is broken at entry {chain.broken_at}", 1)
    typer.echo(f"{tenant}: {chain.entries:,} entries, intact, head {chain.head}")


def main() -> None:
    """Run the command line; what can go wrong for a user is told in one line."""
    run_to_end(app, errors.told, errors.away)


def _settings(**overrides: object) -> Settings:
    return load_settings(Settings, **overrides)


def _gate() -> GateCheck:
    from .training.train import gate_of  # noqa: PLC0415

    return gate_of(_settings())


def _review(branch: str | None) -> Reviewed:
    from .training.train import review  # noqa: PLC0415

    return review(_settings(), branch)


def _remark(version: Version) -> str:
    return f"right on unseen phrases {version.manifest.metrics['right_unseen_phrases']:.3f}"


add_commands(models, lambda: _settings().registry_dir, _gate, _review, _remark)
