"""Guess what somebody meant to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return the choice that looks most like ``word``, or an empty string."""
    import difflib

    found = difflib.get_close_matches(word.lower(), sorted(choices), n=1, cutoff=0.5)
    return found[0] if found else ""
