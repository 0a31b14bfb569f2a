"""Commands for registered models: those of every family, and trying one beside another."""

from __future__ import annotations

from typing import Annotated

import typer

from .provenance import GateCheck, Registry, Reviewed, Version
from .registry_cli import add_commands
from .serving import load_settings
from .settings import Settings

models_app = typer.Typer(help="Registered models.")


@models_app.command("try")
def try_model(
    version: str,
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Of the cards that it decides; 0: in the shadow")
    ] = 0.0,
) -> None:
    """Try a model beside the serving one: in the shadow, or as a canary if it passes the gate."""
    from .challenger import start_trial  # noqa: PLC0415
    from .train import gate_of  # noqa: PLC0415

    settings = load_settings(Settings)
    try:
        trial = start_trial(Registry(settings.registry_dir), version, share, gate_of(settings))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    place = f"decides for {trial.share:.1%} of the cards" if trial.share else "runs in the shadow"
    typer.echo(f"{trial.version} {place}")


@models_app.command("end-trial")
def end_trial() -> None:
    """Try nothing any more: the serving model decides everything."""
    from .challenger import end_trial as end  # noqa: PLC0415

    end(Registry(load_settings(Settings).registry_dir))
    typer.echo("nothing is tried")


def _gate() -> GateCheck:
    from .train import gate_of  # noqa: PLC0415

    return gate_of(load_settings(Settings))


def _review(branch: str | None) -> Reviewed:
    from .train import review  # noqa: PLC0415

    return review(load_settings(Settings), branch)


def _remark(version: Version) -> str:
    from .train import algorithm_of  # noqa: PLC0415

    precision = version.manifest.metrics["average_precision"]
    return f"{algorithm_of(version):<9} average precision {precision:.3f}"


add_commands(models_app, lambda: load_settings(Settings).registry_dir, _gate, _review, _remark)
