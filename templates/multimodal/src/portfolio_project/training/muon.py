"""Muon, an optimiser for matrices: every direction of a step is made equally long.

A gradient of a network is mostly made of few directions. What rarely matters, such as who stands
left of whom, hardly moves a weight while colours still do; here it moves it as much.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d)
_QUINTIC = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal (Jordan et al., Muon: an optimizer for hidden layers, 2024)."""

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        lr: float,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
    ) -> None:
        """Step over `weights`, each of two dimensions or more: a convolution is (out, the rest)."""
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # gives no loss back
        """Take one step; `closure` is not called."""
        del closure
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group)

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        kept = state["momentum"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(kept, group["momentum"])  # Nesterov's
        tall = max(1.0, len(weight) / weight[0].numel()) ** 0.5
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(orthogonal(ahead), alpha=-group["lr"] * tall)


def orthogonal(matrix: Tensor, rounds: int = 5) -> Tensor:
    """The nearest matrix of which all singular values are about 1 (from .7 to 1.2), same shape.

    A Newton-Schulz iteration; Jordan et al. chose its coefficients for speed at the small ones.
    More than two dimensions are taken as (first, all others).
    """
    flat = matrix.reshape(len(matrix), -1)
    wide = flat if flat.shape[0] <= flat.shape[1] else flat.T
    found = wide / (wide.norm() + 1e-7)
    first, third, fifth = _QUINTIC
    for _ in range(rounds):
        gram = found @ found.T
        found = first * found + (third * gram + fifth * gram @ gram) @ found
    if wide is not flat:
        found = found.T
    shaped: Tensor = found.reshape(matrix.shape)
    return shaped


def matrices(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """The weights that Muon takes: those of linear maps and convolutions, of no table or bias."""
    return [
        cast("nn.Parameter", layer.weight)
        for module in modules
        for layer in module.modules()
        if isinstance(layer, _LAYERS)
    ]
