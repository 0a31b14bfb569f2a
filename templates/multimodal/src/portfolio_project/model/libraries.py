"""What timm and open_clip are asked for: trunks with their weights, and how a text is numbered.

Both are the extra `pretrained`, imported only where a configuration names a tower of theirs. They
fetch the weights, unless the configuration names a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

import torch
from torch import nn

from ..errors import UserError

Got = TypeVar("Got")
_LINE = 200


class PretrainedError(UserError):
    """A pretrained tower cannot be had; the text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A network from its input to features (n, width), and what it wants.

    Attributes:
        network: of pictures (n, 3, side, side), normalised, or of numbers of words (n, length).
        side: of pictures, in pixels; 0 for texts.
        mean: of red, green and blue, within 0 and 1, to be taken away.
        std: what remains is divided by it.
        licence: of the weights, where the library tells.
    """

    network: nn.Module
    side: int = 0
    mean: Sequence[float] = ()
    std: Sequence[float] = ()
    licence: str | None = None


Load = Callable[[str, str], Got]
"""From a name and a file of weights, or an empty text for the library's own."""


def ask(loaders: Mapping[str, Load[Got]], modality: str, tower: str, weights: str = "") -> Got:
    """What the library that `tower` names gives for it. Raises PretrainedError."""
    library, _, name = tower.partition(":")
    if library not in loaders:
        known = " or ".join(f"{one}:NAME" for one in loaders)
        raise PretrainedError(f"{modality}_tower = {tower!r} is not known; give own, {known}")
    try:
        return loaders[library](name, weights)
    except PretrainedError:
        raise
    except ModuleNotFoundError as error:
        raise PretrainedError(
            f"{tower} needs the extra `pretrained` ({error.name} is missing); "
            "docs/training.md says how to install it"
        ) from None
    except Exception as error:  # noqa: BLE001 - libraries raise what they like; the user reads a line
        told = " ".join(str(error).split())[:_LINE]
        raise PretrainedError(
            f"{tower} cannot be loaded ({told}). Its weights are fetched from their hub once, or "
            f"read from the file that {modality}_weights under [model] names"
        ) from None


def _timm(name: str, weights: str) -> Trunk:
    timm: Any = import_module("timm")
    overlay = {"pretrained_cfg_overlay": {"file": weights}} if weights else {}
    network = timm.create_model(name, pretrained=True, num_classes=0, exportable=True, **overlay)
    wants = timm.data.resolve_model_data_config(network)
    licence = network.pretrained_cfg.get("license")
    return Trunk(network, wants["input_size"][1], wants["mean"], wants["std"], licence)


def _open_clip(name: str, weights: str) -> Any:
    open_clip: Any = import_module("open_clip")
    architecture, _, tag = name.partition("/")
    if not (tag or weights):
        raise PretrainedError(f"open_clip:{name} names no weights; give open_clip:{name}/WEIGHTS")
    torch.backends.mha.set_fastpath_enabled(value=False)  # the exporter does not know it
    return open_clip.create_model(architecture, weights or tag, force_custom_text=True)


def _open_clip_image(name: str, weights: str) -> Trunk:
    network = _open_clip(name, weights).visual
    wants = network.preprocess_cfg
    side = wants["size"] if isinstance(wants["size"], int) else wants["size"][0]
    return Trunk(network, side, wants["mean"], wants["std"])


def _open_clip_text(name: str, weights: str) -> Trunk:
    return Trunk(_open_clip(name, weights).text)


def _open_clip_merges(name: str, _weights: str) -> tuple[list[str], int]:
    open_clip: Any = import_module("open_clip")
    architecture = name.partition("/")[0]
    wants = (open_clip.get_model_config(architecture) or {}).get("text_cfg")
    if wants is None:
        raise PretrainedError(f"open_clip has no {architecture!r}; see open_clip.list_models()")
    if wants.keys() & {"hf_tokenizer_name", "tokenizer_kwargs"}:
        raise PretrainedError(
            f"open_clip:{architecture} reads by other rules than CLIP's byte pairs, and serving "
            "knows no others; choose a tower such as open_clip:ViT-B-32/laion2b_s34b_b79k"
        )
    tokenizer = open_clip.get_tokenizer(architecture)
    return [" ".join(pair) for pair in tokenizer.bpe_ranks], tokenizer.context_length


IMAGE: dict[str, Load[Trunk]] = {"timm": _timm, "open_clip": _open_clip_image}
TEXT: dict[str, Load[Trunk]] = {"open_clip": _open_clip_text}
MERGES: dict[str, Load[tuple[list[str], int]]] = {"open_clip": _open_clip_merges}
"""The merges by which a text is numbered, the earliest first, and the length of the longest."""
