"""The network: one tower for each modality, a head that makes them comparable, and the losses."""

from .gather import gather
from .losses import info_nce, siglip
from .towers import Encoder, Head, Towers

__all__ = ["Encoder", "Head", "Towers", "gather", "info_nce", "siglip"]
