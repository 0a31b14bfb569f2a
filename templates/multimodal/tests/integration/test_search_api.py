"""The API as a caller sees it, on a model that was trained for the tests."""

import base64
import io
import threading

import numpy as np
import pytest
import soundfile
from PIL import Image
from starlette.testclient import TestClient

from portfolio_project.api.examples import PICTURE, SOUND
from portfolio_project.index import EmbeddedIndex
from portfolio_project.provenance import Registry

SCENE = {
    "first": {"colour": "red", "shape": "circle"},
    "second": {"colour": "blue", "shape": "star"},
}
PARTS = [
    {"kind": "text", "text": "a red circle"},
    {"kind": "image", "data": PICTURE},
    {"kind": "sound", "data": SOUND},
    {"kind": "attributes", "scene": SCENE},
    {"kind": "document", "id": "test-00003", "modality": "sound"},
]


@pytest.fixture
def client(app_factory):
    with TestClient(app_factory()) as opened:
        yield opened


def ask(client, *parts, **options):
    query = [{"part": part} for part in parts]
    return client.post("/v1/search", json={"query": query, **options})


def text(words):
    return {"kind": "text", "text": words}


def in_base64(data):
    return base64.b64encode(data).decode()


def png(size=(16, 16)):
    target = io.BytesIO()
    Image.new("RGB", size).save(target, "PNG")
    return target.getvalue()


@pytest.mark.parametrize("target", ["image", "text", "sound", "attributes"])
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part["kind"])
def test_anything_finds_anything(client, part, target):
    answer = ask(client, part, target=target, limit=3)

    assert answer.status_code == 200
    found = answer.json()
    assert len(found["hits"]) == 3
    assert found["model_version"] == answer.headers["x-model-version"]
    assert found["index_version"].startswith("g")
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_a_document_is_nearest_to_itself(client):
    (first, *_) = ask(client, {"kind": "document", "id": "test-00007"}).json()["hits"]

    assert first["id"] == "test-00007"
    assert first["score"] == pytest.approx(1, abs=1e-4)
    assert first["attributes"]["split"] == "test"


def test_a_composed_question_is_the_weighted_sum_of_its_parts(client):
    parts = [{"kind": "image", "data": PICTURE}, text("blue")]
    vectors = np.array(client.post("/v1/embed", json={"inputs": parts}).json()["vectors"])
    total = vectors[0] + 0.5 * vectors[1]
    version = client.get("/v1/index").json()["model_version"]
    query = [{"part": parts[0]}, {"part": parts[1], "weight": 0.5}]
    summed = {"kind": "vector", "values": total.tolist(), "model_version": version}

    composed = client.post("/v1/search", json={"query": query}).json()["hits"]
    by_hand = ask(client, summed).json()["hits"]

    assert [hit["id"] for hit in composed] == [hit["id"] for hit in by_hand]
    assert composed[0]["score"] == pytest.approx(by_hand[0]["score"], abs=1e-3)


def test_filters_narrow_and_exact_agrees(client):
    hits = ask(client, text("red"), filters={"first.colour": "red"}, limit=20).json()["hits"]
    exact = ask(client, text("red"), filters={"first.colour": "red"}, limit=20, exact=True)

    assert hits
    assert {hit["attributes"]["first.colour"] for hit in hits} == {"red"}
    assert exact.json()["hits"] == hits


def test_a_document_can_be_put_found_read_and_removed(client):
    new = {"id": "mine", "caption": "a red disc", "image": PICTURE, "attributes": {"who": "me"}}
    added = client.post("/v1/documents", json=new)
    assert added.status_code == 201
    assert added.json()["modalities"] == ["image", "text"]

    found = ask(client, {"kind": "image", "data": PICTURE}, filters={"who": "me"}).json()["hits"]
    assert [hit["id"] for hit in found] == ["mine"]
    assert found[0]["score"] == pytest.approx(1, abs=1e-4)
    picture = client.get("/v1/documents/mine/image")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content == base64.b64decode(PICTURE)
    assert client.get("/v1/documents/mine/sound").status_code == 404
    documented = client.get("/openapi.json").json()["paths"]["/v1/documents/{document}/{part}"]
    sounding = client.get("/v1/documents/test-00001/sound").headers["content-type"]
    assert {"image/png", sounding} <= documented["get"]["responses"]["200"]["content"].keys()
    assert client.get("/v1/documents/mine").json()["caption"] == "a red disc"

    assert client.delete("/v1/documents/mine").status_code == 200
    assert client.get("/v1/documents/mine").status_code == 404
    assert client.delete("/v1/documents/mine").status_code == 404
    assert ask(client, text("red"), filters={"who": "me"}).json()["hits"] == []


def test_the_same_key_writes_once(client):
    headers = {"Idempotency-Key": "key-1"}
    first = client.post("/v1/documents", json={"caption": "once"}, headers=headers)
    client.delete(f"/v1/documents/{first.json()['id']}")
    again = client.post("/v1/documents", json={"caption": "once"}, headers=headers)
    other = client.post("/v1/documents", json={"caption": "twice"}, headers=headers)

    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert client.get(f"/v1/documents/{first.json()['id']}").status_code == 404
    assert other.status_code == 422


def test_pages_run_through_all_documents(client):
    seen, cursor = [], None
    while True:
        query = {"limit": 25, **({"cursor": cursor} if cursor else {})}
        page = client.get("/v1/documents", params=query).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == [f"test-{n:05d}" for n in range(64)]


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("image", b"no picture at all", "no picture"),
        ("image", png((64, 64))[:-30], "damaged"),
        ("image", png((3, 3)), "too small"),
        ("image", png((600, 600)), "pixels"),
        ("sound", b"no sound at all", "no sound"),
        ("sound", None, "seconds"),
    ],
    ids=["text", "cut", "tiny", "huge", "silent", "long"],
)
def test_a_bad_file_is_refused_with_the_reason(app_factory, kind, data, says):
    if data is None:
        target = io.BytesIO()
        soundfile.write(target, np.zeros(20_000, np.float32), 8_000, format="WAV")
        data = target.getvalue()
    with TestClient(app_factory(max_pixels=100_000, max_sound_seconds=2)) as client:
        for answer in (
            ask(client, {"kind": kind, "data": in_base64(data)}),
            client.post("/v1/documents", json={"caption": "x", kind: in_base64(data)}),
        ):
            assert answer.status_code == 422
            assert answer.headers["content-type"] == "application/problem+json"
            assert says in answer.json()["detail"]
        assert client.get("/v1/index").json()["documents"] == 64


def test_a_body_that_is_too_large_is_refused(app_factory):
    with TestClient(app_factory(max_body_bytes=10_000)) as client:
        assert ask(client, {"kind": "image", "data": "A" * 20_000}).status_code == 413


def test_vectors_and_versions_of_another_model_are_refused(client):
    stale = {"kind": "vector", "values": [1.0] * 32, "model_version": "0" * 16}
    for answer in (
        ask(client, stale),
        ask(client, text("x"), model_version="0" * 16),
        client.post("/v1/embed", json={"inputs": [text("x")], "model_version": "0" * 16}),
        client.post("/v1/documents", json={"caption": "x", "model_version": "0" * 16}),
    ):
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:problem:model-mismatch"
    version = client.get("/v1/index").json()["model_version"]
    short = {"kind": "vector", "values": [1.0], "model_version": version}
    assert ask(client, short).json()["type"] == "urn:problem:bad-vector"


@pytest.mark.parametrize(
    ("words", "options"), [("", {}), (" \n", {}), ("red", {"limit": True}), ("red", {"limit": 1.5})]
)
def test_a_question_that_says_nothing_is_refused(client, words, options):
    assert ask(client, text(words), **options).status_code == 422


def test_parts_that_cancel_out_are_told_so(client):
    query = [{"part": text("red")}, {"part": text("red"), "weight": -1}]

    answer = client.post("/v1/search", json={"query": query})

    assert answer.json()["type"] == "urn:problem:empty-query"


def test_an_explanation_weighs_each_word_and_region(client):
    query = [{"part": text("a red circle above a star")}]
    answer = client.post("/v1/explain", json={"query": query, "document": "test-00001"}).json()
    hits = ask(client, text("a red circle above a star"), limit=64).json()["hits"]

    assert [one["word"] for one in answer["words"]] == ["a", "red", "circle", "above", "a", "star"]
    assert np.array(answer["regions"]).shape == (8, 8)
    (same,) = [hit for hit in hits if hit["id"] == "test-00001"]
    assert answer["score"] == pytest.approx(same["score"], abs=1e-4)


def test_the_map_places_each_document_once(client):
    found = client.get("/v1/map", params={"limit": 40}).json()

    assert len({point["id"] for point in found["points"]}) == 40
    assert 0 < found["explained"] <= 1


def test_recall_is_measured_on_the_live_index(client):
    found = client.get("/v1/index/recall").json()

    assert found["searches"] == 64
    assert found["recall_at_10"] == 1


@pytest.fixture
def second_model(workspace, monkeypatch):
    """Another version, of the same weights, registered and not serving; its id."""
    registry = Registry(workspace / "registry")
    first = registry.current()
    run = first.manifest.model_copy(update={"seed": first.manifest.seed + 1})
    made = registry.register({name: first.path(name) for name in first.files}, run)
    assert made != first.id
    monkeypatch.setattr("portfolio_project.train.GATE", lambda *_: ())
    return made


def test_another_model_takes_over_with_its_own_vectors_and_no_failed_search(second_model, client):
    before = client.get("/v1/index").json()
    answers, stop = [], threading.Event()

    def search():
        while not stop.is_set():
            answers.append(ask(client, text("a red circle")))

    thread = threading.Thread(target=search)
    thread.start()
    promoted = client.post(f"/v1/models/{second_model}/promote")
    stop.set()
    thread.join()

    assert promoted.status_code == 200, promoted.json()
    listed = client.get("/v1/models").json()
    assert [one["version"] for one in listed["models"] if one["serving"]] == [second_model]
    assert listed["history"][0]["action"] == "promoted"
    after = client.get("/v1/index").json()
    assert {answer.status_code for answer in answers} == {200}
    assert after["model_version"] == second_model
    assert after["serving"]
    assert after["vectors"] == before["vectors"]
    assert client.post("/v1/models/rollback").json()["version"] == before["model_version"]
    assert ask(client, text("red")).json()["model_version"] == before["model_version"]
    assert client.get("/v1/index").json()["serving"]


def test_a_restored_index_of_another_model_is_refused_until_it_is_rebuilt(
    client, workspace, tmp_path
):
    elsewhere = EmbeddedIndex(tmp_path / "elsewhere")
    elsewhere.rebuild("another-model", 32, lambda documents: [{} for _ in documents])
    elsewhere.snapshot(tmp_path / "foreign")
    elsewhere.close()
    assert ask(client, text("red")).status_code == 200

    mine = EmbeddedIndex(workspace / "index")
    mine.restore(tmp_path / "foreign")
    mine.close()
    answer = ask(client, text("red"))

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:problem:index-mismatch"
    assert client.post("/v1/index/rebuild").status_code == 200
    assert ask(client, text("red")).status_code == 200


def test_the_same_api_runs_on_postgres(app_factory, postgres):
    with TestClient(app_factory(index_url=postgres)) as client:
        assert client.get("/v1/index").json()["documents"] == 0
        new = {"id": "mine", "caption": "a red disc", "image": PICTURE}
        assert client.post("/v1/documents", json=new).status_code == 201
        assert ask(client, text("red")).json()["hits"][0]["id"] == "mine"
