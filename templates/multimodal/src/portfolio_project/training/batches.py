"""What a step sees: a pure function of seed and step, so that a resumed run sees the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..config import TrainConfig
from ..data.dataset import SplitData
from ..vocabulary import Vocabulary
from ..world.streams import stream

Look = Callable[[NDArray[Any]], NDArray[Any]]
"""From inputs (n, ...) to features (n, width)."""

_ORDER, _CHOICE = 100, 101  # places in the streams that no split of the world takes


@dataclass(frozen=True)
class Batch:
    """Inputs of the towers; the captions come first, the hard negatives after all of them.

    Attributes:
        inputs: modality -> inputs, `size` rows each, but for the text: `size * (1 + negatives)`.
        size: how many samples.
    """

    inputs: dict[str, Tensor]
    size: int


class Batches:
    """A data set as batches, one a step; every process of many takes its share."""

    def __init__(self, data: SplitData, config: TrainConfig, vocabulary: Vocabulary) -> None:
        """Prepare each modality once. Raises DatasetError if the data lack one."""
        self._config = config
        self._count = len(data)
        self._images: NDArray[Any] = data.images
        wanted = config.model.trained
        texts = list(data.captions)
        kinds = len(data.kinds) if any(data.negatives) else 0
        self.negatives = min(config.optimiser.hard_negatives, kinds) if "text" in wanted else 0
        if self.negatives:
            texts += [text for row in data.negatives for text in row]
            emphasis = {str(kind): more for kind, more in config.optimiser.emphasis.items()}
            self._emphasis = np.array([emphasis.get(kind, 1.0) for kind in data.kinds])
        self._texts: NDArray[Any] = vocabulary.encode(texts)
        self._which = np.arange(len(texts))  # row of each caption, then of each hard negative
        self._sounds = data.spectrograms(config.model.spectrogram) if "sound" in wanted else None
        self._rows = np.asarray(data.attributes) if "attributes" in wanted else None
        self.size = min(config.optimiser.batch, self._count)

    def keep(self, modality: str, look: Look) -> None:
        """Give what `look` makes of the inputs of `modality`, instead of them.

        It is asked once for each picture and each distinct text, unless training sees fewer.
        """
        seen = self._config.optimiser.steps * self.size
        if modality == "image" and seen > self._count:
            self._images = look(self._images)
        elif modality == "text":
            distinct, which = np.unique(self._texts, axis=0, return_inverse=True)
            if seen * (1 + self.negatives) > len(distinct):
                self._texts, self._which = look(distinct), which.reshape(-1)

    def rows(self, step: int) -> NDArray[np.int64]:
        """Which samples step `step` takes: each once, in a new order, before any comes again."""
        a_turn = self._count // self.size
        turn, place = divmod(step, a_turn)
        order = stream(self._config.seed, _ORDER, turn, "batch").permutation(self._count)
        return order[place * self.size : (place + 1) * self.size]

    def batch(self, step: int, rank: int = 0, ranks: int = 1) -> Batch:
        """The share of process `rank` of `ranks` in step `step`."""
        every = self.rows(step)
        share = slice(rank * len(every) // ranks, (rank + 1) * len(every) // ranks)
        rows = every[share]
        inputs: dict[str, Tensor] = {}
        for modality in self._config.model.trained:
            if modality == "text":
                choice = self._choice(step, len(every))[share]
                inputs["text"] = torch.from_numpy(self._texts[self._read(rows, choice)])
            elif modality == "image":
                inputs["image"] = torch.from_numpy(np.ascontiguousarray(self._images[rows]))
            elif modality == "sound" and self._sounds is not None:
                inputs["sound"] = torch.from_numpy(self._sounds[rows])
            elif self._rows is not None:
                inputs["attributes"] = torch.from_numpy(self._rows[rows])
        return Batch(inputs, len(rows))

    def _choice(self, step: int, count: int) -> NDArray[np.int64]:
        """Which of each sample's hard negatives are taken, (count, negatives).

        Each kind waits for a random time, and those that come first are taken: drawing without
        replacement, by weight (Efraimidis and Spirakis 2006).
        """
        if not self.negatives:
            return np.zeros((count, 0), np.int64)
        draw = stream(self._config.seed, _CHOICE, step, "batch")
        waits = draw.exponential(size=(count, len(self._emphasis))) / self._emphasis
        return np.argsort(waits, axis=1)[:, : self.negatives]

    def _read(self, rows: NDArray[np.int64], choice: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the captions of `rows` lie among the texts, then those of their hard negatives."""
        if not self.negatives:
            return self._which[rows]
        wrong = self._which[self._count :].reshape(self._count, -1)
        return np.concatenate([self._which[rows], wrong[rows[:, None], choice].reshape(-1)])
