"""A gate for what was reviewed: a model serves only if a reviewed branch holds what made it.

Review leaves its mark on a branch that takes changes no other way, which hosts of git call a
protected branch. So "was it reviewed?" becomes "is it on that branch?", and that can be computed.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from .commits import find_repository
from .errors import NotReviewedError
from .gate import GateCheck
from .manifest import RunManifest
from .version import Version

DEFAULT_BRANCH = "origin/main"

Read: TypeAlias = Callable[[str], str | None]
"""From a file's name in the package to its text, None if there is no such file."""
Declared: TypeAlias = Callable[[RunManifest, Read], bool]
"""Whether a run's settings are among those that the code names, or a file beside it, which is to
be read as the reviewed commit has it."""


class Reviewed:
    """Refuses a version whose code, lock or settings are not those of a branch.

    Code and lock are compared by content with commits of the branch: with the newest, and with
    those that are known to hold them from when the version was registered.
    """

    def __init__(self, branch: str, declared: Declared) -> None:
        """Keep what to compare with.

        Args:
            branch: such as `origin/main`.
            declared: asked about the settings of what was found on the branch.
        """
        self.branch = branch
        self._declared = declared

    def __call__(self, candidate: Version, champion: Version | None) -> Sequence[str]:
        """Return why `candidate` may not serve; nothing when it may."""
        del champion
        try:
            self.commit_of(candidate)
        except NotReviewedError as error:
            return (error.reason,)
        return ()

    def commit_of(self, version: Version) -> str:
        """Return the commit of the branch that holds what made a version.

        Raises:
            NotReviewedError: there is none, or git cannot tell.
        """
        repository = find_repository()
        if repository is None:
            raise NotReviewedError(
                version.id, "git knows no repository of this code; ask in a checkout of it"
            )
        tip = repository.commit(self.branch)
        if tip is None:
            raise NotReviewedError(version.id, f"git knows no {self.branch!r} here; fetch it")
        found = [
            commit
            for commit in (tip, *reversed(version.origin.commits))
            if repository.holds(commit, version.manifest) and repository.is_on(commit, tip)
        ]
        if not found:
            raise NotReviewedError(
                version.id,
                f"its code and its lock are those of no known commit of {self.branch} "
                f"({version.origin}); have them merged, and train again",
            )
        if not self._declared(version.manifest, partial(repository.read, found[0])):
            raise NotReviewedError(
                version.id, "its settings were given by hand; write them into the code"
            )
        return found[0]


def with_review(gate: GateCheck, reviewed: Reviewed) -> GateCheck:
    """Return a gate that lets pass what both let pass, and gives the reasons of both."""
    return lambda candidate, champion: (
        *gate(candidate, champion),
        *reviewed(candidate, champion),
    )
