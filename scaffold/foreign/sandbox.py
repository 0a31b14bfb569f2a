"""Evaluate Cookiecutter's templates in Jinja's sandbox, as Copier does by itself.

Cookiecutter evaluates templates in a plain environment, in which an expression can reach any
Python object, and so run code without a hook.
"""

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

from cookiecutter.environment import (  # type: ignore[import-untyped]
    StrictEnvironment,  # pyright: ignore[reportMissingTypeStubs]
)
from jinja2.sandbox import SandboxedEnvironment


class SandboxedStrictEnvironment(StrictEnvironment, SandboxedEnvironment):  # type: ignore[misc]
    """Cookiecutter's environment with its own extensions only, sandboxed."""

    def _read_extensions(self, context: dict[str, Any]) -> list[str]:
        del context
        return []


@contextmanager
def sandboxed(*, active: bool) -> Generator[None]:
    """While entered, Cookiecutter makes its environments in the sandbox."""
    name = "cookiecutter.utils.StrictEnvironment"
    with patch(name, SandboxedStrictEnvironment) if active else nullcontext():
        yield
