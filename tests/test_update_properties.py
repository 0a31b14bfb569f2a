"""Random trees, edits and template changes: nothing that a user wrote is lost; there and back."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from scaffold.answers import Answers
from scaffold.checkout import Checkout
from scaffold.errors import ScaffoldError
from scaffold.merge import merge
from scaffold.objects import Commit, contents, entries_of, quarantine, tree_at, write_commits
from scaffold.reidentify import Identity, Move, merge_base, refuse_one_way, reidentify
from scaffold.tree import File
from scaffold.upgrade import propose

QUIET = settings(
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
PATHS = ["a.py", "b.txt", "pkg/a.py", "pkg/b.py", "pkg/sub/c.py", "docs/d.md", "uv.lock", "tool"]
OTHER_PATHS = ["new.py", "pkg/new.py", "renamed.py", "moved/a.py", "b.txt/inside", 'pkg/é "x".md']
KINDS = ["insert", "cut", "change", "mode", "delete", "rename", "add", "binary", "crlf", "folder"]


def base_file(number, lines):
    return File("".join(f"base-{number}-{line}\n" for line in range(lines)).encode())


bases = st.dictionaries(st.sampled_from(PATHS), st.integers(1, 12), min_size=1).map(
    lambda sizes: {path: base_file(PATHS.index(path), size) for path, size in sizes.items()}
)
operations = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 50),
        st.integers(0, 50),
        st.sampled_from(OTHER_PATHS),
    ),
    max_size=6,
)


def edited(tree, steps, who):
    """Return the tree after somebody's steps; each of their lines names them."""
    tree = dict(tree)
    for number, (kind, which, where, other) in enumerate(steps):
        path = sorted(tree)[which % len(tree)] if tree else ""
        mark = f"{who}-{number}-{where}\n".encode()
        if kind == "add" and fits(other, tree):
            tree[other] = File(mark * (1 + where % 4))
        if path and kind in EDITS:
            tree[path] = EDITS[kind](tree[path], where, mark)
        if path and kind == "delete":
            del tree[path]
        if path and kind == "rename" and fits(other, tree.keys() - {path}):
            tree[other] = tree.pop(path)
        if path and kind == "folder":
            del tree[path]
            tree[f"{path}/in"] = File(mark)
    return dict(sorted(tree.items()))


def insert(file, where, mark):
    lines = file.data.splitlines(keepends=True)
    position = where % (len(lines) + 1)
    return File(b"".join([*lines[:position], mark, *lines[position:]]), file.executable)


def cut(file, where, _mark):
    lines = file.data.splitlines(keepends=True)
    del lines[where % max(1, len(lines)) :][:1]
    return File(b"".join(lines), file.executable)


def change(file, where, mark):
    lines = file.data.splitlines(keepends=True) or [b""]
    lines[where % len(lines)] = mark
    return File(b"".join(lines), file.executable)


EDITS = {
    "insert": insert,
    "cut": cut,
    "change": change,
    "mode": lambda file, *_: File(file.data, not file.executable),
    "binary": lambda file, _where, mark: File(b"\0" + mark, file.executable),
    "crlf": lambda file, *_: File(file.data.replace(b"\n", b"\r\n"), file.executable),
}


def fits(path, paths):
    taken = any(other == path or other.startswith(path + "/") for other in paths)
    return not taken and not any(path.startswith(other + "/") for other in paths)


def checkout_of(git, tree):
    """Return a checkout whose committed tree is this one; all of it lies in the quarantine."""
    write_commits(git, [Commit("user", tree)])
    oid = git("rev-parse", "refs/heads/user^{tree}").line
    here = Path(git.cwd)
    return Checkout(here, here, "", here, here / "objects", "sha1", "", oid)


def lines_of(blobs, who):
    return {line.rstrip(b"\r") for data in blobs for line in data.split(b"\n") if who in line}


@QUIET
@given(bases, operations, operations)
def test_every_line_that_the_user_added_is_there_or_in_a_reported_conflict(base, mine, news):
    ours, theirs = edited(base, mine, "user"), edited(base, news, "template")
    with quarantine() as git:
        checkout = checkout_of(git, ours)
        merged = propose(git, checkout, base, theirs, "template-2").merged
        result = entries_of(git, merged.tree)
        named = {path for conflict in merged.conflicts for path in conflict.paths}
        assert {stage.path for stage in merged.stages} <= named
        oids = [blob.oid for blob in result.values()]
        staged = [stage.blob.oid for stage in merged.stages if stage.number == 2]
        blobs = contents(git, oids + staged).values()
        assert lines_of((file.data for file in ours.values()), b"user-") <= lines_of(
            blobs, b"user-"
        )
        if not merged.conflicts:
            settled = tree_at(git, merged.tree)
            again = propose(git, checkout_of(git, settled), theirs, theirs, "template-2")
            assert not again.changes


@QUIET
@given(bases, operations)
def test_a_project_without_edits_becomes_the_new_version_exactly(base, news):
    theirs = edited(base, news, "template")
    with quarantine() as git:
        merged = merge(git, base, base, theirs, "template-2")
        assert not merged.conflicts
        assert tree_at(git, merged.tree) == theirs


@QUIET
@given(bases, operations)
def test_a_template_without_changes_changes_nothing(base, mine):
    ours = edited(base, mine, "user")
    with quarantine() as git:
        proposal = propose(git, checkout_of(git, ours), base, base, "template-2")
        assert not proposal.changes
        assert not proposal.merged.conflicts


COMPILED = {
    "README.md": File(b"# Portfolio Project\n\nA portfolio project.\nportfolio-project\n"),
    "pyproject.toml": File(b'name = "portfolio-project"\ntitle = "Portfolio Project"\n'),
    "src/portfolio_project/a.py": File(b"import portfolio_project\n\nX = 1\nY = 2\n"),
    "src/portfolio_project/b.py": File(b"KEY = 'PORTFOLIO_PROJECT_KEY'\n"),
    ".copier-answers.yml": File(
        b'project_name: "portfolio-project"\npackage_name: "portfolio_project"\n'
        b'title: "Portfolio Project"\nauthor_name: "Portfolio Author"\n'
    ),
}
names = st.from_regex(r"[a-z]{1,6}(-[a-z]{1,5}){0,2}", fullmatch=True)
titles = st.text("aB \"'&\\é<", min_size=1, max_size=8)
identities = st.builds(
    lambda name, title, author, spdx: Answers(
        project_name=name,
        package_name=name.replace("-", "_"),
        title=title,
        description="What it does",
        author_name=author,
        author_email="a@example.org",
        owner="owner",
        license=spdx,
    ),
    names,
    titles,
    titles,
    st.sampled_from(["MIT", "Apache-2.0"]),
)
user_lines = st.lists(
    st.tuples(
        st.integers(0, 10),
        st.integers(0, 10),
        st.sampled_from(
            [
                "from {package} import a",
                "import {package}.b as b",
                "{package}_total = 1",
                "run `{project}` or {prefix}_KEY=1",
                "{project}-data",
                "plain words",
                "# {title}",
                "\r",
            ]
        ),
    ),
    max_size=6,
)


def with_user_lines(answers, lines, title=None):
    tree = dict(Identity.of(COMPILED, answers).rendered)
    own = f"src/{answers.package_name}/own.py"
    tree[own] = File(b"OWN = 1\n")
    filled = {
        "package": answers.package_name,
        "project": answers.project_name,
        "prefix": answers.package_name.upper(),
        "title": title or answers.title,
    }
    for which, where, line in lines:
        path = sorted(tree)[which % len(tree)]
        if path != "LICENSE":
            tree[path] = insert(tree[path], where, (line.format(**filled) + "\n").encode())
    return dict(sorted(tree.items()))


def moved(git, ours, move):
    """Return the merged tree, by the steps that `scaffold reconfigure` takes."""
    there = reidentify(ours, move)
    refuse_one_way(ours, there, move)
    base = merge_base(move, ours)
    found = propose(
        git, checkout_of(git, ours), base, move.new.rendered, "reconfigured", there
    ).merged
    assert not found.conflicts
    return tree_at(git, found.tree)


@QUIET
@given(identities, identities, user_lines)
def test_reconfigured_there_and_back_is_the_same_byte_for_byte(one, other, lines):
    ours = with_user_lines(one, lines)
    move = Move(Identity.of(COMPILED, one), Identity.of(COMPILED, other))
    with quarantine() as git:
        try:
            there = moved(git, ours, move)
        except ScaffoldError:
            assume(False)
        if "-" in one.project_name:  # else the user's lines may mean either name
            assert there == with_user_lines(other, lines, title=one.title)
        assert moved(git, there, move.back()) == ours


@pytest.mark.parametrize("name", ["fraud", "my-app", "a-b-c", "x"])
def test_usual_names_are_not_refused(name):
    one = identity("streaming-pipeline")
    lines = [(4, 1, "from {package} import a"), (1, 2, "run `{project}` or {prefix}_KEY=1")]
    move = Move(Identity.of(COMPILED, one), Identity.of(COMPILED, identity(name)))
    with quarantine() as git:
        ours = with_user_lines(one, lines)
        assert moved(git, moved(git, ours, move), move.back()) == ours


def identity(name):
    return Answers(name, name.replace("-", "_"), "T", "D.", "A", "a@example.org", "o", "MIT")
