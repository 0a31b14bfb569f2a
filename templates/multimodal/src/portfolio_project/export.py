"""From torch to files that serve without it: ONNX, 8-bit ONNX, safetensors."""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from safetensors.torch import save
from torch import Tensor

from .config import Modality, TrainConfig
from .data.dataset import SplitData
from .embedder import (
    INPUT_NAME,
    SPEC_FILE,
    VOCABULARY_FILE,
    WEIGHTS_FILE,
    ModelSpec,
    TrunkSpec,
    onnx_name,
)
from .facets import WORLD
from .model import Encoder, Pretrained, TextTower
from .provenance import readable_json
from .training.trainer import Fitted
from .vocabulary import Vocabulary

_OPSET = 17
_CALIBRATION = 128


def export(
    fitted: Fitted, config: TrainConfig, vocabulary: Vocabulary, data: SplitData, folder: Path
) -> list[str]:
    """Write the model into `folder` and return the names of its files; `data` calibrate int8."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [SPEC_FILE, VOCABULARY_FILE, WEIGHTS_FILE]
    spec = ModelSpec(
        config=config.name,
        modalities=config.model.modalities,
        dim=config.model.dim,
        image_side=config.model.image_side,
        spectrogram=config.model.spectrogram,
        scale=round(fitted.head.scale.item(), 6),
        attributes=None if data.columns == WORLD else data.columns,
        pretrained=_trunks(fitted) or None,
    )
    (folder / SPEC_FILE).write_bytes(readable_json(spec.model_dump(mode="json", exclude_none=True)))
    (folder / VOCABULARY_FILE).write_bytes(vocabulary.to_json())
    (folder / WEIGHTS_FILE).write_bytes(save(_weights(fitted)))
    for modality in config.model.modalities:
        given = sample_inputs(modality, config, vocabulary, data)
        encoder = Encoder(fitted.towers, fitted.head, modality).eval()
        (folder / onnx_name(modality)).write_bytes(to_onnx(encoder, torch.from_numpy(given)))
        _quantise(folder, modality, given)
        names += [onnx_name(modality), onnx_name(modality, "int8")]
    return names


def _trunks(fitted: Fitted) -> dict[Modality, TrunkSpec]:
    """What the model says of towers that others trained."""
    found: dict[Modality, TrunkSpec] = {}
    for modality, tower in fitted.towers.towers.items():
        if isinstance(tower, Pretrained):
            found[cast("Modality", modality)] = TrunkSpec(
                name=tower.name,
                weights=tower.weights,
                licence=tower.licence,
                side=tower.side or None,
                mean=_values(cast("Tensor", tower.mean)),
                std=_values(cast("Tensor", tower.std)),
            )
    return found


def _values(tensor: Tensor) -> tuple[float, ...] | None:
    """Its numbers as people write them, None for an empty one."""
    return tuple(round(value, 6) for value in tensor.flatten().tolist()) or None


def to_onnx(encoder: Encoder, given: Tensor) -> bytes:
    """The encoder as ONNX, for any number of rows like those of `given`.

    Texts may be of any length where the tower is our own: padding costs as much as words do.
    """
    free = {0: "n", 1: "words"} if isinstance(encoder.tower, TextTower) else {0: "n"}
    held = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # The exporter that traces is enough for towers without branches, and needs no onnxscript.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            encoder,
            (given[:2],),
            cast("Any", held),
            dynamo=False,
            opset_version=_OPSET,
            input_names=[INPUT_NAME],
            output_names=["vectors"],
            dynamic_axes={INPUT_NAME: free, "vectors": {0: "n"}},
        )
    model = onnx.load_from_string(held.getvalue())
    for node in model.graph.node:
        node.doc_string = ""  # it names folders of the machine that exported
    return bytes(model.SerializeToString(deterministic=True))


def sample_inputs(
    modality: str, config: TrainConfig, vocabulary: Vocabulary, data: SplitData
) -> NDArray[np.generic]:
    """What the tower of `modality` takes, for the first samples of `data`."""
    some = slice(0, _CALIBRATION)
    match modality:
        case "image":
            return np.array(data.images[some])
        case "text":
            return vocabulary.encode(data.captions[some])
        case "sound":
            few = SplitData(data.images[some], data.captions[some], sounds=_sounds(data)[some])
            return few.spectrograms(config.model.spectrogram)
        case _:
            assert data.attributes is not None
            return np.array(data.attributes[some])


def _sounds(data: SplitData) -> NDArray[np.int16]:
    assert data.sounds is not None
    return data.sounds


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # the library brings no types
    """Inputs in batches, from which the ranges of activations are taken."""

    def __init__(self, given: NDArray[np.generic]) -> None:
        self._batches = iter(np.array_split(given, max(1, len(given) // 32)))

    # The library wants None after the last batch, and declares a dict.
    def get_next(self) -> dict[str, NDArray[np.generic]] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The next batch, None after the last."""
        return next(({INPUT_NAME: batch} for batch in self._batches), None)


def _quantise(folder: Path, modality: str, given: NDArray[np.generic]) -> None:
    """Convolutions by ranges that were seen, matrix products by ranges of the moment."""
    source, target = folder / onnx_name(modality), folder / onnx_name(modality, "int8")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # its advice is not for our users
    try:
        if modality in {"image", "sound"}:
            quantize_static(
                source,
                target,
                _Calibration(given),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv"],
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
            )
        else:
            quantize_dynamic(source, target, weight_type=QuantType.QInt8)
    finally:
        logging.disable(before)


def _weights(fitted: Fitted) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, module in (("towers", fitted.towers), ("head", fitted.head)):
        for key, value in module.state_dict().items():
            found[f"{name}.{key}"] = value.contiguous()
    return found
