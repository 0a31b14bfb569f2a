"""Are samples where they should be: none twice, none of a test split in the training split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ..facets import WORLD
from .dataset import SplitData
from .near import near_matches

_SPAN = 256


def check_splits(splits: Mapping[str, SplitData]) -> dict[str, float]:
    """Counts of duplicates within each split, and of training samples in each other one.

    Two pictures count as the same if every byte is, as near if `near_matches` finds them so; two
    scenes are the same if every attribute is.
    """
    found: dict[str, float] = {}
    pictures = {name: picture_hashes(data) for name, data in splits.items()}
    scenes = {name: scene_keys(data) for name, data in splits.items()}
    for name, hashes in pictures.items():
        found[f"duplicate_pictures_{name}"] = float(len(hashes) - len(set(hashes)))
        if name != "train":
            found[f"leaked_pictures_{name}"] = float(_shared(hashes, pictures.get("train", [])))
            found[f"near_pictures_{name}"] = float(_near(splits, name))
    for name, keys in scenes.items():
        if keys:
            found[f"duplicate_scenes_{name}"] = float(len(keys) - len(set(keys)))
            if name != "train":
                found[f"leaked_scenes_{name}"] = float(_shared(keys, scenes.get("train", [])))
    return found


def _near(splits: Mapping[str, SplitData], name: str) -> int:
    """How many pictures of a split training sees nearly the same."""
    if "train" not in splits:
        return 0
    return int((near_matches(splits[name].images, splits["train"].images) >= 0).sum())


def picture_hashes(data: SplitData) -> list[bytes]:
    """One short hash a picture."""
    return [
        hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        for start in range(0, len(data), _SPAN)
        for image in data.images[start : start + _SPAN]
    ]


def scene_keys(data: SplitData) -> list[bytes]:
    """What each sample shows, if it is of the world; in other data many share all attributes."""
    if data.attributes is None or data.columns != WORLD:
        return []
    return [row.tobytes() for row in data.attributes]


def _shared(these: list[bytes], those: list[bytes]) -> int:
    known = set(those)
    return sum(one in known for one in these)
