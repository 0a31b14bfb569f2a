"""What an index is: documents, their vectors by modality, and the one protocol of both engines.

A vector means something only beside vectors of the same model. So vectors belong to a
*generation*, which belongs to one model version, and every search and every write names the model
that its vectors come from.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError

Vector = NDArray[np.float32]
Vectors = Mapping[str, Vector]
"""Modality -> unit vector, shape (dim,)."""


class VersionMismatchError(UserError):
    """Vectors of one model were about to be compared with those of another."""

    def __init__(self, asked: str, found: str) -> None:
        """`asked`: the model of the caller's vectors; `found`: that of the index, or nothing."""
        there = f"vectors of model {found}" if found else "no vectors yet"
        super().__init__(
            f"model {asked} asks an index that holds {there}. Rebuild it: `index build`"
        )
        self.asked = asked
        self.found = found


class IndexUnavailableError(UserError):
    """The index's server or file cannot be reached; the text says what to do."""


class IndexCorruptError(UserError):
    """A file is no snapshot of an index, or a damaged one."""


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or a sound as it came in: its media type and its bytes."""

    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """Something that can be found. `media` is keyed by `image` and `sound`."""

    id: str
    caption: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    media: Mapping[str, Media] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A document with the vectors of those of its parts that the model embeds."""

    document: Document
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Query:
    """A question: `vector` (unit, shape (dim,)) of `model` against the vectors of `target`.

    `filters` must all hold of a document's attributes. `exact` compares with every vector.
    """

    vector: Vector
    model: str
    target: str
    limit: int = 10
    filters: Mapping[str, str] = field(default_factory=dict)
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found, and the cosine between its vector and the query's."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class State:
    """What the index holds: `vectors` by modality, of the generation that became whole last."""

    generation: int
    sequence: int
    model: str
    dim: int
    documents: int
    vectors: Mapping[str, int]

    @property
    def version(self) -> str:
        """Names what an answer was made from: changes with each write and each rebuild."""
        return version_of(self.generation, self.sequence)


def version_of(generation: int, sequence: int) -> str:
    """The name of a state, such as g1.42."""
    return f"g{generation}.{sequence}"


Embed = Callable[[Sequence[Document]], Sequence[Vectors]]
Progress = Callable[[int, int], None]


class Index(Protocol):
    """An index. Safe to use from several threads; writes are durable when a call returns."""

    searches_at_once: int
    """How many searches that wait are best given to one thread together."""

    @abstractmethod
    def state(self) -> State:
        """What is in it now."""

    @abstractmethod
    def version(self) -> str:
        """As `State.version`, without counting anything."""

    @abstractmethod
    def upsert(self, entries: Sequence[Entry], model: str) -> None:
        """Write or replace whole documents, all or none.

        Raises VersionMismatchError, also for a model that another one has followed.
        """

    @abstractmethod
    def delete(self, ids: Sequence[str]) -> int:
        """Remove documents and all their vectors; return how many there were."""

    @abstractmethod
    def get(self, document: str, *, media: bool = False) -> Document | None:
        """A document, its media only if asked for."""

    @abstractmethod
    def fetch(self, ids: Sequence[str]) -> dict[str, Document]:
        """Those of the documents that are there, by their ids, without media."""

    @abstractmethod
    def page(self, after: str, limit: int) -> list[Document]:
        """Documents in the order of their ids, beginning after `after`, without media."""

    @abstractmethod
    def vector(self, document: str, target: str, model: str) -> Vector | None:
        """One vector, if there is one. Raises VersionMismatchError."""

    @abstractmethod
    def sample(self, target: str, model: str, limit: int) -> tuple[list[str], Vector]:
        """Ids and vectors (n, dim) of the first `limit` documents. Raises VersionMismatchError."""

    @abstractmethod
    def search(self, query: Query) -> list[Hit]:
        """The nearest, best first; ties by id. Raises VersionMismatchError."""

    @abstractmethod
    def search_all(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """As `search` for each; all are of one model. Raises VersionMismatchError."""

    @abstractmethod
    def rebuild(self, model: str, dim: int, embed: Embed, progress: Progress | None = None) -> int:
        """Embed what `model` has not embedded yet, into its own generation; return how many.

        Searches and writes go on meanwhile, on the generation that they name. The new one can be
        asked for when it is whole. Interrupted, it is taken up where it stopped.
        """

    @abstractmethod
    def snapshot(self, path: Path) -> None:
        """Write everything into one file, as of one moment, while searches and writes go on.

        Raises IndexCorruptError if the file is there and is no snapshot.
        """

    @abstractmethod
    def restore(self, path: Path) -> None:
        """Replace everything by a snapshot, all or nothing. Raises IndexCorruptError."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections."""


def normalised(vector: Vector) -> Vector:
    """Return `vector` at unit length. Raises ValueError if it has none or is not finite."""
    norm = float(np.linalg.norm(vector))
    if not np.isfinite(norm) or norm == 0:
        raise ValueError("a vector needs a length that is finite and not zero")
    return (vector / norm).astype(np.float32)
