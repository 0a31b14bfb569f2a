"""A compiled tree as one deterministic zip file, the form in which a wheel carries it."""

from __future__ import annotations

import json
import stat
import zipfile
from typing import TYPE_CHECKING

from scaffold.compile import compile_template
from scaffold.tree import File, Tree, sorted_tree, tree_digest

if TYPE_CHECKING:
    from pathlib import Path

    from scaffold.template import Template

_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(template: Template, folder: Path) -> list[Path]:
    """Write NAME.json (what ``list`` and ``show`` say, a digest) and NAME.zip (the tree)."""
    tree = compile_template(template)
    metadata = folder / f"{template.name}.json"
    described = {**template.describe(), "digest": tree_digest(tree)}
    text = json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False)
    metadata.write_text(text + "\n", encoding="utf-8")
    archive = folder / f"{template.name}.zip"
    # Stored, not deflated: the same bytes whatever zlib is there, and the wheel deflates it.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for path, file in tree.items():
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = 3
            permissions = 0o755 if file.executable else 0o644
            entry.external_attr = (stat.S_IFREG | permissions) << 16
            target.writestr(entry, file.data)
    return [metadata, archive]


def unpack(archive: Path) -> Tree:
    """Return the tree that :func:`pack` wrote."""
    with zipfile.ZipFile(archive) as source:
        return sorted_tree(
            {
                entry.filename: File(source.read(entry), bool(entry.external_attr >> 16 & 0o100))
                for entry in source.infolist()
            }
        )
