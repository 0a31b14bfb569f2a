"""Pictures and captions as a user might have them, made on the spot."""

import csv
import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from portfolio_project.world import sample

Files = Mapping[str, bytes]


def picture(index: int, *, side: int = 64, form: str = "PNG") -> bytes:
    """The file of a picture that no other index has."""
    shown = Image.fromarray(sample(7, "train", index).image).resize((side, side))
    file = io.BytesIO()
    shown.save(file, form)
    return file.getvalue()


def caption(index: int) -> str:
    """What that picture shows."""
    return sample(7, "train", index).caption


def sound(index: int) -> bytes:
    """The file of the sound of that picture."""
    file = io.BytesIO()
    soundfile.write(file, sample(7, "train", index).sound, 8_000, format="WAV")
    return file.getvalue()


def noise(side: int, seed: int = 0) -> np.ndarray:
    """A picture of nothing, which no compression makes small."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def write_folder(folder: Path, rows: Iterable[Mapping[str, str]], files: Files) -> Path:
    """Write files and captions.csv; returns the folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    rows = list(rows)
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return folder


def good_rows(count: int) -> list[dict[str, str]]:
    """Rows of a table that has nothing wrong."""
    return [{"image": f"pictures/{i}.png", "caption": caption(i)} for i in range(count)]


def good_files(count: int) -> dict[str, bytes]:
    """The pictures of `good_rows`."""
    return {f"pictures/{i}.png": picture(i) for i in range(count)}


def write_tar(path: Path, files: Files) -> Path:
    """Write files into a tar, in that order; returns its path."""
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def shard_files(indices: Iterable[int]) -> dict[str, bytes]:
    """Samples as WebDataset lays them out."""
    found: dict[str, bytes] = {}
    for index in indices:
        found |= {
            f"{index:05}.png": picture(index),
            f"{index:05}.txt": caption(index).encode(),
            f"{index:05}.wav": sound(index),
        }
    return found
