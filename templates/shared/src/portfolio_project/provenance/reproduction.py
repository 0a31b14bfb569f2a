"""Do a run again, in a fresh process and an empty folder, and compare every byte that it wrote."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .determinism import deterministic_environment
from .errors import ReproduceError
from .hashing import canonical_json, sha256_file
from .manifest import RUN_NAME, RunManifest, read_run

OUT = "{out}"
LAST_LINES = 15
DIFFERENCES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How a second run compares with the first.

    Attributes:
        kind: which command ran.
        outputs: how many files were compared.
        differences: a line for each output or metric that is not the same.
        causes: a line for each input, setting or piece of software that is not the same.
    """

    kind: str
    outputs: int
    differences: tuple[str, ...]
    causes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every byte and every metric came out again."""
        return not self.differences

    @property
    def verdict(self) -> str:
        """One line for people."""
        if self.same:
            also = f" (although {'; '.join(self.causes)})" if self.causes else ""
            return f"{self.kind}: reproduced, {self.outputs} outputs byte for byte{also}"
        why = "; ".join(self.causes) or "with the same code, lock, data and settings"
        return f"{self.kind}: not reproduced, {len(self.differences)} differences: {why}"


def reproduce(
    original: Path, command: Sequence[str], scratch: Path, *, timeout_s: float = 600.0
) -> Reproduction:
    """Run `command` in a fresh process with one thread, and compare what it writes.

    Args:
        original: folder of the first run: its run.json, and its outputs by their names.
        command: arguments; `{out}` in one of them becomes `scratch`, where it must write.
        scratch: a folder that does not exist yet, or is empty.
        timeout_s: how long the command may take, in seconds.

    Raises:
        UnreadableError: the first run has no readable manifest, or the second wrote none.
        ReproduceError: the command failed, or took too long, or `scratch` is not empty.
    """
    read_run(original / RUN_NAME)  # before the work, not after it
    if scratch.exists() and any(scratch.iterdir()):
        raise ReproduceError(f"{scratch} is not empty. Name a new folder")
    scratch.mkdir(parents=True, exist_ok=True)
    argv = [part.replace(OUT, str(scratch)) for part in command]
    try:
        done = subprocess.run(  # noqa: S603 - the caller's own training command, without a shell
            argv,
            env={**os.environ, **deterministic_environment()},
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        raise ReproduceError(f"the second run took more than {timeout_s:g} s") from None
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-LAST_LINES:]
        raise ReproduceError("\n".join([f"the second run failed ({done.returncode}):", *last]))
    return compare_runs(original, scratch)


def compare_runs(first: Path, second: Path) -> Reproduction:
    """Compare two folders that hold a run.json and the outputs that it names.

    Raises:
        UnreadableError: a manifest is missing or malformed.
    """
    before, after = read_run(first / RUN_NAME), read_run(second / RUN_NAME)
    return Reproduction(
        kind=before.kind,
        outputs=len(before.outputs),
        differences=(
            *_different_outputs(before, after, first, second),
            *_different_values("metric", before.metrics, after.metrics),
        ),
        causes=tuple(_causes(before, after)),
    )


def _different_outputs(
    before: RunManifest, after: RunManifest, first: Path, second: Path
) -> Iterator[str]:
    for name in sorted(before.outputs.keys() | after.outputs.keys()):
        if name not in before.outputs or name not in after.outputs:
            yield f"{name}: only the {'second' if name in after.outputs else 'first'} run wrote it"
            continue
        for which, run, folder in (("first", before, first), ("second", after, second)):
            path = folder / name
            if not path.is_file() or sha256_file(path) != run.outputs[name].sha256:
                yield f"{name}: missing or changed since the {which} run wrote it"
                break
        else:
            if before.outputs[name] != after.outputs[name]:
                yield f"{name}: {_first_difference(first / name, second / name)}"


def _first_difference(first: Path, second: Path) -> str:
    old, new = first.read_bytes(), second.read_bytes()
    try:
        values = json.loads(old), json.loads(new)
    except ValueError:
        pairs = enumerate(zip(old, new, strict=False))
        offset = next((at for at, (a, b) in pairs if a != b), min(len(old), len(new)))
        return f"{len(old)} bytes, then {len(new)}; they part at byte {offset}"
    lines = list(_different_values("", _flat(values[0]), _flat(values[1])))
    if not lines:
        return "the same JSON, spelled in another way"
    more = len(lines) - DIFFERENCES_SHOWN
    return ", ".join(lines[:DIFFERENCES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _causes(before: RunManifest, after: RunManifest) -> Iterator[str]:
    if before.code_sha256 != after.code_sha256:
        yield "the code changed"
    if before.lock_sha256 != after.lock_sha256:
        yield "requirements.lock changed"
    if before.seed != after.seed:
        yield f"seed {before.seed}, then {after.seed}"
    for name in sorted(before.inputs.keys() | after.inputs.keys()):
        if before.inputs.get(name) != after.inputs.get(name):
            yield f"the data changed ({name})"
    yield from _different_values("setting", _flat(before.config), _flat(after.config))
    software = (_flat(run.environment.model_dump()) for run in (before, after))
    yield from _different_values("", *software)


def _different_values(
    what: str, before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, "absent"), after.get(key, "absent")
        if old != new:
            yield f"{what} {key} {old}, then {new}".strip()


def _flat(value: object, path: str = "") -> dict[str, object]:
    """Return path -> leaf for a JSON value, so that a difference can be named."""
    items: list[tuple[object, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    if not items:
        return {path or ".": value if not isinstance(value, dict | list) else canonical_json(value)}
    return {
        leaf: found
        for key, item in items
        for leaf, found in _flat(item, f"{path}.{key}" if path else str(key)).items()
    }
