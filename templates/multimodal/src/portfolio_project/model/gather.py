"""Many processes, one batch: the one place where vectors travel between them."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


class _Gather(torch.autograd.Function):
    """Join every process's rows; on the way back each takes the gradient of its own.

    Every process computes the same loss of the whole batch, so its own rows' gradient is complete
    without being sent anywhere. Data-parallel training then takes the mean over processes of what
    should be a sum, so it is multiplied by their number here.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.rows = len(rows)
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        start = dist.get_rank() * ctx.rows
        return gradients[0][start : start + ctx.rows] * dist.get_world_size()


def gather(rows: Tensor) -> Tensor:
    """Rows (n, d) of this process to those of all, (processes * n, d), in order of rank."""
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return rows
    joined: Tensor = _Gather.apply(rows)  # type: ignore[no-untyped-call]  # torch leaves it so
    return joined
