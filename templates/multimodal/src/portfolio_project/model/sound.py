"""The tower that hears: a convolutional network over pitch and time."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from .image import Block


class SoundTower(nn.Module):
    """Spectrograms to vectors. No part of it listens to more than one sound."""

    def __init__(self, bands: int, frames: int, width: int, dim: int) -> None:
        """Take spectrograms of `bands` by `frames`; `width` channels at first."""
        super().__init__()
        self.stem = nn.Conv2d(1, width, 5, stride=2, padding=2)
        self.low = Block(width)
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        # A pitch is a place on the map, not a pattern that may stand anywhere.
        place = (-(-bands // 4), -(-frames // 4))
        self.place = nn.Parameter(0.1 * torch.randn(1, 2 * width, *place))
        self.middle = Block(2 * width)
        self.deeper = nn.Conv2d(2 * width, 4 * width, 3, stride=(2, 1), padding=1)
        self.norm = nn.GroupNorm(8, 4 * width)
        self.out = nn.Linear(8 * width, dim)

    def forward(self, loud: Tensor) -> Tensor:
        """(n, bands, frames) -> (n, dim)."""
        heard = loud[:, None].contiguous(memory_format=torch.channels_last)
        heard = self.low(nn.functional.relu(self.stem(heard)))
        heard = self.middle(self.down(heard) + self.place)
        heard = nn.functional.relu(self.norm(self.deeper(heard))).flatten(2)
        pooled = torch.cat([heard.mean(2), heard.amax(2)], dim=1)
        return cast("Tensor", self.out(pooled))
