"""Documents: put something into the index, read it, remove it, look through all."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated

import orjson
from fastapi import APIRouter, Body, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from ..embedder import Embedder
from ..errors import UserError
from ..index import Document, Entry, Media
from ..index.base import Vectors
from ..preprocess import BadMedia
from ..serving import Cursor, CursorCodec, Limit, Page, Principal, Problem, Served, require_scope
from ..serving_model import inputs_of, limits_of
from .access import Access, index_problem, insist_on_version
from .embed import AskedVersion
from .examples import PICTURE
from .parts import DocumentId, Picture, Sound, Text, embed_decoded, from_base64, media_problem
from .scene import Scene
from .sniff import CONTENT_TYPES, content_type

Id = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$", examples=["scene-00001"]),
]
Reader = Annotated[Principal, Depends(require_scope("search"))]
Writer = Annotated[Principal, Depends(require_scope("write"))]
EXAMPLE = {
    "id": "disc-1",
    "caption": "a red circle",
    "image": PICTURE,
    "attributes": {"source": "example"},
}


class NewDocument(BaseModel):
    """Something to be found: at least a caption, a picture, a sound or a scene."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "anyOf": [{"required": [part]} for part in ("caption", "image", "sound", "scene")],
        },
    )

    id: DocumentId | None = Field(default=None, description="Made from the content if left out")
    caption: Text = Field(default="")
    image: Picture = Field(default="")
    sound: Sound = Field(default="")
    scene: Scene | None = None
    attributes: dict[
        Annotated[str, Field(min_length=1, max_length=100)],
        Annotated[str, Field(max_length=200)],
    ] = Field(default_factory=dict, max_length=40, description="To filter by")
    model_version: AskedVersion = None


class Stored(BaseModel):
    """A document as it is in the index."""

    id: str = Field(examples=["disc-1"])
    caption: str | None
    attributes: dict[str, str]


class Indexed(Stored):
    """A document that was put into the index, and what it can be found by."""

    modalities: list[str] = Field(examples=[["image", "text"]])
    model_version: str = Field(examples=["f9d2ca31f30507be"])
    index_version: str = Field(examples=["g1.42"])


class Removed(BaseModel):
    """How many documents were removed, and the index after it."""

    removed: int = Field(ge=0)
    index_version: str = Field(examples=["g1.43"])


def documents_router(access: Access) -> APIRouter:
    """POST and GET /documents, GET and DELETE /documents/{document}, and its media."""
    router = APIRouter(prefix="/documents", tags=["documents"])
    codec = CursorCodec(access.settings.pepper, "documents")

    @router.post("", summary="Put a document into the index", status_code=201)
    async def add(
        new: Annotated[NewDocument, Body(openapi_examples={"disc": {"value": EXAMPLE}})],
        _caller: Writer,
    ) -> Indexed:
        """It replaces one of the same id, whole. When this answers, it is on disk and is found."""
        with access.slot.lease() as served:
            insist_on_version(new.model_version, served.version)
            document = await asyncio.to_thread(_read, new)
            vectors = await _embed(document, access, served)
            try:
                entry = Entry(document, vectors)
                await asyncio.to_thread(access.index.upsert, [entry], served.version)
                version = await asyncio.to_thread(access.index.version)
            except UserError as error:
                raise index_problem(error) from error
            return Indexed(
                **_shown(document).model_dump(),
                modalities=sorted(vectors),
                model_version=served.version,
                index_version=version,
            )

    @router.get("", summary="Look through all documents")
    def page(_caller: Reader, limit: Limit = 20, cursor: Cursor = None) -> Page[Stored]:
        """In the order of their ids."""
        after = str(codec.decode(cursor)) if cursor else ""
        try:
            found = access.index.page(after, limit + 1)
        except UserError as error:
            raise index_problem(error) from error
        more = codec.encode(found[limit - 1].id) if len(found) > limit else None
        return Page(items=[_shown(one) for one in found[:limit]], next_cursor=more)

    @router.delete("/{document}", summary="Remove a document")
    def remove(document: Id, _caller: Writer) -> Removed:
        """When this answers, it is not found any more. 404 if it was not there."""
        try:
            count = access.index.delete([document])
            version = access.index.version()
        except UserError as error:
            raise index_problem(error) from error
        if not count:
            raise Problem(404, detail=f"There is no document {document}.")
        return Removed(removed=count, index_version=version)

    _add_reading(router, access)
    return router


def _add_reading(router: APIRouter, access: Access) -> None:
    @router.get("/{document}", summary="Read a document")
    def read(document: Id, _caller: Reader) -> Stored:
        """Without its picture and its sound, which have addresses of their own."""
        return _shown(_get(access, document))

    @router.get(
        "/{document}/{part}",
        summary="A document's picture or sound, as it came in",
        response_class=Response,
        responses={200: {"content": {kind: {} for kind in CONTENT_TYPES}}},
    )
    def media(
        document: Id, part: Annotated[str, Path(pattern="^(image|sound)$")], _caller: Reader
    ) -> Response:
        """404 where there is none."""
        found = _get(access, document, media=True).media.get(part)
        if found is None:
            raise Problem(404, detail=f"Document {document} has no {part}.")
        headers = {"Cache-Control": "private, max-age=60"}
        return Response(found.data, media_type=found.content_type, headers=headers)


def _read(new: NewDocument) -> Document:
    """The document as it is kept. Raises Problem."""
    media: dict[str, Media] = {}
    for kind, text in (("image", new.image), ("sound", new.sound)):
        if text:
            try:
                data = from_base64(text)
            except BadMedia as error:
                raise media_problem(error, kind) from None
            media[kind] = Media(content_type(data), data)
    attributes = new.attributes | (new.scene.facets() if new.scene else {})
    name = (
        new.id
        or hashlib.sha256(
            orjson.dumps(
                [new.caption, attributes, new.image, new.sound], option=orjson.OPT_SORT_KEYS
            )
        ).hexdigest()[:20]
    )
    return Document(name, new.caption or None, attributes, media)


async def _embed(document: Document, access: Access, served: Served[Embedder]) -> Vectors:
    limits = limits_of(access.settings, served.model)
    try:
        inputs = await asyncio.to_thread(inputs_of, document, served.model, limits)
    except BadMedia as error:
        raise media_problem(error, "media") from None
    if not inputs:
        raise Problem(
            409,
            "Nothing To Embed",
            detail=f"The serving model knows {', '.join(served.model.modalities)}; "
            "the document has none of these.",
            type="urn:problem:modality-not-served",
        )
    vectors = await asyncio.gather(
        *(embed_decoded(kind, value, access, served) for kind, value in inputs.items())
    )
    return dict(zip(inputs, vectors, strict=True))


def _get(access: Access, document: str, *, media: bool = False) -> Document:
    try:
        found = access.index.get(document, media=media)
    except UserError as error:
        raise index_problem(error) from error
    if found is None:
        raise Problem(404, detail=f"There is no document {document}.")
    return found


def _shown(document: Document) -> Stored:
    return Stored(id=document.id, caption=document.caption, attributes=dict(document.attributes))
