"""The training loop. One process on a CPU or many on GPUs: only the configuration differs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric, seed_everything
from torch import nn

from ..config import MachineConfig, OptimiserConfig, TrainConfig
from ..data.dataset import SplitData
from ..model import Head, Towers
from ..provenance import hash_package_code, sha256_json
from ..vocabulary import Vocabulary
from .average import Average
from .batches import Batch, Batches
from .checkpoint import drop_checkpoint, load_checkpoint, save_checkpoint
from .objective import Objective

Step = Callable[[int, int, float], None]
"""Told after each step how many are done, how many there are, and the loss."""


@dataclass(frozen=True)
class Fitted:
    """Trained towers and head (averaged weights, on the CPU), and the loss of every step."""

    towers: Towers
    head: Head
    losses: list[float]


def fit(  # noqa: PLR0913 - what to train on, and how to be told of it
    data: SplitData,
    config: TrainConfig,
    vocabulary: Vocabulary,
    *,
    checkpoints: Path | None = None,
    every: int = 200,
    until: int | None = None,
    told: Step = lambda _done, _of, _loss: None,
) -> Fitted:
    """Train `config` on `data`.

    Args:
        data: the training split.
        config: what to train, and on what.
        vocabulary: of the captions.
        checkpoints: where a run that was stopped is taken up again; None for nowhere.
        every: steps between two checkpoints.
        until: stop after this step and leave a checkpoint, as a killed run would.
        told: told of each step.

    Raises:
        DatasetError: the data lack a modality.
    """
    fabric = start(config)
    batches = Batches(data, config, vocabulary)
    towers = Towers(config.model, len(vocabulary), vocabulary.length)
    head = Head(config.model)
    modules: dict[str, nn.Module] = {"towers": towers, "head": head}
    towers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as torch says
    optimiser = _optimiser(modules, config.optimiser)
    encode, head_in_use = _set_up(fabric, towers, head, config.machine)
    optimiser = fabric.setup_optimizers(optimiser)
    average = Average(modules, config.optimiser.average)
    objective = Objective(head_in_use, config.pairs, config.optimiser, batches.negatives)
    identity = _identity(config, vocabulary)
    losses: list[float] = []
    if checkpoints is not None:
        losses = load_checkpoint(checkpoints, identity, modules, optimiser, average)
    steps = config.optimiser.steps
    for step in range(len(losses), min(steps, until or steps)):
        _set_rate(optimiser, config.optimiser, step)
        optimiser.zero_grad()
        share = batches.batch(step, fabric.global_rank, fabric.world_size)
        batch = Batch(fabric.to_device(share.inputs), share.size)
        loss = objective.backward(encode, batch, fabric.backward, _quiet(fabric, encode))
        nn.utils.clip_grad_norm_(_weights(modules), config.optimiser.clip)
        optimiser.step()
        average.update(step)
        losses.append(float(loss))
        told(step + 1, steps, losses[-1])
        stopping = step + 1 in {steps, until}
        if checkpoints is not None and ((step + 1) % every == 0 or stopping):
            save_checkpoint(checkpoints, identity, modules, optimiser, average, losses)
    if checkpoints is not None and len(losses) == steps:
        drop_checkpoint(checkpoints)
    average.apply()
    return Fitted(towers.cpu().eval(), head.cpu().eval(), losses)


def start(config: TrainConfig) -> Fabric:
    """Pin what could change a bit, and join the other processes where there are any."""
    torch.set_num_threads(config.machine.threads)
    torch.use_deterministic_algorithms(mode=config.machine.accelerator == "cpu")
    machine = config.machine
    ranks = int(os.environ.get("WORLD_SIZE", "0")) or machine.devices
    fabric = Fabric(
        accelerator=machine.accelerator,
        devices=machine.devices,
        strategy="ddp" if ranks > 1 else "auto",
        precision=machine.precision,
    )
    fabric.launch()
    seed_everything(config.seed, verbose=False)
    return fabric


def learning_rate(config: OptimiserConfig, step: int) -> float:
    """Up in a line while it warms up, then down along half a cosine to nothing."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * (1 + math.cos(math.pi * done)) / 2


def _set_up(fabric: Fabric, towers: Towers, head: Head, machine: MachineConfig) -> tuple[Any, Any]:
    encode: Any = torch.compile(towers) if machine.compile else towers
    return fabric.setup_module(encode), fabric.setup_module(head)


def _quiet(fabric: Fabric, encode: Any) -> Callable[[bool], AbstractContextManager[None]]:
    return lambda still: fabric.no_backward_sync(encode, enabled=still)


def _optimiser(modules: dict[str, nn.Module], config: OptimiserConfig) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); biases, norms, positions and the scale do not decay."""
    weights = _weights(modules)
    groups = [
        {"params": [one for one in weights if one.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [one for one in weights if one.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=True)


def _weights(modules: dict[str, nn.Module]) -> list[nn.Parameter]:
    return [weight for module in modules.values() for weight in module.parameters()]


def _set_rate(optimiser: torch.optim.Optimizer, config: OptimiserConfig, step: int) -> None:
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(config, step)


def _identity(config: TrainConfig, vocabulary: Vocabulary) -> str:
    """What a checkpoint must have been made by to be taken up."""
    made_by = {
        "config": config.model_dump(mode="json"),
        "words": list(vocabulary.known),
        "code": hash_package_code(),
    }
    return sha256_json(made_by)
