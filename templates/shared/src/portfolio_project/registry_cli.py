"""The registry's commands: which models there are, which serves, and changing that."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from .provenance import GateCheck, Registry, Reviewed, UnknownVersionError, Version


def add_commands(
    commands: typer.Typer,
    folder: Callable[[], Path],
    gate: Callable[[], GateCheck],
    review: Callable[[str | None], Reviewed],
    remark: Callable[[Version], str],
) -> None:
    """Add list, promote, rollback and review.

    Args:
        commands: where they go.
        folder: where the registry is. Asked when a command runs.
        gate: what a model has to pass. Asked when a command runs, so that it may import late.
        review: what compares a model with a branch; without one, with the branch of the settings.
        remark: what a line of the list says of a version.
    """

    @commands.command("list")
    def list_models() -> None:
        """List registered models, oldest first; the serving one has a star."""
        kept = Registry(folder())
        serving = kept.current_id()
        for one in kept.versions():
            typer.echo(f"{'*' if one.id == serving else ' '} {one.id}  {remark(one)}  {one.origin}")

    @commands.command()
    def promote(version: str) -> None:
        """Let a model serve, if it passes the gate."""
        typer.echo(f"{Registry(folder()).promote(version, gate=gate()).id} serves")

    @commands.command()
    def rollback() -> None:
        """Let the model before this one serve again."""
        typer.echo(f"{Registry(folder()).rollback().id} serves")

    @commands.command("review")
    def review_model(
        version: Annotated[str | None, typer.Argument(help="The serving one if left out")] = None,
        branch: Annotated[str | None, typer.Option(help="That of the settings if left out")] = None,
    ) -> None:
        """Say which commit of a reviewed branch holds what made a model; exit 2 if none does."""
        kept = Registry(folder())
        found = kept.get(version) if version else kept.current()
        if found is None:
            raise UnknownVersionError("no model serves yet. Train one, or name a version")
        reviewed = review(branch)
        typer.echo(f"{found.id} is of commit {reviewed.commit_of(found)} on {reviewed.branch}")
