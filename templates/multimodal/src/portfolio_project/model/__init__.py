"""The network: one tower for each modality, a head that makes them comparable, and the losses."""

from .gather import gather
from .losses import info_nce, siglip
from .pretrained import Pretrained
from .text import TextTower
from .towers import Encoder, Head, Towers

__all__ = [
    "Encoder",
    "Head",
    "Pretrained",
    "TextTower",
    "Towers",
    "gather",
    "info_nce",
    "siglip",
]
