"""What several commands share: options, and what they check before they begin."""

from __future__ import annotations

from typing import Annotated

import typer

from .broker import Log
from .endings import end
from .profiles import PROFILES, Profile
from .settings import Settings
from .view import View

ProfileName = Annotated[str, typer.Option(help="small, tiny or handbook")]


def profile_named(name: str) -> Profile:
    """The profile of that name. Ends the command if there is none."""
    if name not in PROFILES:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(PROFILES)}")
    return PROFILES[name]


def opened_stream(settings: Settings) -> tuple[Log, View]:
    """The log and the store, for reading. Ends the command if nothing was streamed yet."""
    if not settings.store_path.exists():
        end(f"nothing was streamed yet: there is no {settings.store_path}", 2)
    return Log(settings.log_path), View(settings.store_path)
