"""All towers of a configuration side by side, and the head that makes them comparable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from ..config import ModelConfig
from .attributes import AttributeTower
from .image import ImageTower
from .pretrained import image_tower, text_tower
from .sound import SoundTower
from .text import TextTower


class Towers(nn.Module):
    """Modality -> tower. Each input is seen alone, so a batch may come in pieces."""

    def __init__(self, config: ModelConfig, words: int, length: int) -> None:
        """Build the towers that `config.trained` names."""
        super().__init__()
        made: dict[str, nn.Module] = {}
        for modality in config.trained:
            made[modality] = _tower(modality, config, words, length)
        self.towers = nn.ModuleDict(made)

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Modality -> inputs of its tower, to modality -> vectors (n, dim), not yet comparable."""
        return {name: cast("Tensor", self.towers[name](given)) for name, given in inputs.items()}


class Head(nn.Module):
    """The last step: every modality to mean 0 and spread 1 in each dimension, then to length 1.

    It sees the whole batch, of all processes, so it comes after `gather`. The scale is the inverse
    temperature of the loss (Radford et al. 2021); the bias is SigLIP's (Zhai et al. 2023).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norms = nn.ModuleDict({name: _norm(config) for name in config.trained})
        self.log_scale = nn.Parameter(torch.tensor(math.log(config.scale)))
        self.bias = nn.Parameter(torch.tensor(config.bias))

    def forward(self, raw: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Vectors (n, dim) of each modality to unit vectors of the shared space."""
        return {
            name: nn.functional.normalize(self.norms[name](vectors.float()), dim=1)
            for name, vectors in raw.items()
        }

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied with; held below 100, as CLIP does."""
        return self.log_scale.clamp(max=math.log(100)).exp()


class Encoder(nn.Module):
    """One modality from input to unit vector: what is exported."""

    def __init__(self, towers: Towers, head: Head, modality: str) -> None:
        super().__init__()
        self.tower = towers.towers[modality]
        self.norm = head.norms[modality]

    def forward(self, given: Tensor) -> Tensor:
        """Inputs of the tower -> (n, dim), each of length 1."""
        return nn.functional.normalize(self.norm(self.tower(given)), dim=1)


def _norm(config: ModelConfig) -> nn.Module:
    return nn.BatchNorm1d(config.dim, momentum=0.05) if config.output_norm else nn.Identity()


def _tower(modality: str, config: ModelConfig, words: int, length: int) -> nn.Module:
    match modality:
        case "image":
            if config.image_tower != "own":
                return image_tower(config)
            return ImageTower(config.image_side, config.image_width, config.dim)
        case "text":
            if config.text_tower != "own":
                return text_tower(config, length)
            return TextTower(config, words, length)
        case "sound":
            bands, frames = config.spectrogram.bands, config.spectrogram.frames
            return SoundTower(bands, frames, config.sound_width, config.dim)
        case _:
            return AttributeTower(config.attribute_sizes, config.attribute_width, config.dim)
