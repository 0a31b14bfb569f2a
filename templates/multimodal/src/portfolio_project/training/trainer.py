"""The training loop. One process on a CPU or many on GPUs: only the configuration differs."""

from __future__ import annotations

import gc
import math
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from ..config import OptimiserConfig, TrainConfig
from ..data.dataset import SplitData
from ..model import Head, Pretrained, Towers
from ..progress import Progress, quiet
from ..provenance import sha256_json, sha256_tree
from ..provenance.hashing import PACKAGE
from ..vocabulary import Vocabulary
from .average import Average
from .batches import Batch, Batches
from .checkpoint import Checkpoint
from .frozen import keep_features
from .muon import Muon, matrices
from .objective import Objective

Step = Callable[[int, int, float], None]
"""Told after each step how many are done, how many there are, and the loss."""


_SHAPES_A_RUN = ("model/", "training/", "vocabulary.py", "preprocess.py")


@dataclass(frozen=True)
class Fitted:
    """Trained towers and head (averaged weights, on the CPU), and the loss of every step."""

    towers: Towers
    head: Head
    losses: list[float]


class Run:
    """Towers, head, optimisers and batches of one training, in this process's part of it."""

    def __init__(self, data: SplitData, config: TrainConfig, vocabulary: Vocabulary) -> None:
        """Build everything from the seed. Raises DatasetError if the data lack a modality."""
        self.config = config
        self.fabric = start(config)
        self.batches = Batches(data, config, vocabulary)
        self.towers = Towers(config.model, len(vocabulary), vocabulary.length)
        self.head = Head(config.model)
        # Several processes wait for each weight's gradient, and only SigLIP gives this one any.
        self.head.bias.requires_grad_(config.optimiser.loss == "siglip")
        self.modules: dict[str, nn.Module] = {"towers": self.towers, "head": self.head}
        self._layout()
        self.optimisers = _optimisers(self.modules, config.optimiser)
        encode: Any = torch.compile(self.towers) if config.machine.compile else self.towers
        self._encode: Any = self.fabric.setup_module(encode)
        head: Any = self.fabric.setup_module(self.head)
        self.fabric.setup_optimizers(*self.optimisers)
        self.average = Average(self.modules, config.optimiser.average)
        self._objective: Any = Objective(
            head, config.pairs, config.optimiser, self.batches.negatives
        )

    def gradient(self, step: int) -> float:
        """Compute the gradient of step `step` in every weight, and return the loss."""
        fabric = self.fabric
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        share = self.batches.batch(step, fabric.global_rank, fabric.world_size)
        batch = Batch(fabric.to_device(share.inputs), share.size)
        return float(
            self._objective.backward(self._encode, batch, fabric.backward, self._unsynchronised)
        )

    def step(self, step: int) -> float:
        """Take one step downhill, and return the loss before it."""
        loss = self.gradient(step)
        share = rate_share(self.config.optimiser, step)
        nn.utils.clip_grad_norm_(_weights(self.modules), self.config.optimiser.clip)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = share * group["highest"]
            optimiser.step()
        self.average.update(step)
        return loss

    def leave(self) -> None:
        """Part from the other processes; no step can be taken after it."""
        # What joins the processes' gradients must go before the group does: it would wait for it.
        self._encode = self._objective = None
        leave()

    def _layout(self) -> None:
        """Keep channels innermost, which is how convolutions on a CPU like them."""
        for module in self.towers.modules():
            if isinstance(module, nn.Conv2d):
                weight = module.weight.data.contiguous(memory_format=torch.channels_last)
                module.weight.data = weight

    def _unsynchronised(self, still: bool) -> AbstractContextManager[None]:  # noqa: FBT001 - a callback
        return self.fabric.no_backward_sync(self._encode, enabled=still)


def fit(  # noqa: PLR0913 - what to train on, and how to be told of it
    data: SplitData,
    config: TrainConfig,
    vocabulary: Vocabulary,
    *,
    checkpoints: Path | None = None,
    every: int = 50,
    until: int | None = None,
    told: Step = lambda _done, _of, _loss: None,
    looked: Progress = quiet,
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
        looked: told how far frozen trunks have looked at the data, by modality.

    Raises:
        DatasetError: the data lack a modality.
    """
    run = Run(data, config, vocabulary)
    identity = _identity(data, config, vocabulary)
    state = Checkpoint(checkpoints, identity, run.modules, run.optimisers)
    losses = state.load(run.average)
    steps = config.optimiser.steps
    last = min(steps, until or steps)
    if len(losses) < last:
        keep_features(run.towers, run.batches, run.fabric, looked)
    for step in range(len(losses), last):
        losses.append(run.step(step))
        told(step + 1, steps, losses[-1])
        if (step + 1) % every == 0 or step + 1 == last:
            state.save(run.average, losses)
    run.leave()
    run.average.apply()
    for name in set(config.model.trained) - set(config.model.modalities):  # they have taught
        del run.towers.towers[name], run.head.norms[name]
    return Fitted(run.towers.cpu().eval(), run.head.cpu().eval(), losses)


def start(config: TrainConfig) -> Fabric:
    """Pin what could change a bit, and join the other processes where there are any.

    How many there are is the configuration's word, or that of `torchrun` which started them.
    """
    machine = config.machine
    torch.set_num_threads(machine.threads)
    torch.use_deterministic_algorithms(mode=machine.accelerator == "cpu")
    # That also fills memory before it is written, to show who reads it too soon: a twentieth of
    # the time of a step, and nothing here does.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    here = int(os.environ.get("LOCAL_WORLD_SIZE", machine.devices))
    everywhere = int(os.environ.get("WORLD_SIZE", here))
    fabric = Fabric(
        accelerator=machine.accelerator,
        devices=here,
        num_nodes=everywhere // here,
        strategy="ddp" if everywhere > 1 else "auto",
        precision=machine.precision,
    )
    fabric.launch()
    torch.manual_seed(config.seed)
    return fabric


def leave() -> None:
    """Part from the other processes, where there are any, once all have come here.

    One that simply ends may take its threads from under the library that connects them, and abort.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        gc.collect()
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def rate_share(config: OptimiserConfig, step: int) -> float:
    """Share of the highest learning rate: up in a line, then down along half a cosine to 0."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return (1 + math.cos(math.pi * done)) / 2


def _optimisers(
    modules: dict[str, nn.Module], config: OptimiserConfig
) -> list[torch.optim.Optimizer]:
    """Muon for matrices; AdamW (Loshchilov and Hutter 2019) for the rest, or for all.

    Only matrices decay: no table of words, place, bias, norm or scale. What others trained has a
    rate of its own.
    """
    trunk = _trunk_weights(modules)
    known = {id(weight) for weight in trunk}
    layers = [weight for weight in matrices(modules.values()) if id(weight) not in known]
    known |= {id(weight) for weight in layers}
    rest = [weight for weight in _weights(modules) if id(weight) not in known]
    trained = [weight for weight in trunk if weight.requires_grad]
    decay = config.weight_decay
    groups: list[dict[str, Any]] = [{"params": rest, "weight_decay": 0.0}]
    found: list[torch.optim.Optimizer] = []
    if config.matrix_rate:
        found.append(Muon(layers, config.matrix_rate, weight_decay=decay))
    else:
        groups.append({"params": layers, "weight_decay": decay})
    if trained:
        groups.append({"params": trained, "lr": config.trunk_rate, "weight_decay": 0.0})
    found.append(torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=True))
    for optimiser in found:
        for group in optimiser.param_groups:
            group["highest"] = group["lr"]
    return found


def _trunk_weights(modules: dict[str, nn.Module]) -> list[nn.Parameter]:
    towers = [one for module in modules.values() for one in module.modules()]
    found = [one.trunk.parameters() for one in towers if isinstance(one, Pretrained)]
    return [weight for weights in found for weight in weights]


def _weights(modules: dict[str, nn.Module]) -> list[nn.Parameter]:
    return [weight for module in modules.values() for weight in module.parameters()]


def _identity(data: SplitData, config: TrainConfig, vocabulary: Vocabulary) -> str:
    """What a checkpoint must have been made by to be taken up."""
    made_by = {
        "data": data.digest(),
        "config": config.model_dump(mode="json"),
        "words": list(vocabulary.known),
        "code": sha256_tree(PACKAGE, keep=lambda name: name.startswith(_SHAPES_A_RUN)),
    }
    return sha256_json(made_by)
