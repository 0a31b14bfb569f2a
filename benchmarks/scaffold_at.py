"""Run scaffold with the templates and the history of a folder: TEMPLATES BUNDLE VERB..."""

from __future__ import annotations

import sys
from pathlib import Path

from scaffold import cli, history, release, template


def main() -> int:
    """Run one verb, or `release`."""
    templates, bundle, *words = sys.argv[1:]
    template.LIVING, template.PACKED = Path(templates), Path(templates) / "absent"
    history.BUNDLE = Path(bundle)
    if words == ["release"]:
        release.release(template.available().values(), history.BUNDLE)
        return 0
    return cli.main(words)


if __name__ == "__main__":
    sys.exit(main())
