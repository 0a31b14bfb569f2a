"""The index is killed in the middle of writing, again and again: whole writes, or nothing."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engines import DIM, MODEL, embed, vector

from portfolio_project.index import EmbeddedIndex, Query

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from engines import DIM, MODEL, embed, entry, vector
from portfolio_project.index import EmbeddedIndex, Query

index = EmbeddedIndex(Path(sys.argv[1]), graph_from=60)
index.rebuild(MODEL, DIM, embed)
start = 10 * (index.state().documents // 10)
for batch in range(start, start + 100_000, 10):
    index.upsert([entry(n, "image", "sound") for n in range(batch, batch + 10)], MODEL)
    index.upsert([entry(batch, "image", "sound", shift=0)], MODEL)
    index.search(Query(vector(batch), MODEL, "image"))
    print(batch, flush=True)
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "index"


def write_until_killed(folder, seconds):
    """Write in another process, kill it, and return the last batch that it acknowledged."""
    command = [sys.executable, "-c", WRITER, str(folder), str(Path(__file__).parents[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split("\n")
    whole = [line for line in rest[:-1] if line]
    return int(whole[-1] if whole else first)


def test_what_was_acknowledged_is_there_and_nothing_is_half_there(folder):
    draw = random.Random(5)
    for _ in range(4):
        acknowledged = write_until_killed(folder, draw.uniform(0.05, 0.4))
        index = EmbeddedIndex(folder, graph_from=60)
        state = index.state()
        assert state.documents % 10 == 0
        assert state.documents >= acknowledged + 10
        assert state.vectors == {"image": state.documents, "sound": state.documents}
        for number in draw.sample(range(state.documents), 10):
            for kind in ("image", "sound"):
                (hit,) = index.search(Query(vector(number), MODEL, kind, 1))
                assert hit.id == f"doc-{number:05d}"
        index.settle()
        index.close()


def test_a_rebuild_that_was_killed_is_taken_up(folder):
    write_until_killed(folder, 0.3)
    script = (
        "import sys, time; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from engines import DIM, embed\n"
        "from portfolio_project.index import EmbeddedIndex\n"
        "def slowly(documents):\n"
        "    print('embedding', flush=True); time.sleep(0.2); return embed(documents)\n"
        "EmbeddedIndex(Path(sys.argv[1])).rebuild('model-b', DIM, slowly)\n"
    )
    command = [sys.executable, "-c", script, str(folder), str(Path(__file__).parents[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)

    index = EmbeddedIndex(folder)
    assert index.state().model == MODEL
    assert index.search(Query(vector(3), MODEL, "image", 1))[0].id == "doc-00003"
    index.rebuild("model-b", DIM, embed)
    state = index.state()
    assert (state.model, state.vectors) == ("model-b", {"image": state.documents})
    index.close()
