"""A trained model, ready to score: ONNX Runtime on one thread, bound to the features it knows.

A model comes with `model.json`, which names its features, their fingerprint and its threshold.
One that does not fit the feature code of this very program is refused: it would answer, wrongly.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .features import FEATURE_NAMES
from .fingerprint import fingerprint
from .provenance import Registry, Version

MODEL_FILE = "model.onnx"
SPEC_FILE = "model.json"
INPUT_NAME = "features"


class ModelMismatchError(Exception):
    """The model does not fit this program's features; the text says how."""


class ModelSpec(BaseModel):
    """What a model needs and how its score becomes a decision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    algorithm: str
    features: tuple[str, ...]
    fingerprint: str
    threshold: Annotated[float, Field(ge=0, le=1)]


class Beside(Protocol):
    """What a model that is tried beside the serving one must do; see `challenger`."""

    version: str
    threshold: float

    def scores(self, features: NDArray[np.float32]) -> list[float] | None:
        """Probability for each row, None if it cannot say."""
        ...

    def decides(self, card_id: str) -> bool:
        """Whether its score, not the serving model's, decides about this card."""
        ...


class Scorer:
    """A model that scores. `version` is its id in the registry.

    `beside` is the model that is tried with it, if any.
    """

    beside: Beside | None = None

    def __init__(self, model: bytes, spec: ModelSpec, version: str) -> None:
        """Load `model` (ONNX). Raises ModelMismatchError if it is for other features."""
        _check(spec, version)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        if self._session.get_inputs()[0].shape[1] != len(FEATURE_NAMES):
            raise ModelMismatchError(f"model {version} takes another number of inputs")
        self._outputs = [self._session.get_outputs()[1].name]
        self.spec = spec
        self.version = version
        self.threshold = spec.threshold

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probability of fraud, shape (n,), for features of shape (n, 19)."""
        scores: Any = self._session.run(self._outputs, {INPUT_NAME: features})[0]
        chances: NDArray[np.float32] = scores[:, 1]
        return chances

    def warm_up(self) -> None:
        """Score a known input; raises ValueError if the answer is no probability."""
        score = self.score(np.zeros((1, len(FEATURE_NAMES)), np.float32))
        if not 0 <= float(score[0]) <= 1:
            raise ValueError(f"model {self.version} answers {score[0]}, which is no probability")


def load(version: Version) -> Scorer:
    """Load a registered version, every byte checked against its manifest.

    Raises ModelMismatchError, or TamperedVersionError from the registry.
    """
    try:
        spec = ModelSpec.model_validate_json(version.read(SPEC_FILE))
    except (KeyError, ValidationError) as error:
        raise ModelMismatchError(f"version {version.id} has no usable {SPEC_FILE}") from error
    return Scorer(version.read(MODEL_FILE), spec, version.id)


def load_current(registry: Registry) -> Scorer | None:
    """The serving model, None before the first promotion. Raises as `load`."""
    version = registry.current()
    return load(version) if version else None


def _check(spec: ModelSpec, version: str) -> None:
    if spec.features != FEATURE_NAMES:
        odd = sorted(set(spec.features) ^ set(FEATURE_NAMES)) or ["their order"]
        raise ModelMismatchError(
            f"model {version} was trained on other features ({', '.join(odd)}). Train again"
        )
    if spec.fingerprint != fingerprint():
        raise ModelMismatchError(
            f"model {version} was trained when the features were computed differently. Train again"
        )
