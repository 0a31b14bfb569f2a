"""Tar files in the layout of WebDataset: files of one name, one after another, are one sample.

`0001.jpg`, `0001.txt` and perhaps `0001.wav` and `0001.json`. See Aizman, Maltby and Breuel, High
performance I/O for large scale deep learning (2019). Nothing is unpacked, so no name in a tar file
can reach a file outside of it.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from .records import Record, Source, facets_in, named

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
TEXTS = (".txt", ".caption")
ENDINGS = (".tar", ".tar.gz", ".tgz")
_LONGEST_TEXT = 1_000_000

_Part = tuple[str, str, bytes | None, int]
"""Name of the sample, ending of the file, its bytes (None: too many), and the place in the tar."""


def read_shards(paths: Sequence[Path], most: int) -> Source:
    """The samples of tar files; a file of more than `most` bytes is left in its tar."""
    size = sum(path.stat().st_size for path in paths)
    return Source(_records(paths, most), size, {path.name: path for path in paths})


def _records(paths: Sequence[Path], most: int) -> Iterator[Record]:
    before = 0
    for path in paths:
        line = 0
        try:
            for name, parts in groupby(_parts(path, most), key=lambda part: part[0]):
                line += 1
                yield _record(path, line, name, list(parts), before)
        except (tarfile.TarError, OSError, EOFError) as error:
            reason = f"the tar file is damaged from here on: {' '.join(str(error).split())}"
            yield Record(path.name, line + 1, {}, fault=reason)
        before += path.stat().st_size


def _parts(path: Path, most: int) -> Iterator[_Part]:
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            folder, _, file = member.name.rpartition("/")
            stem, _, ending = file.partition(".")
            if not member.isfile() or not stem or not ending:
                continue
            taken = archive.extractfile(member) if member.size <= most else None
            data = taken.read() if taken else None
            yield f"{folder}/{stem}".strip("/"), f".{ending.lower()}", data, archive.offset


def _record(path: Path, line: int, name: str, parts: list[_Part], before: int) -> Record:
    files = {ending: data for _, ending, data, _ in parts}
    read = before + parts[-1][3]
    told: dict[str, object] = {"image": name}
    large = [ending for ending, data in files.items() if data is None]
    if large:
        reason = f"{name}{large[0]} is larger than a file may be"
        return Record(path.name, line, told, fault=reason, read=read)
    try:
        fields, facets = _fields(files)
    except ValueError:
        return Record(path.name, line, told, fault="its text or JSON cannot be read", read=read)
    image, sound = _first(files, PICTURES), _first(files, SOUNDS)
    return Record(path.name, line, told | fields, image, sound, facets, read=read)


def _fields(files: dict[str, bytes | None]) -> tuple[dict[str, object], dict[str, str]]:
    """What the text and the JSON of a sample say: fields, facets. Raises ValueError."""
    found: dict[str, object] = {}
    facets: dict[str, str] = {}
    if data := files.get(".json"):
        content = json.loads(data[:_LONGEST_TEXT])
        if not isinstance(content, dict):
            raise ValueError("no object")
        found = {key: value for key, value in named(content).items() if key in {"caption", "split"}}
        facets = facets_in(content)
    if (text := _first(files, TEXTS)) is not None:
        found["caption"] = text[:_LONGEST_TEXT].decode("utf-8-sig")
    return found, facets


def _first(files: dict[str, bytes | None], endings: tuple[str, ...]) -> bytes | None:
    with suppress(StopIteration):
        return next(files[ending] for ending in endings if ending in files)
    return None
