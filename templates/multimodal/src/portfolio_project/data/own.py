"""Data of one's own: from a source through the door into train, validation and test.

Which split a picture belongs to follows from its content, and rows are sorted by it, so the order
of the source and the number of workers change no byte of the splits.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from ..config import TrainConfig
from ..preprocess import Limits
from ..progress import Progress
from ..provenance import DeadLetters
from .dataset import DatasetError
from .door import Door, Refused, Taken
from .hub import PREFIX, read_hub
from .intake import Intake
from .records import Record, Source
from .shards import ENDINGS, read_shards
from .tables import TABLES, find_table, read_beside, read_table

In = TypeVar("In")
Out = TypeVar("Out")
_AHEAD = 64


def read_own(  # noqa: PLR0913 - where from, where to, and what holds in between
    source: Source,
    config: TrainConfig,
    limits: Limits,
    *,
    folder: Path,
    letters: DeadLetters,
    progress: Progress,
) -> dict[str, float]:
    """Write the splits of `source` into `folder`; returns counts of what became of its records.

    Raises DatasetError if a split would be empty, or attributes are asked for and not named.
    """
    model = config.model
    if "attributes" in model.modalities and not model.attributes:
        raise DatasetError(
            f"configuration {config.name} has attributes; name the columns that they stand in, "
            'under [model]: attributes = ["..."]'
        )
    columns = model.attributes if "attributes" in model.trained else ()
    with Intake(folder, letters, columns) as intake:
        for record, found in _in_order(_checked_by(Door(model, limits)), source.records):
            if isinstance(found, Refused):
                intake.refuse(record, found.reason)
            else:
                intake.take(record, found)
            progress("reading", min(record.read, source.size - 1), source.size)
        progress("reading", source.size, source.size)
        return intake.write()


def open_source(given: str, limits: Limits) -> Source:
    """What `given` names: a folder, a table, tar files or a data set of Hugging Face.

    Raises DatasetError, which says what can be given.
    """
    if given.startswith(PREFIX):
        return read_hub(given.removeprefix(PREFIX))
    if "://" in given:
        raise DatasetError(f"{given} is not fetched: download it, and give the folder or tar files")
    if not given.strip():
        raise DatasetError("the source has no name; give a folder, or leave it out")
    path = Path(given)
    if path.is_dir():
        return _open_folder(path, limits)
    if path.is_file() and path.suffix.lower() in TABLES:
        return read_table(path)
    shards = [path] if path.is_file() else sorted(path.parent.glob(path.name or "*"))
    if shards and all(shard.is_file() and shard.name.endswith(ENDINGS) for shard in shards):
        return read_shards(shards, limits.max_bytes)
    raise DatasetError(
        f"there are no data at {given}: give a folder of pictures, a table ({', '.join(TABLES)}), "
        f"tar files, or {PREFIX}NAME"
    )


def _open_folder(folder: Path, limits: Limits) -> Source:
    table = find_table(folder)
    if table:
        return read_table(table)
    shards = sorted(path for path in folder.iterdir() if path.name.endswith(ENDINGS))
    return read_shards(shards, limits.max_bytes) if shards else read_beside(folder)


def _checked_by(door: Door) -> Callable[[Record], tuple[Record, Taken | Refused]]:
    return lambda record: (record, door.check(record))


def _in_order(work: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
    """Like `map`, by threads (decoding lets others run), never far ahead of who asks."""
    waiting: deque[Future[Out]] = deque()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
