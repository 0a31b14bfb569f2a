"""A library `toy`, which gives an eye for pictures of 32 x 32 pixels and an ear for texts."""

import torch
from torch import nn

from portfolio_project.byte_pairs import BytePairs
from portfolio_project.config import TrainConfig, load_config
from portfolio_project.data.dataset import read_split
from portfolio_project.model import libraries
from portfolio_project.model.libraries import Trunk

TINY = load_config("tiny")
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
MERGES = ["r e", "re d</w>", "c i", "a r"]


class Eye(nn.Module):
    """Features of pictures, with statistics that would run if nobody held them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.see = nn.Conv2d(3, 12, 8, stride=8)
        self.settle = nn.BatchNorm2d(12)

    def forward(self, seen):
        return self.settle(self.see(seen)).relu().amax((2, 3))


class Ear(nn.Module):
    """Features of numbers of words; as CLIP's, it knows the longest text by its mask."""

    def __init__(self, words):
        super().__init__()
        torch.manual_seed(6)
        self.words = nn.Embedding(words, 10)
        self.attn_mask = torch.ones(77, 77).tril()

    def forward(self, numbers):
        mixed = self.attn_mask @ self.words(numbers)
        return mixed[torch.arange(numbers.shape[0]), numbers.argmax(1)]


TOYS = (
    (libraries.IMAGE, lambda _name, _weights: Trunk(Eye(), 32, MEAN, STD, "mit")),
    (libraries.TEXT, lambda _name, _weights: Trunk(Ear(len(BytePairs(MERGES, 4))))),
    (libraries.MERGES, lambda _name, _weights: (MERGES, 77)),
)


def lend(monkeypatch):
    """Give the library `toy` until the test ends."""
    for loaders, loader in TOYS:
        monkeypatch.setitem(loaders, "toy", loader)


def config_of(optimiser=None, **model):
    values = TINY.model_dump()
    values["model"] |= {"modalities": ("image", "text"), **model}
    values["optimiser"] |= optimiser or {}
    return TrainConfig.model_validate(values)


def training_of(dataset, **changes):
    """What `fit` takes for two toy towers: data, configuration and vocabulary."""
    data = read_split(dataset / "train")
    texts = [*data.captions, *(text for row in data.negatives for text in row)]
    config = config_of(image_tower="toy:eye", text_tower="toy:ear", **changes)
    return data, config, BytePairs.fitted(MERGES, texts, 77)
