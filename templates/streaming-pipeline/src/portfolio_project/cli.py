"""The command line: each command is a step of the pipeline; bad input gets a line and exit 2."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from .broker import Log
from .endings import Errors, end
from .endings import run as run_to_end
from .events import Reason
from .profiles import PROFILES, Profile
from .provenance import GateCheck, ProvenanceError, Registry, Reviewed, Version
from .registry_cli import add_commands
from .serving import BadSettings, load_settings
from .serving.keys_cli import keys_app
from .settings import Settings
from .view import View

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A streaming pipeline: events in, stateful features, scored by a trained model.",
)
models = typer.Typer(help="Registered models.")
app.add_typer(models, name="models")
letters = typer.Typer(help="Refused events of the stream.")
app.add_typer(letters, name="dead-letters")
app.add_typer(keys_app, name="keys")

ProfileName = Annotated[str, typer.Option(help="small, tiny or handbook")]


@app.command()
def ingest(
    source: Annotated[
        Path | None,
        typer.Argument(help="A CSV, JSON lines or Parquet file; simulated data if left out"),
    ] = None,
    profile: ProfileName = "small",
    schema: Annotated[
        Path | None, typer.Option(help="TOML: what the file's columns are called, if otherwise")
    ] = None,
) -> None:
    """Bring events in: simulated ones, or your own file. Bad rows go to the dead letters."""
    from .ingest import LETTERS_FILE, ingest_file, ingest_world  # noqa: PLC0415
    from .sources import read_schema  # noqa: PLC0415

    folder = _settings().dataset_dir
    if source is None:
        done = ingest_world(_profile(profile).world, folder)
    else:
        done = ingest_file(source, folder, read_schema(schema) if schema else None)
    typer.echo(f"{done.events:,} events, {done.labels:,} of them labels, in {folder}")
    if done.refused:
        typer.echo(f"{done.refused:,} rows were refused; see {folder / LETTERS_FILE}")


@app.command()
def train(
    train_days: Annotated[int, typer.Option(min=1, help="Days to learn from")] = 14,
    test_days: Annotated[int, typer.Option(min=1, help="Days to test on")] = 7,
    cards_checked: Annotated[int, typer.Option(min=1, help="Cards a team can check a day")] = 20,
    check_cost: Annotated[float, typer.Option(min=0.01, help="Cost of an alert")] = 5.0,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1)] = 0,
) -> None:
    """Train on what was ingested, register the models, and promote what passes the gate."""
    from .config import TrainConfig  # noqa: PLC0415
    from .train import gate_of  # noqa: PLC0415
    from .train import train as run  # noqa: PLC0415

    settings = _settings()
    config = TrainConfig(
        train_days=train_days,
        test_days=test_days,
        cards_checked=cards_checked,
        check_cost=check_cost,
        seed=seed,
    )
    registry = Registry(settings.registry_dir)
    folders = settings.dataset_dir, settings.models_dir
    for model in run(*folders, registry, config, gate_of(settings)):
        report = model.report
        typer.echo(
            f"{model.version}  {model.algorithm:<9} AUC {report['auc_roc']:.3f}  "
            f"average precision {report['average_precision']:.3f}  "
            f"card precision {report['card_precision']:.3f}  "
            f"{'stands by: ' + model.refused if model.refused else 'serves'}"
        )


@app.command()
def retrain(
    *,
    shadow: Annotated[
        bool, typer.Option(help="Run it beside the serving model, and let it decide nothing")
    ] = False,
) -> None:
    """Train on history and on what was streamed since, with the labels that have arrived."""
    from .retrain import retrain as run  # noqa: PLC0415

    _stream()
    model = run(_settings(), shadow=shadow)
    precision = model.report["average_precision"]
    place = f"stands by: {model.refused}" if model.refused else "serves"
    typer.echo(f"{model.version}  average precision {precision:.3f}  {place}")


@app.command()
def evaluate() -> None:
    """Measure every registered model on held-out days, beside the rules that need no model."""
    from .compare import columns, compare  # noqa: PLC0415

    found = compare(_settings())
    names = list(columns(found[0]))
    typer.echo(f"{'':<30}" + "".join(f"{name:>18}" for name in names))
    for one in found:
        title = f"{'*' if one.serving else ' '} {one.name:<10}{one.version:<18}"
        typer.echo(title + "".join(f"{value:>18.4f}" for value in columns(one).values()))


@app.command()
def ablate() -> None:
    """Train without each feature, and on older weeks, and print what that costs."""
    from .ablation import ablate as run  # noqa: PLC0415

    found = run(_settings())
    typer.echo("average precision lost without a feature (95% interval)")
    for line in found["features"]:
        spread = f"{line['low']:+.4f} to {line['high']:+.4f}"
        typer.echo(f"  {line['without']:<24} {line['loss']:+.4f}  ({spread})")
    typer.echo("average precision of a model by its age in weeks (95% interval)")
    for line in found["ages"]:
        spread = f"{line['low']:.4f} to {line['high']:.4f}"
        typer.echo(f"  {line['weeks_old']:<24} {line['average_precision']:.4f}  ({spread})")


@app.command()
def reproduce(*, follow_parent: Annotated[bool, typer.Option(hidden=True)] = False) -> None:
    """Ingest and train again in fresh processes, and compare every byte; exit 1 if one differs."""
    from .ingest import EVENTS_FILE, ingest_world  # noqa: PLC0415
    from .reproduction import reproduce_all  # noqa: PLC0415
    from .train import gate_of  # noqa: PLC0415
    from .train import train as run  # noqa: PLC0415

    if follow_parent:
        from .lifeline import die_with_parent  # noqa: PLC0415

        die_with_parent()
    settings, small = _settings(), PROFILES["small"]
    if not (settings.dataset_dir / EVENTS_FILE).exists():
        ingest_world(small.world, settings.dataset_dir)
    if not settings.models_dir.exists():
        run(
            settings.dataset_dir,
            settings.models_dir,
            Registry(settings.registry_dir),
            small.training,
            gate_of(settings),
        )
    found = reproduce_all(settings)
    for one in found:
        typer.echo(one.verdict)
        for line in one.differences:
            typer.echo(f"  {line}")
    if not all(one.same for one in found):
        raise typer.Exit(1)


@app.command()
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

    settings, stop = _settings(), stop_event()
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


@app.command(hidden=True)
def kafka_worker(
    name: str, *, follow_parent: Annotated[bool, typer.Option(hidden=True)] = False
) -> None:
    """One Kafka worker, called NAME; `stream` starts and supervises some of them."""
    _kafka().run_worker(_settings(), name, follow_parent=follow_parent)


@app.command()
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
    done = follow(_settings(), stop, until_end=until_end)
    if not follow_parent:
        typer.echo(f"{done:,} events watched")


@app.command()
def produce(
    profile: ProfileName = "small",
    speed: Annotated[float, typer.Option(min=1, help="Virtual seconds each second")] = 4_500,
) -> None:
    """Send simulated payments to the log, on a virtual clock, until Ctrl-C."""
    from .broker import Log  # noqa: PLC0415
    from .lifeline import follow_parent, stop_event  # noqa: PLC0415
    from .producer import produce as run  # noqa: PLC0415

    world, settings = _profile(profile).world, _settings()
    stop = stop_event()
    if not sys.stdin.isatty():
        follow_parent(stop)
    run(Log(settings.log_path), world, speed=speed, stop=stop, drift=settings.drift_path)


@app.command()
def serve(port: Annotated[int | None, typer.Option(min=0, max=65_535)] = None) -> None:
    """Serve the API and its page. Run `stream` beside it to have events processed."""
    from .api import create_app  # noqa: PLC0415
    from .history import begin  # noqa: PLC0415
    from .serving import serve as run  # noqa: PLC0415

    settings = _settings() if port is None else _settings(port=port)
    begin(settings)
    raise typer.Exit(run(create_app(settings), settings))


@app.command()
def demo(
    profile: ProfileName = "small",
    speed: Annotated[float, typer.Option(min=1, help="Virtual seconds each second")] = 4_500,
    port: Annotated[int | None, typer.Option(min=0, max=65_535)] = None,
    *,
    reproduce: Annotated[bool, typer.Option(help="Train a second time, and compare")] = True,
) -> None:
    """Train if need be, and show the whole pipeline live on one page."""
    from .demo import Options, run, to_stderr  # noqa: PLC0415

    _profile(profile)
    settings = _settings() if port is None else _settings(port=port)
    raise typer.Exit(run(settings, Options(profile, speed, reproduce), to_stderr))


@app.command()
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


ReasonName = Annotated[Reason | None, typer.Option(help="Only those refused for this reason")]


@letters.command("list")
def list_letters(
    reason: ReasonName = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many")] = 20,
) -> None:
    """List what was refused and not sent again yet, newest first."""
    from itertools import islice  # noqa: PLC0415

    from .redrive import pending  # noqa: PLC0415

    log, view = _stream()
    for letter in islice(pending(log, view, reason), limit):
        typer.echo(f"{letter.offset:>10}  {letter.reason:<16}  {letter.detail}")


@letters.command()
def redrive(reason: ReasonName = None) -> None:
    """Send refused events again, each at most once, if they would be taken now."""
    from .broker import arrival_clock  # noqa: PLC0415
    from .redrive import redrive as run  # noqa: PLC0415

    log, view = _stream()
    done = run(log, view, arrival_clock(log, virtual=_settings().clock == "stream")(), reason)
    typer.echo(f"{done.sent:,} sent again; `stream` processes them")
    for name, count in sorted(done.refused.items()):
        typer.echo(f"{count:,} would be refused again: {name}")


@models.command("try")
def try_model(
    version: str,
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Of the cards that it decides; 0: in the shadow")
    ] = 0.0,
) -> None:
    """Try a model beside the serving one: in the shadow, or as a canary if it passes the gate."""
    from .challenger import start_trial  # noqa: PLC0415
    from .train import gate_of  # noqa: PLC0415

    settings = _settings()
    try:
        trial = start_trial(Registry(settings.registry_dir), version, share, gate_of(settings))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    place = f"decides for {trial.share:.1%} of the cards" if trial.share else "runs in the shadow"
    typer.echo(f"{trial.version} {place}")


@models.command("end-trial")
def end_trial() -> None:
    """Try nothing any more: the serving model decides everything."""
    from .challenger import end_trial as end  # noqa: PLC0415

    end(Registry(_settings().registry_dir))
    typer.echo("nothing is tried")


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


def _settings(**overrides: object) -> Settings:
    return load_settings(Settings, **overrides)


def _gate() -> GateCheck:
    from .train import gate_of  # noqa: PLC0415

    return gate_of(_settings())


def _review(branch: str | None) -> Reviewed:
    from .train import review  # noqa: PLC0415

    return review(_settings(), branch)


def _remark(version: Version) -> str:
    from .train import algorithm_of  # noqa: PLC0415

    precision = version.manifest.metrics["average_precision"]
    return f"{algorithm_of(version):<9} average precision {precision:.3f}"


add_commands(models, lambda: _settings().registry_dir, _gate, _review, _remark)


def _stream() -> tuple[Log, View]:
    settings = _settings()
    if not settings.store_path.exists():
        end(f"nothing was streamed yet: there is no {settings.store_path}", 2)
    return Log(settings.log_path), View(settings.store_path)


def _kafka() -> ModuleType:
    """The Kafka host, which an extra brings."""
    try:
        from .kafka import host  # noqa: PLC0415
    except ModuleNotFoundError as error:
        end(f"a broker needs the extra `kafka` ({error.name} is missing)", 2)
    return host


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(PROFILES)}")
    return PROFILES[name]
