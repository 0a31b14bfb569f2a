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


def save_checkpoint(  # noqa: PLR0913, PLR0917 - a run is made of these
    folder: Path,
    identity: str,
    modules: Mapping[str, nn.Module],
    optimiser: torch.optim.Optimizer,
    average: Average,
    losses: list[float],
) -> None:
    """Write weights, averages, the optimiser's moments and the losses so far, in one step."""
    tensors: dict[str, Tensor] = {"losses": torch.tensor(losses, dtype=torch.float64)}
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            tensors[f"now.{name}.{key}"] = value.contiguous()
    for key, value in average.values.items():
        tensors[f"average.{key}"] = value.contiguous()
    for number, state in optimiser.state_dict()["state"].items():
        for key, value in state.items():
            tensors[f"optimiser.{number}.{key}"] = value.contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / FILE, save(tensors, metadata={"identity": identity}))


def load_checkpoint(
    folder: Path,
    identity: str,
    modules: Mapping[str, nn.Module],
    optimiser: torch.optim.Optimizer,
    average: Average,
) -> list[float]:
    """Restore what was saved, if it is of the run `identity`; return the losses until then.

    Without a checkpoint, or with one of another run, nothing changes and the list is empty.
    """
    tensors = _read(folder / FILE, identity)
    if not tensors:
        return []
    for name, module in modules.items():
        module.load_state_dict(_under(tensors, f"now.{name}."))
    for key, value in _under(tensors, "average.").items():
        average.values[key].copy_(value)
    state = optimiser.state_dict()
    for key, value in _under(tensors, "optimiser.").items():
        number, what = key.split(".", 1)
        state["state"].setdefault(int(number), {})[what] = value
    optimiser.load_state_dict(state)
    losses: list[float] = tensors["losses"].tolist()
    return losses


def drop_checkpoint(folder: Path) -> None:
    """Forget the run: it is done."""
    (folder / FILE).unlink(missing_ok=True)


def _read(path: Path, identity: str) -> dict[str, Tensor]:
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
