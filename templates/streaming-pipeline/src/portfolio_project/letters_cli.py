"""Commands for the dead letters: what the stream refused, and sending it again."""

from __future__ import annotations

from typing import Annotated

import typer

from .events import Reason
from .options import opened_stream
from .serving import load_settings
from .settings import Settings

letters_app = typer.Typer(help="Refused events of the stream.")

ReasonName = Annotated[Reason | None, typer.Option(help="Only those refused for this reason")]


@letters_app.command("list")
def list_letters(
    reason: ReasonName = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many")] = 20,
) -> None:
    """List what was refused and not sent again yet, newest first."""
    from itertools import islice  # noqa: PLC0415

    from .redrive import pending  # noqa: PLC0415

    log, view = opened_stream(load_settings(Settings))
    for letter in islice(pending(log, view, reason), limit):
        typer.echo(f"{letter.offset:>10}  {letter.reason:<16}  {letter.detail}")


@letters_app.command()
def redrive(reason: ReasonName = None) -> None:
    """Send refused events again, each at most once, if they would be taken now."""
    from .broker import arrival_clock  # noqa: PLC0415
    from .redrive import redrive as run  # noqa: PLC0415

    settings = load_settings(Settings)
    log, view = opened_stream(settings)
    now = arrival_clock(log, virtual=settings.clock == "stream")()
    done = run(log, view, now, reason)
    typer.echo(f"{done.sent:,} sent again; `stream` processes them")
    for name, count in sorted(done.refused.items()):
        typer.echo(f"{count:,} would be refused again: {name}")
