"""Everything that a run needs to go on as if it had never stopped, in one file without pickles."""

from __future__ import annotations

from collections.abc import Mapping
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
        optimiser: torch.optim.Optimizer,
    ) -> None:
        """Keep the state of `modules` and `optimiser` for the run that `identity` names."""
        self._path = None if folder is None else folder / FILE
        self._identity = identity
        self._modules = modules
        self._optimiser = optimiser

    def save(self, average: Average, losses: list[float]) -> None:
        """Write weights, averages, the optimiser's moments and the losses so far, in one step."""
        if self._path is None:
            return
        tensors: dict[str, Tensor] = {"losses": torch.tensor(losses, dtype=torch.float64)}
        for name, module in self._modules.items():
            for key, value in module.state_dict().items():
                tensors[f"now.{name}.{key}"] = value.contiguous()
        for key, value in average.values.items():
            tensors[f"average.{key}"] = value.contiguous()
        for number, state in self._optimiser.state_dict()["state"].items():
            for key, value in state.items():
                tensors[f"optimiser.{number}.{key}"] = value.contiguous()
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
        state = self._optimiser.state_dict()
        for key, value in _under(tensors, "optimiser.").items():
            number, what = key.split(".", 1)
            state["state"].setdefault(int(number), {})[what] = value
        self._optimiser.load_state_dict(state)
        for weight, moments in self._optimiser.state.items():
            for key, value in moments.items():
                if value.shape == weight.shape:  # laid out in memory as the weight is
                    moments[key] = torch.empty_like(weight).copy_(value)
        losses: list[float] = tensors["losses"].tolist()
        return losses

    def drop(self) -> None:
        """Forget the run: it is done."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


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


def _under(tensors: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)
    }
