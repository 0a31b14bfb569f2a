"""Live and ready differ: ready waits for warm-up, the model and what the service depends on."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from house import sample_settings
from sample_service import sample_app
from starlette.testclient import TestClient

from portfolio_project.serving import ModelSlot, ReadinessCheck


def test_ready_follows_the_model_and_live_does_not(tmp_path):
    slot: ModelSlot[float] = ModelSlot()
    with TestClient(sample_app(sample_settings(tmp_path), slot)) as client:
        assert client.get("/health/live").status_code == 200
        before = client.get("/health/ready")
        assert (before.status_code, before.json()["checks"]) == (503, {"model": "failed"})
        assert client.get("/v1/score").status_code == 503
        slot.swap("v1", 1.0)
        after = client.get("/health/ready")
        assert (after.status_code, after.json()["checks"]) == (200, {"model": "ok"})


@pytest.mark.parametrize("failure", ["false", "raises", "hangs"])
def test_a_dependency_that_fails_makes_it_not_ready_without_saying_why(tmp_path, failure, capfd):
    async def probe() -> bool:
        if failure == "raises":
            raise ConnectionError("s3cret-host refused")
        if failure == "hangs":
            await asyncio.sleep(60)
        return False

    checks = [ReadinessCheck("queue", probe)]
    with TestClient(sample_app(sample_settings(tmp_path), readiness=checks)) as client:
        started = time.perf_counter()
        answer = client.get("/health/ready")
        assert time.perf_counter() - started < 10
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"queue": "failed", "model": "ok"}
        assert "s3cret" not in answer.text
        assert client.get("/health/live").status_code == 200
    assert ("s3cret" in capfd.readouterr().err) == (failure == "raises")


def test_it_is_not_ready_before_its_start_is_complete(tmp_path):
    phases = []

    @asynccontextmanager
    async def lifespan(app):
        phases.append(app.lifecycle.phase.value)
        yield
        phases.append("closed")

    app = sample_app(sample_settings(tmp_path), lifespan=lifespan)
    assert TestClient(app).get("/health/ready").status_code == 503
    with TestClient(app) as client:
        assert client.get("/health/ready").status_code == 200
        app.lifecycle.drain()
        draining = client.get("/health/ready")
        assert draining.status_code == 503
        assert "draining" in draining.json()["detail"]
        assert client.get("/v1/score").status_code == 200, "it still serves"
    assert phases == ["starting", "closed"]
