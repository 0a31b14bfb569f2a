"""Names for content: SHA-256 of files, trees, values, the package's own code and its lock."""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

DECIMALS = 6
LOCK_NAME = "requirements.lock"
PACKAGE = Path(__file__).parent.parent


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits, read in pieces.

    Raises:
        OSError: the file is missing or cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_tree(root: Path, keep: Callable[[str], bool] = lambda _: True) -> str:
    """Return one SHA-256 for a folder: its files' paths, modes and bytes, in sorted order.

    As in git, a mode is 100755 (executable) or 100644. Links are followed: what counts is the
    content, not how it is stored. Bytecode caches are left out.

    Args:
        root: the folder.
        keep: told each POSIX path relative to `root`; only those it accepts are hashed.

    Raises:
        OSError: a file cannot be read, or links run in a circle.
    """
    return sha256_listing(
        (name, os.access(path, os.X_OK), sha256_file(path))
        for name, path in _files(root, root)
        if keep(name)
    )


def sha256_listing(files: Iterable[tuple[str, bool, str]]) -> str:
    """Return the same SHA-256 for files that are not on disk.

    Args:
        files: (POSIX path, whether it is executable, SHA-256 of its bytes), in any order.
    """
    digest = hashlib.sha256()
    for name, executable, sha256 in sorted(files):
        digest.update(f"{'100755' if executable else '100644'} {sha256} {name}\0".encode())
    return digest.hexdigest()


def _files(root: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files(root, entry)
        else:
            yield entry.relative_to(root).as_posix(), entry


def canonical_json(value: object) -> bytes:
    """Return the one JSON spelling of a value: sorted keys, no spaces, UTF-8, no NaN.

    Raises:
        ValueError: the value holds NaN, an infinity or an unpaired surrogate.
        TypeError: the value has no JSON form.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def readable_json(value: object) -> bytes:
    """Return the same value as `canonical_json`, laid out for people and for `git diff`.

    Raises:
        ValueError: as `canonical_json`.
        TypeError: as `canonical_json`.
    """
    text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def sha256_json(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    return sha256_bytes(canonical_json(value))


def rounded(value: Any, decimals: int = DECIMALS) -> Any:
    """Round every float in a JSON-like value, so that the last bits of a sum do not matter.

    NumPy scalars and arrays become plain numbers and lists; -0.0 becomes 0.0.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    if hasattr(value, "tolist"):  # a NumPy scalar or array
        value = value.tolist()
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
        return round(value, decimals) + 0.0
    if isinstance(value, Mapping):
        return {key: rounded(item, decimals) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [rounded(item, decimals) for item in value]
    return value


def hash_package_code() -> str:
    """Return the SHA-256 of this package's Python source, wherever it is installed."""
    return sha256_tree(PACKAGE, keep=is_code)


def is_code(name: str) -> bool:
    """Whether a file of the package counts as its code."""
    return name.endswith(".py")


def find_lock() -> Path | None:
    """Return the project's requirements.lock: beside the package's source, or near the shell.

    A wheel that was installed somewhere else has no lock, and None is returned.
    """
    for start in (PACKAGE, Path.cwd()):
        for folder in (start, *start.parents):
            if (folder / LOCK_NAME).is_file():
                return folder / LOCK_NAME
    return None


def hash_lock() -> str | None:
    """Return the SHA-256 of the project's requirements.lock, or None where there is none."""
    lock = find_lock()
    return sha256_file(lock) if lock else None
