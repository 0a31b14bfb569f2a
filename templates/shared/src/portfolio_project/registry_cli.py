"""The registry's commands: which models there are, which serves, and changing that."""

from collections.abc import Callable
from pathlib import Path

import typer

from .provenance import GateCheck, Registry, Version


def add_commands(
    commands: typer.Typer,
    folder: Callable[[], Path],
    gate: Callable[[], GateCheck],
    remark: Callable[[Version], str],
) -> None:
    """Add list, promote and rollback.

    Args:
        commands: where they go.
        folder: where the registry is. Asked when a command runs.
        gate: what a model has to pass. Asked when a command runs, so that it may import late.
        remark: what a line of the list says of a version.
    """

    @commands.command("list")
    def list_models() -> None:
        """List registered models, oldest first; the serving one has a star."""
        kept = Registry(folder())
        serving = kept.current_id()
        for one in kept.versions():
            typer.echo(f"{'*' if one.id == serving else ' '} {one.id}  {remark(one)}")

    @commands.command()
    def promote(version: str) -> None:
        """Let a model serve, if it passes the gate."""
        typer.echo(f"{Registry(folder()).promote(version, gate=gate()).id} serves")

    @commands.command()
    def rollback() -> None:
        """Let the model before this one serve again."""
        typer.echo(f"{Registry(folder()).rollback().id} serves")
