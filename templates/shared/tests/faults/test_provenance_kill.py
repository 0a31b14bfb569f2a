"""SIGKILL before every call that changes the disk: nothing half-done is ever seen.

One child process imports the package once and forks a grandchild for each kill point. A grandchild
counts the calls that it makes to the operating system and kills itself before the n-th, so that
every point of an operation is tried, not a lucky few.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from runs import MODEL, make_run

from portfolio_project.provenance import (
    DeadLetters,
    Registry,
    read_run,
    write_run,
)

if sys.platform == "win32":
    pytest.skip("SIGKILL and fork belong to POSIX", allow_module_level=True)

TESTS = Path(__file__).parents[1]
START = """
import os, random, shutil, signal, sys, time
from pathlib import Path

scratch = Path(sys.argv[1])
sys.path.insert(0, sys.argv[2])
from runs import make_run
from portfolio_project import provenance

def accept(candidate, champion):
    return []
"""
KILL_EVERYWHERE = """
CHANGING = {"open", "write", "fsync", "mkdir", "rename", "replace", "chmod", "unlink", "rmdir"}
files, manifest = make_run(scratch / "run", "new weights", 0.9)

def work(operation, folder):
    registry = provenance.Registry(folder / "registry")
    if operation == "register":
        registry.register(files, manifest)
    elif operation == "promote":
        *_, newest = registry.versions()
        registry.promote(newest.id, gate=accept)
    elif operation == "rollback":
        registry.rollback()
    elif operation == "add":
        provenance.DeadLetters(folder / "dead.jsonl").add({"n": 2}, "bad")
    else:
        provenance.write_run(folder / "run.json", manifest)

def work_until(point, operation, folder):
    left = point
    def count(frame, event, argument):
        nonlocal left
        if event != "c_call" or argument.__module__ != "posix":
            return
        if argument.__name__ in CHANGING:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(count)
    work(operation, folder)
    sys.setprofile(None)

def survives(point, operation):
    folder = scratch / operation / str(point)
    shutil.copytree(scratch / "before", folder)
    child = os.fork()
    if child == 0:
        try:
            work_until(point, operation, folder)
            os._exit(0)
        finally:
            os._exit(3)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == 0:
        shutil.rmtree(folder)
        return True
    assert status == -signal.SIGKILL, status
    return False

for operation in ("register", "promote", "rollback", "add", "write"):
    assert any(survives(point, operation) for point in range(1, 200)), "it never came to its end"
"""
PROMOTERS = """
root, rounds = scratch / "registry", 12
registry = provenance.Registry(root, lock_timeout_s=30)
names = [registry.register(*make_run(scratch / "run", str(n), 0.5)) for n in range(3)]

def promote_for_ever(seed):
    draw = random.Random(seed)
    while True:
        provenance.Registry(root, lock_timeout_s=30).promote(draw.choice(names), gate=accept)

def start(seed):
    child = os.fork()
    if child == 0:
        try:
            promote_for_ever(seed)
        finally:
            os._exit(3)
    return child

draw = random.Random(11)
workers = [start(seed) for seed in range(3)]
for number in range(rounds):
    time.sleep(draw.uniform(0.01, 0.08))
    victim = workers.pop(0)
    os.kill(victim, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1])
    assert status == -signal.SIGKILL, "a promoter failed of itself"
    workers.append(start(10 + number))
    provenance.Registry(root).current()  # a reader in the middle of it all
for worker in workers:
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
"""


def run_child(script, scratch):
    child = subprocess.run(
        [sys.executable, "-c", START + script, str(scratch), str(TESTS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert child.returncode == 0, child.stderr


def accept(_candidate, _champion):
    return []


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """`before`, and OPERATION/N: a copy of it in which that operation was killed at point N.

    Before: three versions, two of them promoted; one dead letter; one manifest.
    """
    scratch = tmp_path_factory.mktemp("killed")
    before = scratch / "before"
    registry = Registry(before / "registry")
    names = [registry.register(*make_run(scratch / "old", content)) for content in "abc"]
    for name in names[:2]:
        registry.promote(name, gate=accept)
    DeadLetters(before / "dead.jsonl").add({"n": 1}, "bad")
    write_run(before / "run.json", registry.get(names[0]).manifest)
    run_child(KILL_EVERYWHERE, scratch)
    return scratch


@pytest.fixture(scope="module")
def before(scratch):
    return [version.id for version in Registry(scratch / "before" / "registry").versions()]


def test_a_half_written_version_is_never_visible(scratch, before, tmp_path):
    outcomes = Counter()
    run = make_run(tmp_path / "run", "new weights", 0.9)
    for folder in sorted((scratch / "register").iterdir()):
        registry = Registry(folder / "registry")
        for version in registry.versions():
            version.verify()
        outcomes[len(registry.versions())] += 1
        assert registry.current().id == before[1]
        name = registry.register(*run)
        assert registry.promote(name, gate=accept).read(MODEL) == b"new weights"
        assert list((registry.root / "staging").iterdir()) == []
    assert set(outcomes) == {3, 4}, "kills on both sides of the moment of publishing"


@pytest.mark.parametrize(("operation", "target"), [("promote", 2), ("rollback", 0)])
def test_the_pointer_names_the_old_version_or_the_new_one(
    scratch, before, tmp_path, operation, target
):
    outcomes = Counter()
    run = make_run(tmp_path / "other run", "any writer")
    for folder in sorted((scratch / operation).iterdir()):
        registry = Registry(folder / "registry")
        served = registry.current().id
        outcomes[served] += 1
        decided = registry.history()[2:]
        assert served == before[1] or decided, "nothing serves that was not decided"
        registry.register(*run)
        expected = before[target] if decided else before[1]
        assert registry.current().id == expected, "the next writer finishes what was decided"
        assert len(registry.versions()) == 4
    assert set(outcomes) == {before[1], before[target]}


def test_a_dead_letter_is_kept_whole_or_not_at_all(scratch):
    outcomes = Counter()
    for folder in (scratch / "add").iterdir():
        letters = DeadLetters(folder / "dead.jsonl")
        outcomes[len(letters)] += 1
        letters.add({"n": 3}, "bad")
        assert [letter.record["n"] for letter in letters] in ([1, 3], [1, 2, 3])
    assert set(outcomes) == {1, 2}


def test_a_manifest_is_the_old_one_or_the_new_one(scratch):
    scores = {
        read_run(folder / "run.json").metrics["score"] for folder in (scratch / "write").iterdir()
    }
    assert scores == {0.8, 0.9}


def test_promoters_that_are_killed_at_random_never_tread_on_each_other(tmp_path):
    run_child(PROMOTERS, tmp_path)
    registry = Registry(tmp_path / "registry")
    registry.promote(registry.versions()[0].id, gate=accept)
    assert registry.current().id == registry.versions()[0].id
    promoted = [decision for decision in registry.history() if decision.action == "promoted"]
    assert len(promoted) > 12
    chain = [None, *(decision.version for decision in promoted)]
    assert [decision.previous for decision in promoted] == chain[:-1]
