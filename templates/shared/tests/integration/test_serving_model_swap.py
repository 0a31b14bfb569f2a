"""A model is swapped and rolled back under load: no request is dropped or answered half by each."""

import threading
import time

import httpx2
from house import sample_settings
from sample_service import sample_app

from portfolio_project.serving import ModelSlot, in_thread


def test_swap_and_rollback_under_load_drop_nothing(tmp_path):
    slot: ModelSlot[float] = ModelSlot()
    slot.swap("v1", 1.0)
    answers: list[httpx2.Response] = []
    app = sample_app(sample_settings(tmp_path, rate_limit="100000/second"), slot)

    def ask(url: str, path: str) -> None:
        with httpx2.Client(base_url=url) as client:
            answers.extend(client.get(path) for _ in range(40))

    with in_thread(app) as url:
        paths = ("/v1/score?seconds=0.005", "/v1/thread?seconds=0.005", "/v1/score")
        callers = [threading.Thread(target=ask, args=(url, path)) for path in paths]
        for caller in callers:
            caller.start()
        swaps = 0
        while any(caller.is_alive() for caller in callers):
            slot.swap("v2", 2.0)
            slot.rollback()
            swaps += 1
            time.sleep(0.001)
        for caller in callers:
            caller.join()
    assert swaps > 1
    assert len(answers) == 120
    for answer in answers:
        assert answer.status_code == 200
        body = answer.json()
        assert answer.headers["x-model-version"] == body["model_version"]
        assert body["value"] == float(body["model_version"].removeprefix("v"))


def test_only_a_route_that_leased_names_a_model(tmp_path):
    with in_thread(sample_app(sample_settings(tmp_path))) as url:
        assert "x-model-version" not in httpx2.get(f"{url}/v1/notes").headers
        assert httpx2.get(f"{url}/v1/score").headers["x-model-version"] == "v1"
