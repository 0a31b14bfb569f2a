"""`run.json`: what went into a run, what came out of it, and on what it ran.

The manifest has only what a second run must repeat, so two runs of the same thing give the same
bytes. When and how long it ran stands beside it, in `run.volatile.json`.
"""

import os
import platform
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    JsonValue,
    ValidationError,
    model_validator,
)

from .determinism import THREAD_VARIABLES
from .durable import replace_file
from .errors import UnreadableError
from .hashing import (
    hash_lock,
    hash_package_code,
    readable_json,
    rounded,
    sha256_file,
    sha256_json,
)

RUN_NAME = "run.json"
VOLATILE = ".volatile.json"
NUMERIC_PACKAGES = (
    "lightgbm",
    "numpy",
    "onnx",
    "onnxmltools",
    "onnxruntime",
    "scikit-learn",
    "scipy",
    "skl2onnx",
    "torch",
)

Kind = Literal["ingest", "train", "evaluate"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Rounded = Annotated[FiniteFloat, AfterValidator(rounded)]


class Frozen(BaseModel):
    """A value that cannot be changed and refuses fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Artefact(Frozen):
    """One file that a run read or wrote: its SHA-256 and its size in bytes."""

    sha256: Sha256
    size: Annotated[int, Field(ge=0)]

    @classmethod
    def of(cls, path: Path) -> Self:
        """Describe a file on disk.

        Raises:
            OSError: the file is missing or cannot be read.
        """
        return cls(sha256=sha256_file(path), size=path.stat().st_size)


class Environment(Frozen):
    """On what a run ran, as far as it can change its numbers."""

    python: str
    system: str
    machine: str
    packages: dict[str, str]
    threads: dict[str, str]

    @classmethod
    def capture(cls, packages: Iterable[str] = NUMERIC_PACKAGES) -> Self:
        """Describe this process; packages that are not installed are left out."""
        return cls(
            python=platform.python_version(),
            system=platform.system(),
            machine=platform.machine(),
            packages=_installed(packages),
            threads={name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        )


class RunManifest(Frozen):
    """The deterministic part of a run. Names of inputs and outputs are POSIX paths."""

    schema_version: Literal[1] = 1
    kind: Kind
    inputs: dict[str, Artefact]
    outputs: dict[str, Artefact]
    config: dict[str, JsonValue]
    config_sha256: Sha256
    code_sha256: Sha256
    lock_sha256: Sha256 | None
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    environment: Environment
    metrics: dict[str, Rounded]

    @model_validator(mode="after")
    def _config_is_what_was_hashed(self) -> Self:
        if sha256_json(self.config) != self.config_sha256:
            raise ValueError("config does not match config_sha256")
        return self

    @classmethod
    def capture(  # noqa: PLR0913 - a manifest is the list of everything that went into a run
        cls,
        kind: Kind,
        *,
        inputs: Mapping[str, Path],
        outputs: Mapping[str, Path],
        config: Mapping[str, JsonValue],
        seed: int,
        metrics: Mapping[str, float] | None = None,
        packages: Iterable[str] = NUMERIC_PACKAGES,
    ) -> Self:
        """Describe the run that this process has just done, hashing its files.

        Call it inside `deterministic`, so that the thread settings are those of the run.

        Args:
            kind: which of the three commands ran.
            inputs: name -> file that was read.
            outputs: name -> file that was written.
            config: every value that shaped the result.
            seed: of the random generators.
            metrics: name -> finite number, rounded to 6 decimals.
            packages: distributions whose versions are recorded.

        Raises:
            OSError: a file is missing or cannot be read.
            ValueError: a metric or a configured number is NaN or infinite.
        """
        values = dict(config)
        return cls(
            kind=kind,
            inputs={name: Artefact.of(path) for name, path in inputs.items()},
            outputs={name: Artefact.of(path) for name, path in outputs.items()},
            config=values,
            config_sha256=sha256_json(values),
            code_sha256=hash_package_code(),
            lock_sha256=hash_lock(),
            seed=seed,
            environment=Environment.capture(packages),
            metrics=rounded(dict(metrics or {})),
        )

    def to_bytes(self) -> bytes:
        """Return the manifest as `run.json` holds it; equal runs give equal bytes."""
        return readable_json(self.model_dump(mode="json"))


def write_run(path: Path, manifest: RunManifest, *, duration_s: float | None = None) -> None:
    """Write `path` (deterministic) and its `.volatile.json` neighbour, each in one step.

    Args:
        path: normally `.../run.json`.
        manifest: what to write.
        duration_s: how long the run took, in seconds of wall-clock time.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    volatile = {"created_at": now().isoformat(), "duration_s": duration_s}
    replace_file(path.with_suffix(VOLATILE), readable_json(volatile))
    replace_file(path, manifest.to_bytes())


def read_run(path: Path) -> RunManifest:
    """Read a manifest back.

    Raises:
        UnreadableError: the file is missing or is no manifest.
    """
    try:
        return RunManifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}. Run the command that writes it") from None
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}"
            for one in error.errors()
        )
        raise UnreadableError(f"{path} is no run manifest: {wrong}") from None


def now() -> datetime:
    """Return the current time in UTC, or SOURCE_DATE_EPOCH's where that is set.

    See https://reproducible-builds.org/specs/source-date-epoch/.
    """
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    return datetime.fromtimestamp(seconds, tz=UTC)


def _installed(packages: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
