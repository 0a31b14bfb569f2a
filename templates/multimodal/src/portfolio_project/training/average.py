"""The moving average of the weights: steadier than the last step's (Polyak and Juditsky, 1992)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


class Average:
    """An exponential moving average of everything that modules hold, running statistics too."""

    def __init__(self, modules: Mapping[str, nn.Module], decay: float) -> None:
        """Begin at the present values; `decay` 0 follows them at once."""
        self._modules = modules
        self._decay = decay
        self.values = {name: value.detach().clone() for name, value in self._present()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take step `step` (from 0) in; the first ones count more, or the start would linger."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, value in self._present():
            kept = self.values[name]
            if value.is_floating_point():
                kept.lerp_(value, 1 - decay)
            else:
                kept.copy_(value)

    def apply(self) -> None:
        """Put the averages into the modules."""
        for name, module in self._modules.items():
            start = f"{name}."
            module.load_state_dict(
                {
                    key.removeprefix(start): value
                    for key, value in self.values.items()
                    if key.startswith(start)
                }
            )

    def _present(self) -> Iterable[tuple[str, Tensor]]:
        for name, module in self._modules.items():
            for key, value in module.state_dict().items():
                yield f"{name}.{key}", value
