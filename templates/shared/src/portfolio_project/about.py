"""What this project is called, in its own words."""

from importlib.resources import files

import orjson


def about() -> dict[str, str]:
    """Title and description, from about.json."""
    words: dict[str, str] = orjson.loads((files(str(__package__)) / "about.json").read_bytes())
    return words
