"""One process of a training: writes the gradient of its first step, or its weights after some.

python tests/gradients.py DATASET OUT STEPS [CHUNK]      (or under torchrun)
"""

import os
import sys
from pathlib import Path

from safetensors.torch import save_file

from portfolio_project.config import load_config
from portfolio_project.data.dataset import read_split
from portfolio_project.training.trainer import Run, leave
from portfolio_project.vocabulary import Vocabulary


def tensors_after(dataset: Path, steps: int, chunk: int = 0) -> dict[str, object]:
    """The gradient of each weight in the first step, or with `steps` the weights after them."""
    tiny = load_config("tiny")
    optimiser = tiny.optimiser.model_copy(update={"chunk": chunk})
    machine = tiny.machine.model_copy(update={"threads": 1})
    config = tiny.model_copy(update={"optimiser": optimiser, "machine": machine})
    data = read_split(dataset / "train")
    run = Run(data, config, Vocabulary.of(data.captions))
    if not steps:
        run.gradient(0)
    for step in range(steps):
        run.step(step)
    return {
        f"{name}.{key}": (weight if steps else weight.grad).detach().contiguous().clone()
        for name, module in run.modules.items()
        for key, weight in module.named_parameters()
        if steps or weight.grad is not None
    }


if __name__ == "__main__":
    dataset, out, *numbers = sys.argv[1:]
    found = tensors_after(Path(dataset), *map(int, numbers))
    leave()
    if os.environ.get("RANK", "0") == "0":
        save_file(found, out)
