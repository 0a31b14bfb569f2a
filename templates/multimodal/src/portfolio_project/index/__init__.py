"""The vector index: embedded by default, pgvector on PostgreSQL by URL, one protocol for both."""

from .base import (
    Document,
    Entry,
    Hit,
    Index,
    IndexCorruptError,
    IndexUnavailableError,
    Media,
    Query,
    State,
    Vector,
    VersionMismatchError,
)
from .embedded import EmbeddedIndex
from .opening import open_index
from .recall import Recall, measure_recall

__all__ = [
    "Document",
    "EmbeddedIndex",
    "Entry",
    "Hit",
    "Index",
    "IndexCorruptError",
    "IndexUnavailableError",
    "Media",
    "Query",
    "Recall",
    "State",
    "Vector",
    "VersionMismatchError",
    "measure_recall",
    "open_index",
]
