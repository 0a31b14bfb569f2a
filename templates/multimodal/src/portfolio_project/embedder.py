"""A trained model, ready to embed: ONNX Runtime and NumPy, no torch.

A model is a folder, or a version of the registry:

    model.json            modalities, dimension, what the towers take (`ModelSpec`)
    vocabulary.json       the words that it knows
    MODALITY.onnx         one tower each, from input to unit vector
    MODALITY.int8.onnx    the same in 8-bit integers
    model.safetensors     the weights, to train on
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from .byte_pairs import read_vocabulary
from .columns import Columns
from .config import Modality
from .errors import UserError
from .facets import WORLD, facets_of
from .preprocess import SpectrogramParameters, fit_image, spectrogram
from .provenance import Version
from .vocabulary import PADDING
from .world.attributes import Attributes

SPEC_FILE = "model.json"
VOCABULARY_FILE = "vocabulary.json"
WEIGHTS_FILE = "model.safetensors"
INPUT_NAME = "input"
Vectors = NDArray[np.float32]
Numbers = Literal["float32", "int8"]


class BadModel(UserError):
    """A model's files are missing or damaged; the text says which."""


class UnknownModality(UserError):
    """The model was not trained on that modality; the text names those it knows."""


class UnknownAttributes(UserError):
    """The model does not know what is said of attributes; the text says what it knows."""


class TrunkSpec(BaseModel):
    """Which tower that others trained a model stands on, and what it wants of pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    weights: str
    """The SHA-256 of those that came, before any training of our own."""
    licence: str | None = None
    side: int | None = None
    """The exported graph brings pictures to this side, takes `mean` away and divides by `std`."""
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


class ModelSpec(BaseModel):
    """What a model is and takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    config: str
    modalities: tuple[Modality, ...]
    dim: int
    image_side: int
    spectrogram: SpectrogramParameters
    scale: float
    """The loss multiplied cosines by this: softmax(scale * cosine) is the model's confidence."""
    attributes: Columns | None = None
    """What the attribute tower takes; None for the attributes of the world."""
    pretrained: dict[Modality, TrunkSpec] | None = None
    """The towers that others trained, if there are any."""


def onnx_name(modality: str, numbers: Numbers = "float32") -> str:
    """The file that holds a modality's tower."""
    return f"{modality}.onnx" if numbers == "float32" else f"{modality}.int8.onnx"


class Embedder:
    """Puts pictures, texts, sounds and attributes into one space. Safe to share among threads."""

    def __init__(
        self,
        read: Callable[[str], bytes],
        version: str,
        *,
        threads: int = 1,
        numbers: Numbers = "float32",
    ) -> None:
        """Load a model whose files `read` gives by name, to run on `threads`. Raises BadModel."""
        try:
            self.spec = ModelSpec.model_validate_json(read(SPEC_FILE))
            self.vocabulary = read_vocabulary(read(VOCABULARY_FILE))
            self._sessions: dict[str, Any] = {
                name: _session(read(onnx_name(name, numbers)), threads)
                for name in self.spec.modalities
            }
        except (OSError, KeyError) as error:
            raise BadModel(f"model {version} lacks a file: {error}. Train again") from None
        except ValidationError as error:
            raise BadModel(f"model {version}: {SPEC_FILE} is damaged. Train again") from error
        self.version = version

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1, numbers: Numbers = "float32") -> Embedder:
        """Load the model in `folder`; its version is a hash of its files. Raises BadModel."""

        def read(name: str) -> bytes:
            return (folder / name).read_bytes()

        names = sorted(path.name for path in folder.glob("*") if path.suffix in {".onnx", ".json"})
        content = hashlib.sha256()
        for name in names:
            if not name.startswith("run."):
                content.update(read(name))
        return cls(read, content.hexdigest()[:16], threads=threads, numbers=numbers)

    @classmethod
    def of(cls, version: Version, *, threads: int = 1, numbers: Numbers = "float32") -> Embedder:
        """Load a registered version, each file checked. Raises BadModel, TamperedVersionError."""
        return cls(version.read, version.id, threads=threads, numbers=numbers)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.spec.dim

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What this model can embed."""
        return self.spec.modalities

    @property
    def columns(self) -> Columns:
        """What the attribute tower takes."""
        return self.spec.attributes or WORLD

    @property
    def scale(self) -> float:
        """What cosines are multiplied by to become logits."""
        return self.spec.scale

    def text(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dim). Raises UnknownModality."""
        self._known("text")
        numbers = self.vocabulary.encode(texts)
        if len(numbers) and _any_length(self._sessions["text"]):
            longest = int((numbers != PADDING).sum(1).max())
            numbers = np.ascontiguousarray(numbers[:, :longest])
        return self._run("text", numbers)

    def image(self, pixels: NDArray[np.uint8]) -> Vectors:
        """Unit vectors (n, dim) of pictures (n, height, width, 3). Raises UnknownModality."""
        side = self.spec.image_side
        if pixels.shape[1:3] != (side, side):
            pixels = np.stack([fit_image(one, side) for one in pixels])
        return self._run("image", np.ascontiguousarray(pixels))

    def sound(self, sounds: Sequence[NDArray[np.float32]]) -> Vectors:
        """Unit vectors (n, dim) of sounds at the model's sample rate. Raises UnknownModality."""
        self._known("sound")
        return self._run("sound", spectrogram(list(sounds), self.spec.spectrogram))

    def attributes(self, given: Sequence[Attributes | Mapping[str, str]]) -> Vectors:
        """Unit vectors (n, dim) of scenes of the world, or of names and values.

        Raises UnknownModality, UnknownAttributes.
        """
        told = [facets_of(one) if isinstance(one, Attributes) else one for one in given]
        return self.rows(np.array([self.row(one) for one in told], np.int64))

    def row(self, told: Mapping[str, str]) -> tuple[int, ...]:
        """The category numbers of names and values. Raises UnknownAttributes."""
        found = self.columns.row(told)
        if found is None or len(told) > len(found):
            raise UnknownAttributes(self.columns.fault(told))
        return found

    def rows(self, rows: NDArray[np.int64]) -> Vectors:
        """Unit vectors (n, dim) of category numbers (n, columns). Raises UnknownModality."""
        return self._run("attributes", rows)

    def _known(self, modality: str) -> None:
        if modality not in self._sessions:
            known = ", ".join(self.modalities)
            raise UnknownModality(f"the model knows no {modality}, only {known}")

    def _run(self, modality: str, given: NDArray[Any]) -> Vectors:
        self._known(modality)
        if not len(given):
            return np.zeros((0, self.dim), np.float32)
        found: Vectors = self._sessions[modality].run(None, {INPUT_NAME: given})[0]
        return found


def _any_length(session: Any) -> bool:
    """Whether the tower takes texts of any length, or only padded ones, as those of others do."""
    return isinstance(session.get_inputs()[0].shape[1], str)


def _session(model: bytes, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
