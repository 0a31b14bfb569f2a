"""What an earlier update left behind: nothing, changes to be committed, or a half-done one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold import journal
from scaffold.checkout import few
from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.checkout import Checkout
    from scaffold.journal import Journal


def interrupted(checkout: Checkout) -> Journal | None:
    """Return the journal of a run that was killed before it could finish."""
    left = journal.read(checkout)
    return left if left and left.state == "applying" else None


def settle(checkout: Checkout) -> None:
    """Tidy up after a run that is over; refuse to start on top of one that isn't.

    Raises:
        ScaffoldError: a run was killed, or its conflicts aren't settled.
    """
    left = journal.read(checkout)
    if left is None:
        with journal.only_run(checkout):
            journal.remove_dead_lock(checkout)
        return
    abort = f"`scaffold {left.verb} --abort` puts everything back."
    if left.state == "applying":
        with journal.only_run(checkout):
            raise ScaffoldError(f"an earlier {left.verb} was cut short", f"Run {abort}", 1)
    if left.head != checkout.head:
        with journal.alone(checkout):
            journal.forget(checkout)
    elif unmerged(checkout):
        raise ScaffoldError(
            f"conflicts of the last {left.verb} aren't settled",
            f"`git add` what you settled and commit, or {abort}",
            1,
        )


def abort(checkout: Checkout) -> Journal:
    """Undo the last run, finished or not, as long as nothing was committed on top.

    Raises:
        ScaffoldError: there is nothing to undo, or the user has edited what would be undone.
    """
    left = journal.read(checkout)
    if left is None or (left.state == "applied" and left.head != checkout.head):
        settle(checkout)
        raise ScaffoldError("there is nothing to abort", "What is committed, git takes back.")
    with journal.alone(checkout):
        edited = journal.edited_since(checkout, left)
        if edited:
            raise ScaffoldError(
                f"you have changed {few(edited)} since",
                "Move it away or `git checkout HEAD --` it, then abort again.",
                1,
            )
        journal.undo(checkout, left)
    return left


def unmerged(checkout: Checkout) -> list[str]:
    """Return the paths that stand in conflict in the index."""
    fields = checkout.git("ls-files", "--unmerged", "-z").fields
    return list(dict.fromkeys(line.partition("\t")[2] for line in fields))
