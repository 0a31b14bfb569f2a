"""The disk fills while the index is written: what was acknowledged stays, and it goes on later."""

import subprocess
import sys
from pathlib import Path

import pytest
from engines import MODEL, entry, vector
from starlette.testclient import TestClient

from portfolio_project.index import EmbeddedIndex, Query

if sys.platform == "win32":
    pytest.skip("a limit on the size of files belongs to POSIX", allow_module_level=True)

# No file of the process may grow beyond a limit, which its writes then meet as on a full disk.
WRITER = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from engines import DIM, MODEL, embed, entry
from portfolio_project.index import EmbeddedIndex

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
index = EmbeddedIndex(Path(sys.argv[1]))
index.rebuild(MODEL, DIM, embed)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
for start in range(0, 100_000, 10):
    try:
        index.upsert([entry(n, "image", "sound") for n in range(start, start + 10)], MODEL)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
        break
    print(start + 10, flush=True)
"""


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path):
    folder = tmp_path / "index"
    script = [sys.executable, "-c", WRITER, str(folder), str(Path(__file__).parents[1])]
    ran = subprocess.run(script, capture_output=True, text=True, check=False, timeout=100)
    *written, told = ran.stdout.splitlines()
    assert ran.returncode == 0, ran.stderr
    assert told.startswith("IndexUnavailableError"), told
    assert "nothing was changed" in told
    index = EmbeddedIndex(folder)
    acknowledged = int(written[-1])
    assert acknowledged >= 10
    assert index.state().documents == acknowledged
    for number in range(0, acknowledged, 7):
        (hit,) = index.search(Query(vector(number), MODEL, "image", 1))
        assert hit.id == f"doc-{number:05d}"
    more = [entry(number, "image", "sound") for number in range(acknowledged, acknowledged + 10)]
    index.upsert(more, MODEL)
    assert index.state().documents == acknowledged + 10
    index.close()


def test_the_api_says_so_and_goes_on_answering(app_factory, monkeypatch):
    with TestClient(app_factory()) as client:
        before = client.get("/v1/index").json()

        def full(connection, *_):
            connection.execute("PRAGMA max_page_count = 1")  # as much as there is already
            connection.execute("CREATE TABLE more AS SELECT zeroblob(1000000)")

        store = "portfolio_project.index.store"
        monkeypatch.setattr(f"{store}.add_vectors", full)
        refused = client.post("/v1/documents", json={"id": "mine", "caption": "a red disc"})
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert "cannot be reached, or not be written" in refused.json()["detail"]
        monkeypatch.undo()

        query = [{"part": {"kind": "text", "text": "red"}}]
        assert client.post("/v1/search", json={"query": query}).status_code == 200
        assert client.get("/v1/documents/mine").status_code == 404
        assert client.get("/v1/index").json()["documents"] == before["documents"]
