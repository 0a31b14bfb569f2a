"""What a question is made of: texts, pictures, sounds, scenes, documents and vectors, weighted."""

from __future__ import annotations

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Coroutine, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from ..embedder import Embedder, UnknownAttributes
from ..errors import UserError
from ..index import Vector
from ..index.base import normalised
from ..preprocess import BadMedia, decode_image, decode_sound
from ..serving import Problem, Served
from ..serving_model import limits_of, work_of
from .access import Access, index_problem, insist_on_version, submit
from .examples import PICTURE, SOUND
from .scene import Scene

Modality = Literal["image", "text", "sound", "attributes"]
MEDIA_CHARACTERS = 16_000_000
_BASE64 = r"^[A-Za-z0-9+/]+={0,2}$"
DocumentId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
Picture = Annotated[
    str,
    Field(
        min_length=4,
        max_length=MEDIA_CHARACTERS,
        pattern=_BASE64,
        description="The file of a picture, in base64: PNG, JPEG, WebP, BMP or GIF",
        json_schema_extra={"format": "picture"},
        examples=[PICTURE],
    ),
]
Sound = Annotated[
    str,
    Field(
        min_length=4,
        max_length=MEDIA_CHARACTERS,
        pattern=_BASE64,
        description="The file of a sound, in base64: WAV, FLAC, OGG or MP3",
        json_schema_extra={"format": "sound"},
        examples=[SOUND],
    ),
]
Text = Annotated[
    str,
    Field(max_length=1_000, pattern=r"\S", examples=["a red circle above a star"]),
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextPart(_Part):
    """Words."""

    kind: Literal["text"]
    text: Text


class ImagePart(_Part):
    """A picture."""

    kind: Literal["image"]
    data: Picture


class SoundPart(_Part):
    """A sound."""

    kind: Literal["sound"]
    data: Sound


class ScenePart(_Part):
    """A row of attributes: a scene of the made world, or a value for each column of the model."""

    kind: Literal["attributes"]
    scene: Scene | None = None
    values: dict[
        Annotated[str, Field(min_length=1, max_length=100)],
        Annotated[str, Field(max_length=200)],
    ] = Field(
        default_factory=dict,
        max_length=40,
        description="By the names of the columns that the model learnt from",
        examples=[{"first.colour": "red"}],
    )

    def told(self) -> dict[str, str]:
        """All names and values."""
        return (self.scene.facets() if self.scene else {}) | self.values


class DocumentPart(_Part):
    """What is stored of a document already."""

    kind: Literal["document"]
    id: DocumentId = Field(examples=["scene-00001"])
    modality: Modality = "image"


class VectorPart(_Part):
    """A vector that the serving model made before; one of another model is refused."""

    kind: Literal["vector"]
    values: list[Annotated[FiniteFloat, Field(ge=-1e6, le=1e6)]] = Field(
        min_length=1, max_length=4_096, examples=[[0.6, -0.8]]
    )
    model_version: str = Field(min_length=1, max_length=64, examples=["f9d2ca31f30507be"])


Embeddable = Annotated[TextPart | ImagePart | SoundPart | ScenePart, Field(discriminator="kind")]
Part = Annotated[
    TextPart | ImagePart | SoundPart | ScenePart | DocumentPart | VectorPart,
    Field(discriminator="kind"),
]


def decode(part: Embeddable, access: Access, embedder: Embedder) -> tuple[str, Any]:
    """A part's modality and what the model takes for it. Raises Problem."""
    limits = limits_of(access.settings, embedder)
    try:
        match part:
            case TextPart():
                return "text", part.text
            case ImagePart():
                side = embedder.spec.image_side
                return "image", decode_image(from_base64(part.data), side, limits)
            case SoundPart():
                return "sound", decode_sound(from_base64(part.data), limits)
            case ScenePart():
                return "attributes", embedder.row(part.told())
    except BadMedia as error:
        raise media_problem(error, part.kind) from None
    except UnknownAttributes as error:
        raise Problem(
            409,
            "Attributes Not Known",
            detail=f"Of the attributes that the model knows: {error}.",
            type="urn:problem:unknown-attributes",
            attributes=embedder.columns.allowed(),
        ) from None


def from_base64(text: str) -> bytes:
    """Decode; raises BadMedia for what is no base64."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadMedia("this is no base64; encode the whole file") from None


def media_problem(error: BadMedia, kind: str) -> Problem:
    """What is wrong with a file, for the caller."""
    return Problem(
        422,
        "File Not Usable",
        detail=f"{error.reason[:1].upper()}{error.reason[1:]}.",
        type="urn:problem:bad-media",
        kind=kind,
    )


def insist_on_modality(modality: str, embedder: Embedder) -> None:
    """Refuse what the serving model was not trained on."""
    if modality not in embedder.modalities:
        raise Problem(
            409,
            "Modality Not Served",
            detail=f"The serving model knows {', '.join(embedder.modalities)}, not {modality}.",
            type="urn:problem:modality-not-served",
            modalities=list(embedder.modalities),
        )


async def embed_parts(
    parts: list[Embeddable], access: Access, served: Served[Embedder]
) -> list[Vector]:
    """A unit vector for each part, through the batcher. Raises Problem."""
    for part in parts:
        insist_on_modality(part.kind, served.model)
    return await together([_embed_part(part, access, served) for part in parts])


async def together(ways: Sequence[Coroutine[Any, Any, Vector]]) -> list[Vector]:
    """What all of them come to; a single one needs no task of its own."""
    return [await ways[0]] if len(ways) == 1 else await asyncio.gather(*ways)


async def _embed_part(part: Embeddable, access: Access, served: Served[Embedder]) -> Vector:
    heavy = part.kind in {"image", "sound"}
    decoded = (
        await asyncio.to_thread(decode, part, access, served.model)
        if heavy
        else decode(part, access, served.model)
    )
    return await embed_decoded(*decoded, access, served)


async def embed_decoded(
    modality: str, value: Any, access: Access, served: Served[Embedder]
) -> Vector:
    """Embed one decoded input through the batcher. Raises a 503 Problem when too many wait."""
    key = (served.version, modality)
    vector: Vector = await submit(access.batcher, key, work_of(served.model, modality), value)
    return vector


async def resolve(part: Part, access: Access, served: Served[Embedder]) -> Vector:
    """The unit vector of any part. Raises Problem."""
    match part:
        case DocumentPart():
            try:
                vector = await asyncio.to_thread(
                    access.index.vector, part.id, part.modality, served.version
                )
            except UserError as error:
                raise index_problem(error) from error
            if vector is None:
                raise Problem(404, detail=f"No document {part.id} with {part.modality}.")
            return vector
        case VectorPart():
            insist_on_version(part.model_version, served.version)
            return _given(part.values, served.model.dim)
        case _:
            return (await embed_parts([part], access, served))[0]


def _given(values: list[float], dim: int) -> Vector:
    vector = np.array(values, np.float32)
    if len(vector) != dim:
        raise _bad_vector(f"it has {len(vector)} numbers, the model's have {dim}")
    try:
        return normalised(vector)
    except ValueError as error:
        raise _bad_vector(str(error)) from None


def _bad_vector(reason: str) -> Problem:
    detail = f"This is no vector of this model: {reason}."
    return Problem(409, detail=detail, type="urn:problem:bad-vector")
