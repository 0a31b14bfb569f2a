"""The serving model as the API and the index use it: which one, and what it makes of a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .embedder import Embedder
from .index import Document
from .preprocess import BadMedia, Limits, decode_image, decode_sound
from .provenance import Registry, Version
from .settings import Settings

Vectors = dict[str, NDArray[np.float32]]


def limits_of(settings: Settings, embedder: Embedder) -> Limits:
    """What a picture or a sound may be at most, and the sample rate that the model hears."""
    return Limits(
        max_bytes=settings.max_body_bytes,
        max_pixels=settings.max_pixels,
        max_seconds=settings.max_sound_seconds,
        sample_rate=embedder.spec.spectrogram.sample_rate,
    )


def load(version: Version, settings: Settings) -> Embedder:
    """Load a registered model, every byte checked. Raises TamperedVersionError, BadModel."""
    return Embedder.of(version, threads=settings.threads)


def load_current(settings: Settings) -> tuple[str, Embedder] | None:
    """The version and the model that serves, None before the first promotion. Raises as `load`."""
    version = Registry(settings.registry_dir).current()
    return (version.id, load(version, settings)) if version else None


def warm_up(embedder: Embedder) -> None:
    """Embed a known input in each modality; raises ValueError if the answer is no unit vector."""
    empty = np.zeros((embedder.spec.image_side, embedder.spec.image_side, 3), np.uint8)
    made = {
        "text": lambda: embedder.text(["red"]),
        "image": lambda: embedder.image(empty[None]),
        "sound": lambda: embedder.sound([np.zeros(1, np.float32)]),
        "attributes": lambda: embedder.rows(np.zeros((1, len(embedder.columns.sizes)), np.int64)),
    }
    for modality in embedder.modalities:
        (vector,) = made[modality]()
        if vector.shape != (embedder.dim,) or not np.isclose(np.linalg.norm(vector), 1, 1e-3):
            raise ValueError(f"{modality} gives no unit vector of length {embedder.dim}")


def work_of(embedder: Embedder, modality: str) -> Callable[[Sequence[Any]], NDArray[np.float32]]:
    """The function that embeds decoded inputs of one modality, shape (n, dim)."""
    work: Mapping[str, Callable[[Sequence[Any]], NDArray[np.float32]]] = {
        "text": lambda values: embedder.text(list(values)),
        "image": lambda values: embedder.image(np.stack(list(values))),
        "sound": lambda values: embedder.sound(list(values)),
        "attributes": lambda values: embedder.rows(np.array(values, np.int64)),
    }
    return work[modality]


def inputs_of(document: Document, embedder: Embedder, limits: Limits) -> dict[str, Any]:
    """The parts of a document that the model embeds, decoded, by modality. Raises BadMedia."""
    found: dict[str, Any] = {}
    if document.caption:
        found["text"] = document.caption
    if "image" in document.media:
        side = embedder.spec.image_side
        found["image"] = decode_image(document.media["image"].data, side, limits)
    if "sound" in document.media:
        found["sound"] = decode_sound(document.media["sound"].data, limits)
    if (row := embedder.columns.row(document.attributes)) is not None:
        found["attributes"] = row
    return {kind: value for kind, value in found.items() if kind in embedder.modalities}


def embed_documents(
    documents: Sequence[Document], embedder: Embedder, limits: Limits
) -> list[Vectors]:
    """The vectors of each document; a part that can't be decoded any more has none."""
    inputs = [_lenient_inputs(document, embedder, limits) for document in documents]
    vectors: list[Vectors] = [{} for _ in documents]
    for modality in embedder.modalities:
        having = [at for at, one in enumerate(inputs) if modality in one]
        if having:
            made = work_of(embedder, modality)([inputs[at][modality] for at in having])
            for at, vector in zip(having, made, strict=True):
                vectors[at][modality] = vector
    return vectors


def _lenient_inputs(document: Document, embedder: Embedder, limits: Limits) -> dict[str, Any]:
    try:
        return inputs_of(document, embedder, limits)
    except BadMedia:
        # It was taken when the limits were wider; its caption is still good.
        bare = Document(document.id, document.caption, document.attributes)
        return inputs_of(bare, embedder, limits)
