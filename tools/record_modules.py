"""Write into each template.toml the modules whose names don't follow from a distribution's name.

`python -m tools.record_modules` asks each living template's environment (`make env` there) which
top-level modules its dependencies bring: scikit-learn brings sklearn, python-dotenv dotenv. A
project must not be given such a name, and where a project is made nothing of this is installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from scaffold.template import LIVING, read_living

if TYPE_CHECKING:
    from pathlib import Path

ASK = (
    "import json; from importlib.metadata import packages_distributions as all;"
    "print(json.dumps({name: dists for name, dists in all().items() if name.isidentifier()}))"
)
LINE = re.compile(r"^modules = \[[^\]]*\]\n", re.MULTILINE)


def surprising_modules(folder: Path) -> list[str]:
    """Return the modules of the locked dependencies that aren't named after a distribution.

    Raises:
        FileNotFoundError: the template has no environment.
    """
    python = folder / ".venv" / "bin" / "python"
    found = subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=True)
    locked = set(read_living(folder).distributions)
    expected = {name.replace("-", "_") for name in locked}
    return sorted(
        module
        for module, distributions in json.loads(found.stdout).items()
        if not module.startswith("_") and "__" not in module
        if module.lower() not in expected
        if any(re.sub(r"[-_.]+", "-", name).lower() in locked for name in distributions)
    )


def main() -> None:
    """Rewrite the line in each template whose environment is there."""
    for metadata in sorted(LIVING.glob("*/template.toml")):
        text = metadata.read_text(encoding="utf-8")
        modules = surprising_modules(metadata.parent)
        listed = "".join(f'  "{module}",\n' for module in modules)
        line = f"modules = [\n{listed}]\n"
        text = LINE.sub(line, text) if LINE.search(text) else text + line
        metadata.write_text(text, encoding="utf-8")
        print(f"{metadata.parent.name}: {', '.join(modules)}", file=sys.stderr)


if __name__ == "__main__":
    main()
