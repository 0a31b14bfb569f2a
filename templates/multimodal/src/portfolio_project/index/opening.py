"""Open the index that the settings name."""

from __future__ import annotations

from ..settings import Settings
from .base import Index
from .embedded import EmbeddedIndex


def open_index(settings: Settings) -> Index:
    """Open or make it. Raises IndexUnavailableError or IndexCorruptError."""
    if not settings.index_url:
        return EmbeddedIndex(settings.index_dir)
    from .postgres import PostgresIndex  # noqa: PLC0415 - the driver is needed by few

    return PostgresIndex(settings.index_url)
