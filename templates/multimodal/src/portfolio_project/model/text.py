"""The tower that reads: neighbouring words first, then every word with every other."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from ..config import ModelConfig
from ..vocabulary import PADDING


class Attention(nn.Module):
    """One transformer layer, norm first (Vaswani et al. 2017; Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.mix = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.between = nn.LayerNorm(width)
        self.wide = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, read: Tensor, absent: Tensor) -> Tensor:
        """(n, words, width) -> the same; `absent` (n, words) is true where there is no word."""
        n, length, width = read.shape
        mixed = self.mix(self.before(read)).reshape(n, length, 3, self.heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4).unbind(0)  # (n, heads, words, width/heads)
        scores = query @ key.transpose(2, 3) / (width // self.heads) ** 0.5
        scores = scores.masked_fill(absent[:, None, None, :], -1e4)
        heard = (scores.softmax(3) @ value).transpose(1, 2).reshape(n, length, width)
        read = read + self.joined(heard)
        hidden = nn.functional.gelu(self.wide(self.between(read)))
        return read + cast("Tensor", self.narrow(hidden))


class TextTower(nn.Module):
    """Numbers of words to vectors. No part of it looks at more than one text."""

    def __init__(self, config: ModelConfig, words: int, length: int) -> None:
        """Know `words` words, `length` of them at a time."""
        super().__init__()
        width, reach = config.text_width, config.text_reach
        self.words = nn.Embedding(words, width)
        self.place = nn.Parameter(0.02 * torch.randn(1, length, width))
        # "big red circle" is made of neighbours. Without this layer attention has to find that
        # out for itself, and in so short a training it does not.
        self.near = nn.Conv1d(width, width, reach, padding=reach // 2) if reach else None
        self.layers = nn.ModuleList(Attention(width, heads=4) for _ in range(config.text_depth))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(2 * width, config.dim)

    def forward(self, numbers: Tensor) -> Tensor:
        """Numbers (n, length) -> (n, dim)."""
        absent = numbers == PADDING
        there = (~absent)[:, :, None].to(self.place.dtype)
        read = (self.words(numbers) + self.place[:, : numbers.shape[1]]) * there
        if self.near is not None:
            near = self.near(read.transpose(1, 2)).transpose(1, 2)
            read = read + nn.functional.gelu(near)
        for layer in self.layers:
            read = layer(read, absent)
        read = self.norm(read)
        mean = (read * there).sum(1) / there.sum(1)
        best = read.masked_fill(absent[:, :, None], -1e4).amax(1)
        return cast("Tensor", self.out(torch.cat([mean, best], dim=1)))
