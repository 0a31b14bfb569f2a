"""A model registry that is a folder: immutable versions, one pointer, a history.

    root/versions/ID/version.json      hashes of the files, and the manifest of their run
    root/versions/ID/files/...         the files, read-only
    root/origins/ID.json               the commits that are known to hold its code
    root/current                       the ID that serves, replaced in one step
    root/history.jsonl                 every decision, written before the pointer moves
    root/staging/                      copies in progress; whatever a kill leaves is removed
    root/.lock                         one writer at a time; readers need no lock

An ID is the first 16 hexadecimal digits of the SHA-256 of version.json's content, so a version
cannot change without losing its name. A pickle is refused.
"""

import re
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from .commits import Origin, origin_of
from .durable import drop_torn_line, replace_file, sync_folder
from .errors import (
    GateRefusedError,
    RegistryBusyError,
    TamperedVersionError,
    UnknownVersionError,
)
from .gate import GateCheck
from .hashing import readable_json
from .journal import Decision, Journal
from .manifest import RunManifest
from .version import ID_LENGTH, READ_ONLY, Contents, Version, check_names, check_outputs, copy_files

LOCK_TIMEOUT_S = 30.0


class Registry:
    """Versions of a model in a folder. Any number of readers and writers may share it."""

    def __init__(self, root: Path, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> None:
        """Use the folder `root`; it is made by the first `register`.

        Args:
            root: the registry's folder.
            lock_timeout_s: how long a writer waits for another one, in seconds.
        """
        self.root = root
        self._versions = root / "versions"
        self._origins = root / "origins"
        self._staging = root / "staging"
        self._pointer = root / "current"
        self._journal = Journal(root / "history.jsonl")
        self._timeout_s = lock_timeout_s

    def register(self, files: Mapping[str, Path], manifest: RunManifest) -> str:
        """Copy `files` into a new immutable version and return its ID.

        The version becomes visible in one step, when it is whole and on disk. Registering the same
        files of the same run again returns the same ID; if their code has been committed since, the
        version's origin says so from then on.

        Args:
            files: name (a relative POSIX path, also among `manifest.outputs`) -> file to copy.
            manifest: of the run that wrote them.

        Raises:
            ProvenanceError: no file, an unfit name, a pickle, or a file that the run did not write.
            ValueError: the manifest was changed in memory into one that is not valid.
            TamperedVersionError: the version is registered already and was damaged since.
            RegistryBusyError: another writer holds the lock.
            OSError: a file cannot be read, or the disk is full; no version appears then.
        """
        check_names(files)
        # As it will be read back: a copy with changed fields has not passed its own checks.
        manifest = RunManifest.model_validate_json(manifest.to_bytes())
        with self._writing():
            staged = Path(tempfile.mkdtemp(dir=self._staging))
            contents = Contents(files=copy_files(files, staged / "files"), run=manifest)
            check_outputs(contents)
            target = self._versions / contents.id
            if target.exists():
                self.get(contents.id).verify()
                self._note_origin(contents)
                return contents.id
            self._note_origin(contents)
            replace_file(
                staged / "version.json",
                readable_json(contents.model_dump(mode="json")),
                mode=READ_ONLY,
            )
            staged.rename(target)
            sync_folder(self._versions)
        return contents.id

    def get(self, version: str) -> Version:
        """Return a version by its ID or by the first digits of it; its files are not read yet.

        Raises:
            UnknownVersionError: no version, or more than one, has that name.
            TamperedVersionError: its description was changed.
        """
        name = self._resolve(version)
        path = self._versions / name / "version.json"
        try:
            contents = Contents.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            contents = None
        if contents is None or contents.id != name:
            raise TamperedVersionError(
                f"version {name}: its version.json is missing or changed. Register the model again"
            )
        origin = self._origin(name)
        return Version(name, path.parent, contents.files, contents.run, origin)

    def versions(self) -> tuple[Version, ...]:
        """Return every version, oldest first.

        Raises:
            TamperedVersionError: a version's description was changed.
        """
        found = [self.get(name) for name in self._names()]
        return tuple(sorted(found, key=lambda one: (one.root.stat().st_mtime_ns, one.id)))

    def current_id(self) -> str | None:
        """Return the ID that serves, or None before the first promotion.

        Raises:
            TamperedVersionError: the pointer holds no ID.
        """
        try:
            name = self._pointer.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            name = ""
        if not re.fullmatch(rf"[0-9a-f]{{{ID_LENGTH}}}", name):
            raise TamperedVersionError(f"{self._pointer} names no version. Roll back to restore it")
        return name

    def current(self) -> Version | None:
        """Return the version that serves, every file checked, or None before the first promotion.

        Raises:
            TamperedVersionError: the pointer or a file was changed or is missing.
        """
        name = self.current_id()
        if name is None:
            return None
        try:
            version = self.get(name)
        except UnknownVersionError:
            raise TamperedVersionError(
                f"version {name} serves, but its folder is gone. Roll back to the previous one"
            ) from None
        version.verify()
        return version

    def promote(self, version: str, *, gate: GateCheck) -> Version:
        """Let a version serve, if `gate` finds no reason against it. There is no other way in.

        Args:
            version: ID, or the first digits of it.
            gate: told the candidate and the serving version; returns the reasons for refusing.

        Raises:
            GateRefusedError: the gate gave a reason; it is kept in the history.
            UnknownVersionError: no such version.
            TamperedVersionError: the candidate, or the serving version, was changed.
            RegistryBusyError: another writer holds the lock.
            OSError: the disk is full; what served goes on serving.
        """
        with self._writing():
            candidate = self.get(version)
            candidate.verify()
            champion = self.current()
            previous = champion.id if champion else None
            if previous == candidate.id:
                return candidate
            if reasons := tuple(gate(candidate, champion)):
                self._journal.append("refused", candidate.id, previous, reasons)
                raise GateRefusedError(candidate.id, reasons)
            self._journal.append("promoted", candidate.id, previous)
            self._point_at(candidate.id)
            return candidate

    def rollback(self, to: str | None = None) -> Version:
        """Let the version serve that served before; works also when the serving one is damaged.

        Args:
            to: an earlier promoted version; the one before the serving one by default.

        Raises:
            UnknownVersionError: nothing served before, or `to` never did.
            TamperedVersionError: the earlier version was changed; what served goes on serving.
            RegistryBusyError: another writer holds the lock.
        """
        with self._writing():
            *earlier, serving = self._journal.stack() or [""]
            name = self._resolve(to) if to else (earlier[-1] if earlier else "")
            if name not in earlier:
                raise UnknownVersionError(
                    f"version {name} did not serve before {serving}. See the history"
                    if name
                    else "there is no earlier version to roll back to. Promote one first"
                )
            version = self.get(name)
            version.verify()
            self._journal.append("rolled back", name, serving)
            self._point_at(name)
            return version

    def history(self) -> tuple[Decision, ...]:
        """Return every promotion, refusal and rollback, oldest first.

        Raises:
            UnreadableError: the history file is malformed.
        """
        return self._journal.read()

    def _note_origin(self, contents: Contents) -> None:
        before = self._origin(contents.id)
        origin = before.joined(origin_of(contents.run))
        if origin != before:
            data = readable_json(origin.model_dump(mode="json"))
            replace_file(self._origins / f"{contents.id}.json", data)

    def _origin(self, version: str) -> Origin:
        """What was noted; nothing if that cannot be read. A claim is checked before it counts."""
        try:
            return Origin.model_validate_json((self._origins / f"{version}.json").read_bytes())
        except (OSError, ValidationError):
            return Origin()

    @contextmanager
    def _writing(self) -> Generator[None]:
        self._versions.mkdir(parents=True, exist_ok=True)
        try:
            # The operating system drops the lock of a process that dies.
            with FileLock(self.root / ".lock", timeout=self._timeout_s):
                self._recover()
                yield
        except Timeout:
            raise RegistryBusyError(
                f"{self.root} is being written by another process. Try again when it is done"
            ) from None

    def _recover(self) -> None:
        """Finish or undo what a killed writer left: the history decides."""
        shutil.rmtree(self._staging, ignore_errors=True)
        self._staging.mkdir(exist_ok=True)
        drop_torn_line(self._journal.path)
        stack = self._journal.stack()
        if stack and self._pointed_at() != stack[-1]:
            self._point_at(stack[-1])

    def _pointed_at(self) -> str | None:
        try:
            return self.current_id()
        except TamperedVersionError:
            return None

    def _point_at(self, version: str) -> None:
        replace_file(self._pointer, f"{version}\n".encode())

    def _names(self) -> list[str]:
        if not self._versions.is_dir():
            return []
        return sorted(path.name for path in self._versions.iterdir())

    def _resolve(self, version: str) -> str:
        matches = [name for name in self._names() if version and name.startswith(version)]
        if version in matches:
            return version
        if len(matches) != 1:
            problem = "several versions start with" if matches else "there is no version"
            raise UnknownVersionError(f"{problem} {version!r}. List the registry to see them")
        return matches[0]
