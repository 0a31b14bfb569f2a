"""Open the index that the settings name."""

from __future__ import annotations

from ..settings import Settings
from .base import Index, IndexUnavailableError
from .embedded import EmbeddedIndex


def open_index(settings: Settings) -> Index:
    """Open or make it. Raises IndexUnavailableError or IndexCorruptError."""
    if not settings.index_url:
        return EmbeddedIndex(settings.index_dir)
    try:
        from .postgres import PostgresIndex  # noqa: PLC0415 - an extra
    except ImportError:
        raise IndexUnavailableError(
            "PostgreSQL's driver is not installed: run `uv sync --extra postgres`"
        ) from None
    return PostgresIndex(settings.index_url)
