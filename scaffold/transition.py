"""Carry a project from one state of its template to another: propose, show, lock, apply.

Both ``update`` (another version) and ``reconfigure`` (other answers) are such a transition.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold.apply import Patch, apply, refuse_obstacles
from scaffold.checkout import require_clean
from scaffold.merge import Change, diff, renames
from scaffold.objects import Blob, contents, quarantine
from scaffold.relock import EXPORT, PROJECT, SEED, Relocked, is_due, relock
from scaffold.report import Report
from scaffold.tree import File
from scaffold.upgrade import Proposal, blob_of, propose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scaffold.checkout import Checkout
    from scaffold.console import Console
    from scaffold.plumbing import Git
    from scaffold.tree import Tree

_SIGN = {"added": "+", "deleted": "-", "modified": "~", "renamed": ">"}


@dataclass(frozen=True, slots=True)
class Transition:
    """What is to be done: the template's tree before and after, and how to speak of it.

    ``label`` names the template's side in conflict markers; ``message`` is the commit's that the
    user is told to make; ``ours`` stands in for the committed tree, if given; ``notes`` are told.
    """

    verb: str
    base: Tree
    theirs: Tree
    label: str
    message: str
    ours: Mapping[str, File | Blob] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Switches:
    """What the user asked for besides."""

    dry_run: bool = False
    lock: bool = True
    offline: bool = False


def carry_out(
    checkout: Checkout, transition: Transition, switches: Switches, console: Console
) -> Report:
    """Make the transition, or say what it would do.

    Raises:
        ScaffoldError: the work tree isn't clean, or untracked files are in the way.
    """
    if not switches.dry_run:
        require_clean(checkout)
    with quarantine([checkout.objects], checkout.object_format) as git:
        console.progress("merging…")
        trees = (transition.base, transition.theirs)
        proposal = propose(git, checkout, *trees, transition.label, transition.ours)
        console.clear_progress()
        refuse_obstacles(checkout, proposal.changes)
        report = _described(git, checkout, transition, proposal, switches)
        locked = _lock(git, checkout, transition, proposal, switches, console)
        report.data["lock"] = {"ok": locked.ok, "detail": locked.detail}
        if not switches.dry_run:
            locks = _lock_changes(git, checkout, locked)
            report.data["changes"] += [{"path": each.path, "change": each.kind} for each in locks]
            patch = Patch((*proposal.changes, *locks), proposal.merged.stages)
            if patch.changes or patch.stages:
                apply(checkout, git, patch, transition.verb)
            report.lines += _next(transition, proposal)
    if locked.detail:
        (console.done if locked.ok else console.warn)(locked.detail)
    return report


def _described(
    git: Git,
    checkout: Checkout,
    transition: Transition,
    proposal: Proposal,
    switches: Switches,
) -> Report:
    conflicts = proposal.merged.conflicts
    notes = (*transition.notes, *proposal.merged.notes)
    changes = _changes(proposal, renames(git, checkout.tree, proposal.merged.tree))
    report = Report(transition.verb, ok=not conflicts, exit_code=int(bool(conflicts)))
    report.data = {
        "path": str(checkout.project),
        "dry_run": switches.dry_run,
        "changes": changes,
        "conflicts": [conflict.describe() for conflict in conflicts],
        "notes": list(notes),
    }
    report.lines = [_line(change) for change in changes]
    if switches.dry_run:
        text = diff(git, checkout.tree, proposal.merged.tree)
        report.data["diff"] = text
        report.lines += ["", *text.splitlines()]
    report.lines += [f"note: {note}" for note in notes]
    report.lines += [f"{conflict.message}" for conflict in conflicts]
    report.lines += ["", _summary(proposal, changes, switches)]
    return report


def _changes(proposal: Proposal, renamed: dict[str, str]) -> list[dict[str, str]]:
    """Return each change as JSON values, a rename as one."""
    gone = set(renamed.values())
    found: list[dict[str, str]] = []
    for each in proposal.changes:
        if each.path in renamed:
            old = renamed[each.path]
            found.append({"path": each.path, "change": "renamed", "from": old})
        elif each.path not in gone:
            found.append({"path": each.path, "change": each.kind})
    return found


def _line(change: dict[str, str]) -> str:
    before = f"{change['from']} -> " if "from" in change else ""
    return f"  {_SIGN[change['change']]} {before}{change['path']}"


def _summary(proposal: Proposal, changes: list[dict[str, str]], switches: Switches) -> str:
    count = Counter(change["change"] for change in changes)
    parts = [f"{count[kind]} {kind}" for kind in _SIGN if count[kind]]
    conflicts = len(proposal.merged.conflicts)
    parts += [f"{conflicts} {'conflict' if conflicts == 1 else 'conflicts'}"] if conflicts else []
    what = ", ".join(parts) or "no file changes"
    return f"{what} (dry run: nothing was written)" if switches.dry_run else what


def _next(transition: Transition, proposal: Proposal) -> list[str]:
    commit = f'  git commit -m "{transition.message}"'
    back = f"  scaffold {transition.verb} --abort       puts everything back"
    if not proposal.merged.conflicts:
        return ["Staged, not committed. Look with `git diff --cached`, then:", commit, back]
    return [
        "Conflicts stand as git's own. Settle them, `git add` the files, then:",
        commit,
        back,
    ]


def _lock(  # noqa: PLR0913, PLR0917 - a step of `carry_out`, which has all of these at hand
    git: Git,
    checkout: Checkout,
    transition: Transition,
    proposal: Proposal,
    switches: Switches,
    console: Console,
) -> Relocked:
    files = _files_at(git, checkout.tree, (PROJECT, SEED, EXPORT))
    merged = _files_at(git, proposal.merged.tree, (PROJECT,)).get(PROJECT)
    if merged is None or not is_due(files, merged, transition.base, transition.theirs):
        return Relocked()
    if any(stage.path == PROJECT for stage in proposal.merged.stages):
        detail = f"{PROJECT} has a conflict: settle it, then run `uv lock` and `make lock`"
        return Relocked(detail=detail, ok=False)
    if switches.dry_run or not switches.lock:
        return Relocked(detail=f"{SEED} is to be locked again", ok=switches.dry_run)
    console.progress("locking…")
    locked = relock(files, merged, transition.base, transition.theirs, offline=switches.offline)
    console.clear_progress()
    return locked


def _files_at(git: Git, tree: str, names: tuple[str, ...]) -> dict[str, bytes]:
    listed = git("ls-tree", "-z", "--full-tree", tree, "--", *names).fields
    oids = {line.partition("\t")[2]: line.split("\t")[0].split(" ")[2] for line in listed}
    data = contents(git, list(oids.values()))
    return {name: data[oid] for name, oid in oids.items()}


def _lock_changes(git: Git, checkout: Checkout, locked: Relocked) -> list[Change]:
    found: list[Change] = []
    had = _files_at(git, checkout.tree, tuple(locked.files)) if locked.files else {}
    for name, data in locked.files.items():
        if had.get(name) == data:
            continue
        git("hash-object", "-w", "--stdin", stdin=data)
        old = blob_of(File(had[name]), checkout.object_format) if name in had else None
        found.append(Change(name, old, blob_of(File(data), checkout.object_format)))
    return found
