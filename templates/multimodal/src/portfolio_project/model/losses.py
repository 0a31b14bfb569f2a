"""What training makes small: matching pairs near, all other pairs far."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid


def info_nce(first: Tensor, second: Tensor, scale: Tensor, wrong: Tensor | None = None) -> Tensor:
    """Pick the partner among all of the batch, in both directions (van den Oord et al. 2018).

    Args:
        first: unit vectors (n, d).
        second: those of the partners (n, d).
        scale: inverse temperature.
        wrong: hard negatives (m, d) of `second`, which no row of `first` matches: they stand
            beside the partners when one of `first` picks.

    Returns:
        The mean of both cross-entropies in nats; ln(n + m) / 2 + ln(n) / 2 for chance.
    """
    logits = scale * first @ second.T
    truth = torch.arange(len(first), device=first.device)
    backward = cross_entropy(logits.T, truth)
    if wrong is not None:
        logits = torch.cat([logits, scale * first @ wrong.T], dim=1)
    return (cross_entropy(logits, truth) + backward) / 2


def siglip(
    first: Tensor, second: Tensor, scale: Tensor, bias: Tensor, wrong: Tensor | None = None
) -> Tensor:
    """Is this a pair, asked of each pair alone (Zhai et al., Sigmoid loss, 2023).

    Arguments as of `info_nce`, and the bias that is added to each logit. Returns nats a row.
    """
    logits = scale * first @ second.T + bias
    signs = 2 * torch.eye(len(first), device=first.device) - 1
    loss = -logsigmoid(signs * logits).sum()
    if wrong is not None:
        loss = loss - logsigmoid(-(scale * first @ wrong.T + bias)).sum()
    return loss / len(first)
