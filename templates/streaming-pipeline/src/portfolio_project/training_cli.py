"""Commands that learn from history: ingest, train, and measure what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import ProfileName, opened_stream, profile_named
from .provenance import Registry
from .serving import load_settings
from .settings import Settings

training_app = typer.Typer()


@training_app.command()
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

    folder = load_settings(Settings).dataset_dir
    if source is None:
        done = ingest_world(profile_named(profile).world, folder)
    else:
        done = ingest_file(source, folder, read_schema(schema) if schema else None)
    typer.echo(f"{done.events:,} events, {done.labels:,} of them labels, in {folder}")
    if done.refused:
        typer.echo(f"{done.refused:,} rows were refused; see {folder / LETTERS_FILE}")


@training_app.command()
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

    settings = load_settings(Settings)
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


@training_app.command()
def retrain(
    *,
    shadow: Annotated[
        bool, typer.Option(help="Run it beside the serving model, and let it decide nothing")
    ] = False,
) -> None:
    """Train on history and on what was streamed since, with the labels that have arrived."""
    from .retrain import retrain as run  # noqa: PLC0415

    settings = load_settings(Settings)
    opened_stream(settings)
    model = run(settings, shadow=shadow)
    precision = model.report["average_precision"]
    place = f"stands by: {model.refused}" if model.refused else "serves"
    typer.echo(f"{model.version}  average precision {precision:.3f}  {place}")


@training_app.command()
def evaluate() -> None:
    """Measure every registered model on held-out days, beside the rules that need no model."""
    from .compare import columns, compare  # noqa: PLC0415

    found = compare(load_settings(Settings))
    names = list(columns(found[0]))
    typer.echo(f"{'':<30}" + "".join(f"{name:>18}" for name in names))
    for one in found:
        title = f"{'*' if one.serving else ' '} {one.name:<10}{one.version:<18}"
        typer.echo(title + "".join(f"{value:>18.4f}" for value in columns(one).values()))


@training_app.command()
def ablate() -> None:
    """Train without each feature, and on older weeks, and print what that costs."""
    from .ablation import ablate as run  # noqa: PLC0415

    found = run(load_settings(Settings))
    typer.echo("average precision lost without a feature (95% interval)")
    for line in found["features"]:
        spread = f"{line['low']:+.4f} to {line['high']:+.4f}"
        typer.echo(f"  {line['without']:<24} {line['loss']:+.4f}  ({spread})")
    typer.echo("average precision of a model by its age in weeks (95% interval)")
    for line in found["ages"]:
        spread = f"{line['low']:.4f} to {line['high']:.4f}"
        typer.echo(f"  {line['weeks_old']:<24} {line['average_precision']:.4f}  ({spread})")


@training_app.command()
def reproduce(*, follow_parent: Annotated[bool, typer.Option(hidden=True)] = False) -> None:
    """Ingest and train again in fresh processes, and compare every byte; exit 1 if one differs."""
    from .reproduction import begin, reproduce_all  # noqa: PLC0415

    if follow_parent:
        from .lifeline import die_with_parent  # noqa: PLC0415

        die_with_parent()
    settings = load_settings(Settings)
    begin(settings)
    found = reproduce_all(settings)
    for one in found:
        typer.echo(one.verdict)
        for line in one.differences:
            typer.echo(f"  {line}")
    if not all(one.same for one in found):
        raise typer.Exit(1)
