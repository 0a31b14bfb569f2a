"""Towers that others have trained: a trunk below a projection of our own.

What a trunk wants of its input lies within the tower, and so within the exported graph: serving
does nothing that training did not.
"""

from __future__ import annotations

import hashlib
from typing import cast

import torch
from torch import Tensor, nn

from ..config import ModelConfig
from .libraries import IMAGE, TEXT, PretrainedError, Trunk, ask


class Pretrained(nn.Module):
    """A trunk, frozen unless `finetune`, then a norm and a projection. Each input is seen alone."""

    def __init__(self, name: str, trunk: Trunk, given: Tensor, dim: int, *, finetune: bool) -> None:
        """`given` is an input of one row, which shows how wide the features are.

        Raises PretrainedError if they are no vectors.
        """
        super().__init__()
        self.name, self.side, self.licence = name, trunk.side, trunk.licence
        self.finetune = finetune
        self.trunk = trunk.network.eval().requires_grad_(finetune)
        mean, std = (torch.tensor(one).reshape(-1, 1, 1) for one in (trunk.mean, trunk.std))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)
        with torch.no_grad():
            features = self.features(given)
        if getattr(features, "ndim", 0) != 2:  # some trunks give maps, or several tensors
            raise PretrainedError(f"{name} does not give one vector an input; choose another")
        self.weights = _digest(self.trunk)
        self.norm = nn.LayerNorm(features.shape[1])
        self.out = nn.Linear(features.shape[1], dim)

    def train(self, mode: bool = True) -> Pretrained:  # noqa: FBT001, FBT002 - as torch has it
        """Running statistics and dropout of the trunk stay as they came."""
        super().train(mode)
        self.trunk.eval()
        return self

    def features(self, given: Tensor) -> Tensor:
        """What the trunk makes of bytes (n, h, w, 3) or of numbers (n, length)."""
        if not self.side:
            return cast("Tensor", self.trunk(given))
        mean, std = cast("Tensor", self.mean), cast("Tensor", self.std)
        seen = given.permute(0, 3, 1, 2).to(mean.dtype) / 255
        if seen.shape[2:] != (self.side, self.side):
            seen = nn.functional.interpolate(seen, (self.side, self.side), mode="bilinear")
        return cast("Tensor", self.trunk((seen - mean) / std))

    def forward(self, given: Tensor) -> Tensor:
        """Bytes (n, h, w, 3), numbers (n, length), or their features (n, width) -> (n, dim)."""
        features = given if given.is_floating_point() else self.features(given)
        return cast("Tensor", self.out(self.norm(features)))


def image_tower(config: ModelConfig) -> Pretrained:
    """The tower that `config.image_tower` names. Raises PretrainedError."""
    trunk = ask(IMAGE, "image", config.image_tower, config.image_weights)
    given = torch.zeros(1, trunk.side, trunk.side, 3, dtype=torch.uint8)
    return Pretrained(config.image_tower, trunk, given, config.dim, finetune=config.finetune)


def text_tower(config: ModelConfig, length: int) -> Pretrained:
    """The tower that `config.text_tower` names, for texts of `length`. Raises PretrainedError."""
    trunk = ask(TEXT, "text", config.text_tower, config.text_weights)
    mask = getattr(trunk.network, "attn_mask", None)
    if isinstance(mask, Tensor):  # it is as large as for the longest text that the trunk reads
        trunk.network.attn_mask = mask[:length, :length]
    given = torch.zeros(1, length, dtype=torch.int64)
    return Pretrained(config.text_tower, trunk, given, config.dim, finetune=config.finetune)


def _digest(network: nn.Module) -> str:
    """The SHA-256 of all weights, by which a manifest tells which they were."""
    found = hashlib.sha256()
    for name, value in network.state_dict().items():
        found.update(name.encode())
        found.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
