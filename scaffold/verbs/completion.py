"""``scaffold completion``: a completion script for the user's shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.report import Report

if TYPE_CHECKING:
    import argparse

    from scaffold.console import Console

SHELLS = ("bash", "zsh", "tcsh")
EXAMPLES = """\
examples:
  scaffold completion bash > ~/.local/share/bash-completion/completions/scaffold
  scaffold completion zsh > ~/.zfunc/_scaffold
  scaffold completion tcsh > ~/.scaffold.tcsh       then `source` it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def run(args: argparse.Namespace, _console: Console) -> Report:
    """Return the script that shtab makes from the whole parser."""
    import shtab

    script = shtab.complete(args.whole_parser(), shell=args.shell)
    return Report("completion", data={"shell": args.shell, "script": script}, lines=[script])
