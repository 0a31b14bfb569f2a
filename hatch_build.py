"""Put the compiled templates into the wheel, from a checkout or an unpacked sdist alike."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileTemplates(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles each living template into ``scaffold/_compiled/`` of the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile into a scratch folder; an editable install reads the living templates."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from scaffold.pack import pack
            from scaffold.template import LIVING, read_living

            living = Path(self.root) / LIVING.name
            self._scratch = tempfile.mkdtemp(prefix="scaffold-build-")
            for metadata in sorted(living.glob("*/template.toml")):
                for file in pack(read_living(metadata.parent), Path(self._scratch)):
                    build_data["force_include"][str(file)] = f"scaffold/_compiled/{file.name}"
        finally:
            sys.path.remove(self.root)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the scratch folder."""
        del version, build_data, artifact_path
        shutil.rmtree(getattr(self, "_scratch", ""), ignore_errors=True)
