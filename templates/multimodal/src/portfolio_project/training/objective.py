"""The loss of a batch, and its gradient: at once, or in pieces for batches larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from ..config import Modality, OptimiserConfig
from ..model import Head, gather, info_nce, siglip
from .batches import Batch

Encode = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
Backward = Callable[[Tensor], None]
Quiet = Callable[[bool], AbstractContextManager[None]]
"""`quiet(True)` is a context in which processes do not exchange gradients."""


class Objective:
    """Contrastive loss over pairs of modalities."""

    def __init__(
        self,
        head: Head,
        pairs: tuple[tuple[Modality, Modality], ...],
        config: OptimiserConfig,
        negatives: int,
    ) -> None:
        """Compare `pairs`; each text comes with `negatives` hard negatives."""
        self._head = head
        self._pairs = pairs
        self._config = config
        self._negatives = negatives

    def loss(self, raw: Mapping[str, Tensor], size: int) -> Tensor:
        """The mean loss of all pairs, of the whole batch, from this process's raw vectors."""
        shared = self._head(_gathered(raw, size))
        count = min(len(vectors) for vectors in shared.values())
        losses = [self._compare(shared, pair, count) for pair in self._pairs]
        return torch.stack(losses).mean()

    def _compare(
        self, shared: Mapping[str, Tensor], pair: tuple[Modality, Modality], count: int
    ) -> Tensor:
        first, second = sorted(pair, key=lambda modality: modality == "text")  # text comes second
        here, there = shared[first], shared[second]
        wrong = there[count:] if len(there) > count else None
        if self._config.loss == "siglip":
            scale, bias = self._head.scale, self._head.bias
            return siglip(here, there[:count], scale, bias, wrong)
        return info_nce(here, there[:count], self._head.scale, wrong)

    def backward(self, encode: Encode, batch: Batch, backward: Backward, quiet: Quiet) -> Tensor:
        """Add the gradient of the batch to the parameters' and return the loss.

        With `chunk`, the batch goes through the towers in pieces, twice: once for the vectors, from
        which the loss and its gradient in each vector follow, and once more to carry that gradient
        into the towers (Gao et al., Scaling deep contrastive learning batch size under memory
        limited setup, 2021). The gradient is the same; memory is that of one piece.
        """
        chunk = self._config.chunk
        if not chunk or chunk >= batch.size:
            loss = self.loss(encode(batch.inputs), batch.size)
            backward(loss)
            return loss.detach()
        pieces = _pieces(batch, chunk)
        with torch.no_grad():
            parts = [encode(piece) for piece in pieces]
        raw = {
            name: torch.cat([part[name] for part in parts]).requires_grad_() for name in parts[0]
        }
        loss = self.loss(raw, batch.size)
        backward(loss)
        done = dict.fromkeys(raw, 0)
        for number, piece in enumerate(pieces, start=1):
            with quiet(number < len(pieces)):
                carried = torch.zeros(())
                for name, vectors in encode(piece).items():
                    gradient = raw[name].grad
                    assert gradient is not None
                    start, done[name] = done[name], done[name] + len(vectors)
                    carried = carried + (vectors * gradient[start : done[name]]).sum()
                backward(carried)
        return loss.detach()


def _gathered(raw: Mapping[str, Tensor], size: int) -> dict[str, Tensor]:
    """The rows of all processes; first those that match, then the hard negatives."""
    return {
        name: gather(vectors)
        if len(vectors) == size
        else torch.cat([gather(vectors[:size]), gather(vectors[size:])])
        for name, vectors in raw.items()
    }


def _pieces(batch: Batch, chunk: int) -> list[dict[str, Tensor]]:
    """The inputs in pieces of `chunk` samples; a text has several rows a sample."""
    count = -(-batch.size // chunk)
    return [
        {name: rows.tensor_split(count)[number] for name, rows in batch.inputs.items()}
        for number in range(count)
    ]
