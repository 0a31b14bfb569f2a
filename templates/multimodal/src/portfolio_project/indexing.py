"""Put a data set into the index: each sample becomes a document with all that it has."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image

from .data.dataset import SplitData, read_split
from .embedder import Embedder
from .errors import UserError
from .index import Document, Entry, Index, Media
from .progress import Bars, Progress, quiet
from .serving_model import embed_documents, limits_of, load_current
from .settings import Settings
from .world import SAMPLE_RATE, SPLITS

BATCH = 64
PAGE = 500
_MADE = re.compile(r"([a-z_]+)-([0-9]{5,9})").fullmatch
WORLD_SPLIT = "test"


class NoModelError(UserError):
    """Nothing serves yet."""


def run(settings: Settings, index: Index, splits: Sequence[str], limit: int) -> Iterator[str]:
    """Index the samples of `splits` (by default what `default_splits` says); tell what was done.

    Raises NoModelError, DatasetError, and the index's errors.
    """
    chosen = list(splits) or default_splits(settings.dataset_dir)
    gone = sweep(index, settings.dataset_dir)
    if gone:
        yield f"{gone:,} documents of data that are no longer in {settings.dataset_dir} removed"
    with Bars() as progress:
        count = build(settings, index, chosen, limit, progress)
    state = index.state()
    yield (
        f"{count:,} documents of {', '.join(chosen)} indexed; the index holds {state.documents:,} "
        f"(version {state.version}, model {state.model})"
    )


def build(
    settings: Settings, index: Index, splits: Sequence[str], limit: int, progress: Progress = quiet
) -> int:
    """Embed and write documents, batch by batch; return how many. Raises as `run`."""
    found = load_current(settings)
    if found is None:
        raise NoModelError("no model serves yet. Run the commands `ingest` and `train`")
    version, embedder = found
    limits = limits_of(settings, embedder)

    def embed(documents: Sequence[Document]) -> list[dict[str, NDArray[np.float32]]]:
        return embed_documents(documents, embedder, limits)

    index.rebuild(version, embedder.dim, embed)
    done = 0
    for split in splits:
        data = read_split(settings.dataset_dir / split)
        total = min(len(data), limit) if limit else len(data)
        for start in range(0, total, BATCH):
            rows = range(start, min(start + BATCH, total))
            documents = [document_of(data, split, row, embedder) for row in rows]
            vectors = embed(documents)
            entries = [Entry(one, made) for one, made in zip(documents, vectors, strict=True)]
            index.upsert(entries, version)
            done += len(entries)
            progress(f"indexing {split}", rows.stop, total)
    return done


def sweep(index: Index, dataset: Path) -> int:
    """Remove documents that `build` made of samples that are no longer there; return how many.

    Such a one has the id that `document_of` gives, and another caption than the sample has now.
    """
    captions: dict[str, Sequence[str]] = {}
    stale: list[str] = []
    after = ""
    while page := index.page(after, PAGE):
        after = page[-1].id
        for document in page:
            made = _MADE(document.id)
            if made is None or made[1] not in SPLITS:
                continue
            if made[1] not in captions:
                there = (dataset / made[1]).is_dir()
                captions[made[1]] = read_split(dataset / made[1]).captions if there else ()
            row, now = int(made[2]), captions[made[1]]
            if row >= len(now) or now[row] != document.caption:
                stale.append(document.id)
    return index.delete(stale) if stale else 0


def default_splits(dataset: Path) -> list[str]:
    """The test split of the made world; everything of data of one's own."""
    there = [name for name in ("train", "validation", WORLD_SPLIT) if (dataset / name).is_dir()]
    return [WORLD_SPLIT] if (dataset / "held_out").is_dir() else there or [WORLD_SPLIT]


def document_of(data: SplitData, split: str, row: int, embedder: Embedder) -> Document:
    """One sample as a document, its picture a PNG and its sound a WAV file."""
    media = {"image": Media("image/png", _png(data.images[row]))}
    if data.sounds is not None and "sound" in embedder.modalities:
        wave = data.waves(slice(row, row + 1))[0]
        media["sound"] = Media("audio/wav", _wav(wave, embedder.spec.spectrogram.sample_rate))
    attributes = {"split": split, **(data.facets[row] if data.facets else {})}
    if data.attributes is not None:
        attributes |= data.columns.told([int(number) for number in data.attributes[row]])
    return Document(f"{split}-{row:05d}", data.captions[row], attributes, media)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    target = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(target, "PNG")
    return target.getvalue()


def _wav(wave: NDArray[np.float32], rate: int = SAMPLE_RATE) -> bytes:
    target = io.BytesIO()
    soundfile.write(target, wave, rate, format="WAV", subtype="PCM_16")
    return target.getvalue()
