"""One registered version: its files, each under the hash that it had when it was registered."""

import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .commits import Origin
from .durable import sync_folder, write_all
from .errors import ProvenanceError, TamperedVersionError
from .hashing import sha256_bytes, sha256_json
from .manifest import Artefact, Frozen, RunManifest

ID_LENGTH = 16
READ_ONLY = 0o444


class Contents(Frozen):
    """What version.json holds: the files of a version and the run that made them."""

    files: dict[str, Artefact]
    run: RunManifest

    @property
    def id(self) -> str:
        """The version's name, which follows from what it holds."""
        return sha256_json(self.model_dump(mode="json"))[:ID_LENGTH]


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version: where its files are, the run that made them, and what git knew."""

    id: str
    root: Path
    files: Mapping[str, Artefact]
    manifest: RunManifest
    origin: Origin

    def path(self, name: str) -> Path:
        """Return where a file lies, after checking that it is the one that was registered.

        Raises:
            KeyError: the version has no such file.
            TamperedVersionError: the file is missing or changed.
        """
        self.read(name)
        return self.root / "files" / name

    def read(self, name: str) -> bytes:
        """Return a file's bytes, checked: what is returned is what was registered.

        Raises:
            KeyError: the version has no such file.
            TamperedVersionError: the file is missing or changed.
        """
        expected = self.files[name]
        path = self.root / "files" / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise self._tampered(f"{name}: {error.strerror}") from None
        if path.is_symlink() or sha256_bytes(data) != expected.sha256:
            raise self._tampered(f"{name} is not the file that was registered")
        return data

    def verify(self) -> None:
        """Check every file.

        Raises:
            TamperedVersionError: a file is missing, changed or unexpected.
        """
        folder = self.root / "files"
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
        known = {parent for name in self.files for parent in _with_parents(name)}
        if extra := sorted(found - known):
            raise self._tampered(f"{extra[0]} was added")
        for name in self.files:
            self.read(name)

    def _tampered(self, what: str) -> TamperedVersionError:
        return TamperedVersionError(
            f"version {self.id}: {what}. Roll back, or register the model again"
        )


def check_names(files: Mapping[str, Path]) -> None:
    """Refuse names that could lead out of a version's folder.

    Raises:
        ProvenanceError: there is no file, or a name is no relative POSIX path.
    """
    if not files:
        raise ProvenanceError("a version needs a file")
    for name in files:
        path = PurePosixPath(name)
        unfit = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name
        if unfit or path.as_posix() != name or name == ".":
            raise ProvenanceError(f"{name!r} is no relative POSIX path, such as 'model.onnx'")


def check_outputs(contents: Contents) -> None:
    """Refuse files whose making the manifest does not tell.

    Raises:
        ProvenanceError: a file is not an output of the run, or was changed since.
    """
    for name, artefact in contents.files.items():
        if contents.run.outputs.get(name) != artefact:
            raise ProvenanceError(
                f"{name} is not an output of this {contents.run.kind} run as it wrote it. "
                "Run it again, and register what it writes"
            )


def copy_files(files: Mapping[str, Path], folder: Path) -> dict[str, Artefact]:
    """Copy files into `folder`, read-only and on disk, and describe what was copied.

    Raises:
        ProvenanceError: a file is a pickle.
        OSError: a file cannot be read, or the disk is full.
    """
    copied: dict[str, Artefact] = {}
    for name, source in sorted(files.items()):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        data = source.read_bytes()
        if _is_pickle(data):
            raise ProvenanceError(
                f"{name} is a pickle, and loading one runs whatever is in it. "
                "Export ONNX, safetensors, npz or JSON"
            )
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, READ_ONLY)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        copied[name] = Artefact(sha256=sha256_bytes(data), size=len(data))
    for parent in {target for target in folder.rglob("*") if target.is_dir()} | {folder}:
        sync_folder(parent)
    return copied


def _is_pickle(data: bytes) -> bool:
    """Tell a pickle of protocol 2 to 5, or an archive that holds one as PyTorch's does."""
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(name.endswith((".pkl", ".pickle")) for name in archive.namelist())
    return data[:1] == b"\x80" and data[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}


def _with_parents(name: str) -> Iterator[str]:
    path = PurePosixPath(name)
    yield name
    yield from (parent.as_posix() for parent in path.parents)
