"""What frozen trunks make of the data: looked at once, before the first step."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray

from ..model import Pretrained, Towers
from ..progress import Progress
from .batches import Batches

PIECE = 64
"""Inputs that go through a trunk together. What a batch is made of can change the last bits of its
features; pieces are always the same, so every run and every process gets the same bits."""


def keep_features(towers: Towers, batches: Batches, fabric: Fabric, told: Progress) -> None:
    """From now on let `batches` give the features of inputs, where a trunk does not change them.

    Each process computes all of them. They are kept in memory, 4 bytes a number.
    """
    for modality, tower in towers.towers.items():
        if isinstance(tower, Pretrained) and not tower.finetune:
            batches.keep(modality, partial(_features, tower, fabric, partial(told, modality)))


def _features(tower: Pretrained, fabric: Fabric, told: Any, given: NDArray[Any]) -> NDArray[Any]:
    found: list[NDArray[Any]] = []
    with torch.no_grad(), fabric.autocast():
        for start in range(0, len(given), PIECE):
            piece = torch.from_numpy(np.array(given[start : start + PIECE]))
            features = tower.features(fabric.to_device(piece))
            found.append(features.float().cpu().numpy())
            told(min(start + PIECE, len(given)), len(given))
    return np.concatenate(found)
