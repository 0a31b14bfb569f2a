"""The tower for rows of a table: each column's category gets a vector, a small network mixes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn


class AttributeTower(nn.Module):
    """Rows of category numbers to vectors."""

    def __init__(self, sizes: Sequence[int], width: int, dim: int) -> None:
        """Column c has `sizes[c]` categories."""
        super().__init__()
        first = torch.tensor([0, *sizes]).cumsum(0)[:-1]
        self.register_buffer("first", first, persistent=False)
        self.categories = nn.Embedding(sum(sizes), width)
        self.mix = nn.Sequential(
            nn.Linear(len(sizes) * width, 4 * width),
            nn.GELU(),
            nn.LayerNorm(4 * width),
            nn.Linear(4 * width, dim),
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Numbers (n, columns) -> (n, dim)."""
        found = self.categories(rows + cast("Tensor", self.first))
        return cast("Tensor", self.mix(found.flatten(1)))
