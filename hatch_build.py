"""Put the templates into what is built: living ones into the sdist, compiled ones into the wheel.

The sdist gets each template with its links resolved (hatchling leaves a linked folder out when
it has seen the folder elsewhere), so that a wheel made from it is the wheel made from a checkout.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from collections.abc import Iterator


class Templates(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the templates to the files of an sdist or a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add them; an editable install reads the living templates where they stand."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            added = self._living() if self.target_name == "sdist" else self._compiled()
            build_data["force_include"].update(added)
        finally:
            sys.path.remove(self.root)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the scratch folder."""
        del version, build_data, artifact_path
        shutil.rmtree(getattr(self, "_scratch", ""), ignore_errors=True)

    def _living(self) -> Iterator[tuple[str, str]]:
        from scaffold.compile import living_files
        from scaffold.place import write_tree

        self._scratch = tempfile.mkdtemp(prefix="scaffold-build-")
        for folder in self._folders():
            resolved = Path(self._scratch, folder.name)
            resolved.mkdir()
            write_tree(living_files(folder), resolved)
            yield str(resolved), f"templates/{folder.name}"

    def _compiled(self) -> Iterator[tuple[str, str]]:
        from scaffold.pack import pack
        from scaffold.template import read_living

        self._scratch = tempfile.mkdtemp(prefix="scaffold-build-")
        for folder in self._folders():
            for file in pack(read_living(folder), Path(self._scratch)):
                yield str(file), f"scaffold/_compiled/{file.name}"

    def _folders(self) -> list[Path]:
        living = Path(self.root, "templates")
        return sorted(metadata.parent for metadata in living.glob("*/template.toml"))
