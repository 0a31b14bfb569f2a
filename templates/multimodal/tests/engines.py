"""Both engines of the index, and small documents to put into them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from portfolio_project.index import Document, EmbeddedIndex, Entry, Media
from portfolio_project.index.postgres import PostgresIndex

ENGINES = ("embedded", "postgres")
DIM = 16
MODEL = "model-a"
COLOURS = ("red", "green", "blue")


def vector(seed: int, dim: int = DIM) -> np.ndarray:
    """Return a unit vector that `seed` decides."""
    made = np.random.default_rng(seed).standard_normal(dim).astype(np.float32)
    return made / np.linalg.norm(made)


def entry(number: int, *kinds: str, shift: int = 0) -> Entry:
    """Return a document of that number, with a vector for each kind."""
    document = Document(
        id=f"doc-{number:05d}",
        caption=f"caption {number}",
        attributes={"colour": COLOURS[number % 3], "parity": str(number % 2)},
        media={"image": Media("image/png", f"picture {number}".encode())},
    )
    return Entry(document, {kind: vector(number + shift) for kind in kinds or ("image",)})


def embed(documents: list[Document]) -> list[dict[str, np.ndarray]]:
    """Stand for a model: the vectors follow from the ids."""
    return [{"image": vector(int(one.id[-5:]) + 1_000_000)} for one in documents]


@contextmanager
def empty_index(engine: str, folder: Path, postgres: str, **options: int) -> Iterator[object]:
    """Yield an index with a ready generation of MODEL, and close it."""
    if engine == "embedded":
        index = EmbeddedIndex(folder / "index", **options)
    else:
        index = PostgresIndex(postgres)
    index.rebuild(MODEL, DIM, embed)
    try:
        yield index
    finally:
        index.close()
