"""Render in a process of its own, so that all that a template starts ends with it.

Run as `python -m scaffold.foreign.worker REQUEST`: REQUEST is a JSON file, the answer is written
beside it.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError
from scaffold.foreign.engines import Rendering, render
from scaffold.foreign.inspection import Engine
from scaffold.git import without_redirections
from scaffold.process import run

_REQUEST = "request.json"
_ANSWER = "answer.json"


def render_apart(engine: Engine, what: Rendering, scratch: Path) -> Path:
    """Render below `scratch` as `render` does, but in a process group of its own, without asking.

    Raises:
        ScaffoldError: the template or an answer is wrong; says which, in one line.
    """
    request = scratch / _REQUEST
    values = {**asdict(what), "template": str(what.template), "engine": engine}
    request.write_text(json.dumps(values, default=str), encoding="utf-8")
    command = [sys.executable, "-P", "-m", "scaffold.foreign.worker", str(request)]
    done = run(command, cwd=scratch, env=without_redirections(os.environ))
    try:
        answer = json.loads((scratch / _ANSWER).read_text("utf-8"))
    except (OSError, ValueError):
        raise ScaffoldError(f"{engine} ended without a word ({done.complaint})") from None
    if "error" in answer:
        raise ScaffoldError(answer["error"], answer["hint"])
    return Path(answer["project"])


def main(request: Path) -> None:
    """Render what the request says, and write the answer."""
    values: dict[str, Any] = json.loads(request.read_text("utf-8"))
    engine: Engine = values.pop("engine")
    values["template"] = Path(values["template"])
    what = Rendering(**values)
    try:
        answer = {"project": str(render(engine, what, request.parent))}
    except ScaffoldError as error:
        answer = {"error": error.message, "hint": error.hint}
    (request.parent / _ANSWER).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
