"""A folder that takes the place of another as a whole: whoever is killed leaves the old one."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .dataset import DatasetError


@contextmanager
def replacing(folder: Path) -> Generator[Path]:
    """Give a new, empty folder; when the block ends well it becomes `folder`.

    After an error nothing has changed. After a kill, `folder` is as it was; what was half made
    goes when this is next used. Readers that have files of the old folder open keep them.

    Raises:
        DatasetError: another process is at it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = (folder.with_name(f"{folder.name}{ending}") for ending in (".new", ".old"))
    try:
        with FileLock(folder.with_name(f"{folder.name}.lock"), timeout=0):
            if old.exists() and not folder.exists():  # killed between the two renames below
                old.rename(folder)
            for rest in (fresh, old):
                shutil.rmtree(rest, ignore_errors=True)
            fresh.mkdir()
            try:
                yield fresh
                if folder.exists():
                    folder.rename(old)
                fresh.rename(folder)
            finally:
                for rest in (fresh, old):
                    shutil.rmtree(rest, ignore_errors=True)
    except Timeout:
        raise DatasetError(f"another process is writing {folder}; wait for it") from None
