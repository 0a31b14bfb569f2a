"""The tower that sees: a small convolutional network that also knows where it looks."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

_MOMENTS = 12
"""What first moments are multiplied with: as they are, the other features would drown them."""


class Block(nn.Module):
    """Two convolutions around a shortcut: features that are added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, seen: Tensor) -> Tensor:
        """(n, width, h, w) -> the same."""
        hidden = nn.functional.relu(self.first(self.norm(seen)))
        return seen + cast("Tensor", self.second(hidden))


class ImageTower(nn.Module):
    """Pictures of bytes to vectors. No part of it looks at more than one picture."""

    def __init__(self, side: int, width: int, dim: int) -> None:
        """Take pictures of `side` pixels; `width` channels at first, four times that at the end."""
        super().__init__()
        self.stem = nn.Conv2d(3, width, 5, stride=2, padding=2)
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.middle = Block(2 * width)
        self.deeper = nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1)
        # What is left of what is decided by where it is: a learned map of the place is added.
        self.place = nn.Parameter(slopes(4 * width, side // 8))
        self.high = Block(4 * width)
        self.norm = nn.GroupNorm(8, 4 * width)
        self.out = nn.Linear(16 * width, dim)

    def forward(self, pixels: Tensor) -> Tensor:
        """Bytes (n, side, side, 3) -> (n, dim)."""
        seen = pixels.permute(0, 3, 1, 2).to(self.place.dtype)
        # How bright the lamp was tells nothing of what is there: the brightest point becomes 1.
        seen = seen / seen.amax((1, 2, 3), keepdim=True).clamp(min=1) * 2 - 1
        seen = seen.contiguous(memory_format=torch.channels_last)
        seen = nn.functional.relu(self.stem(seen))  # (n, width, side/2, side/2)
        seen = self.middle(nn.functional.relu(self.down(seen)))  # (n, 2 width, side/4, side/4)
        seen = self.deeper(seen) + self.place  # (n, 4 width, side/8, side/8)
        seen = nn.functional.relu(self.norm(self.high(seen)))
        return cast("Tensor", self.out(pooled(seen)))


def slopes(width: int, side: int) -> Tensor:
    """A map (1, width, side, side) that rises across it, each channel in a direction of its own.

    Noise would average out over a half of the picture, and so tell at first neither half from the
    other; as no text does either, neither tower would then give the other a reason to begin.
    """
    across, down = 0.3 * torch.randn(2, width, 1, 1)
    along = torch.linspace(-1, 1, side)
    risen: Tensor = across * along + down * along[:, None]
    return risen[None]


def pooled(seen: Tensor) -> Tensor:
    """(n, c, h, w) -> (n, 4 c): of each channel mean, maximum, and how far right and down it lies.

    The mean says how much of a thing there is, the maximum that it is there at all, and the first
    moments where: of two things, the one with the greater moment is the one further right, also
    where both lie in the same half.
    """
    height, width = seen.shape[2:]
    across = torch.linspace(-1, 1, width, device=seen.device, dtype=seen.dtype)
    down = torch.linspace(-1, 1, height, device=seen.device, dtype=seen.dtype)
    moments = (seen * across).mean((2, 3)), (seen * down[:, None]).mean((2, 3))
    loud = [_MOMENTS * moment for moment in moments]
    return torch.cat([seen.mean((2, 3)), seen.amax((2, 3)), *loud], dim=1)
