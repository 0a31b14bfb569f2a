"""Everything that a run needs to go on as if it had never stopped, in one file without pickles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ..provenance.durable import replace_file
from .average import Average

FILE = "checkpoint.safetensors"


class Checkpoint:
    """One run's state in a folder; None for nowhere."""

    def __init__(
        self,
        folder: Path | None,
        identity: str,
        modules: Mapping[str, nn.Module],
        optimisers: Sequence[torch.optim.Optimizer],
    ) -> None:
        """Keep the state of `modules` and `optimisers` for the run that `identity` names."""
        self._path = None if folder is None else folder / FILE
        self._identity = identity
        self._modules = modules
        self._optimisers = optimisers

    def save(self, average: Average, losses: list[float]) -> None:
        """Write weights, averages, the optimisers' moments and the losses so far, in one step."""
        if self._path is None:
            return
        tensors: dict[str, Tensor] = {"losses": torch.tensor(losses, dtype=torch.float64)}
        for name, module in self._modules.items():
            for key, value in module.state_dict().items():
                tensors[f"now.{name}.{key}"] = value.contiguous()
        for key, value in average.values.items():
            tensors[f"average.{key}"] = value.contiguous()
        for which, optimiser in enumerate(self._optimisers):
            for number, state in optimiser.state_dict()["state"].items():
                for key, value in state.items():
                    tensors[f"optimiser.{which}.{number}.{key}"] = value.contiguous()
        replace_file(self._path, save(tensors, metadata={"identity": self._identity}))

    def load(self, average: Average) -> list[float]:
        """Restore what was saved, if it is of this very run; return the losses until then.

        Without a checkpoint, or with one of another run, nothing changes and the list is empty.
        """
        tensors = _read(self._path, self._identity)
        if not tensors:
            return []
        for name, module in self._modules.items():
            module.load_state_dict(_under(tensors, f"now.{name}."))
        for key, value in _under(tensors, "average.").items():
            average.values[key].copy_(value)
        for which, optimiser in enumerate(self._optimisers):
            _restore(optimiser, _under(tensors, f"optimiser.{which}."))
        losses: list[float] = tensors["losses"].tolist()
        return losses


def forget(folder: Path) -> None:
    """Drop the checkpoint in `folder`: its run has come to its end, and what came of it is kept."""
    (folder / FILE).unlink(missing_ok=True)


def _read(path: Path | None, identity: str) -> dict[str, Tensor]:
    if path is None:
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            if file.metadata().get("identity") != identity:
                return {}
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError):
        return {}


def _restore(optimiser: torch.optim.Optimizer, moments: Mapping[str, Tensor]) -> None:
    state = optimiser.state_dict()
    for key, value in moments.items():
        number, what = key.split(".", 1)
        state["state"].setdefault(int(number), {})[what] = value
    optimiser.load_state_dict(state)
    for weight, held in optimiser.state.items():
        for key, value in held.items():
            if value.shape == weight.shape:  # laid out in memory as the weight is
                held[key] = torch.empty_like(weight).copy_(value)


def _under(tensors: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)
    }
