"""One index, two engines: what holds of the embedded one holds of PostgreSQL."""

import threading

import numpy as np
import pytest
from engines import DIM, ENGINES, MODEL, embed, empty_index, entry, vector

from portfolio_project.index import (
    Document,
    Entry,
    IndexCorruptError,
    Media,
    Query,
    VersionMismatchError,
    measure_recall,
)


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture
def index(engine, tmp_path, request):
    url = request.getfixturevalue("postgres") if engine == "postgres" else ""
    with empty_index(engine, tmp_path, url) as made:
        yield made


def near(number, **options):
    return Query(vector(number), MODEL, "image", **options)


def ids(hits):
    return [hit.id for hit in hits]


def test_what_was_written_is_found_with_its_cosine(index):
    index.upsert([entry(n) for n in range(30)], MODEL)

    hits = index.search(near(7, limit=5))

    assert hits[0].id == "doc-00007"
    assert hits[0].score == pytest.approx(1, abs=1e-5)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(hits) == 5


def test_a_second_write_of_a_document_replaces_all_of_it(index):
    index.upsert([entry(1, "image", "sound"), entry(2)], MODEL)
    index.upsert([entry(1, shift=100)], MODEL)

    assert ids(index.search(Query(vector(101), MODEL, "image", 1))) == ["doc-00001"]
    assert index.search(Query(vector(1), MODEL, "sound")) == []
    assert index.state().documents == 2
    assert index.state().vectors == {"image": 2}


def test_a_deleted_document_is_neither_found_nor_there(index):
    index.upsert([entry(n) for n in range(5)], MODEL)

    assert index.search(near(3))[0].id == "doc-00003"
    assert index.delete(["doc-00003", "nobody"]) == 1
    assert "doc-00003" not in ids(index.search(near(3)))
    assert index.get("doc-00003") is None
    assert index.vector("doc-00003", "image", MODEL) is None


def test_the_content_of_a_deleted_document_leaves_the_disk(tmp_path):
    secrets = [b"a caption to forget", b"an attribute to forget", 900 * b"a picture to forget"]
    caption, attribute, picture = secrets
    named = {"note": attribute.decode()}
    media = {"image": Media("image/png", picture)}
    document = Document("gone", caption.decode(), named, media)
    with empty_index("embedded", tmp_path, "") as index:
        index.upsert([entry(n) for n in range(20)], MODEL)
        index.upsert([Entry(document, {"image": vector(999)})], MODEL)
        index.delete(["gone"])
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"caption 7" in left
    for secret in (*secrets, picture[:200], vector(999).tobytes()):
        assert secret not in left


def test_filters_must_all_hold(index):
    index.upsert([entry(n) for n in range(60)], MODEL)

    hits = index.search(near(3, limit=60, filters={"colour": "red", "parity": "1"}))

    assert sorted(ids(hits)) == [f"doc-{n:05d}" for n in range(60) if n % 3 == 0 and n % 2 == 1]
    assert index.search(near(3, filters={"colour": "no such"})) == []


def test_a_modality_is_searched_alone(index):
    index.upsert([entry(1, "image"), entry(2, "sound"), entry(3, "image", "sound")], MODEL)

    assert sorted(ids(index.search(near(1)))) == ["doc-00001", "doc-00003"]
    assert sorted(ids(index.search(Query(vector(1), MODEL, "sound")))) == ["doc-00002", "doc-00003"]
    assert index.search(Query(vector(1), MODEL, "text")) == []


def test_documents_come_back_as_they_went_in(index):
    written = entry(4).document
    index.upsert([entry(4)], MODEL)

    assert index.get("doc-00004", media=True) == written
    assert dict(index.get("doc-00004").media) == {}
    np.testing.assert_array_equal(index.vector("doc-00004", "image", MODEL), vector(4))


def test_who_deletes_what_is_not_there_changes_nothing(index):
    index.upsert([entry(1)], MODEL)
    before = index.version()

    assert index.delete(["doc-00009"]) == 0
    assert index.version() == before


def test_a_snapshot_takes_the_place_of_no_other_file(index, tmp_path):
    index.upsert([entry(1)], MODEL)
    notes = tmp_path / "notes.md"
    notes.write_text("mine")

    with pytest.raises(IndexCorruptError, match="is there and no snapshot"):
        index.snapshot(notes)
    assert notes.read_text() == "mine"
    for _ in range(2):  # a snapshot may take the place of a snapshot
        index.snapshot(tmp_path / "one.snapshot")


def test_a_snapshot_does_not_take_the_place_of_its_index(tmp_path):
    with empty_index("embedded", tmp_path, "") as index:
        with pytest.raises(IndexCorruptError, match="is the index itself"):
            index.snapshot(tmp_path / "index" / "index.db")
        assert index.state().model == MODEL


def test_many_documents_are_fetched_at_once_and_those_that_are_gone_are_left_out(index):
    index.upsert([entry(n) for n in range(1, 5)], MODEL)
    index.delete(["doc-00003"])

    found = index.fetch(["doc-00004", "doc-00003", "doc-00001"])

    assert found == {name: index.get(name) for name in ("doc-00004", "doc-00001")}
    assert index.fetch([]) == {}


def test_pages_run_through_all_documents_in_order(index):
    index.upsert([entry(n) for n in (3, 1, 5, 2, 4)], MODEL)

    first = index.page("", 3)
    rest = index.page(first[-1].id, 3)

    assert [one.id for one in first + rest] == [f"doc-{n:05d}" for n in range(1, 6)]


def test_vectors_of_another_model_are_refused_everywhere(index):
    index.upsert([entry(1)], MODEL)
    other = Query(vector(1), "model-b", "image")

    for forbidden in (
        lambda: index.search(other),
        lambda: index.upsert([entry(2)], "model-b"),
        lambda: index.vector("doc-00001", "image", "model-b"),
        lambda: index.sample("image", "model-b", 5),
    ):
        with pytest.raises(VersionMismatchError, match=r"model-b.*model-a"):
            forbidden()
    assert index.state().documents == 1


def test_a_rebuild_answers_for_the_new_model_and_still_for_the_one_before(index):
    index.upsert([entry(n) for n in range(300)], MODEL)
    before = index.state()

    assert index.rebuild("model-b", DIM, embed) == 300

    after = index.state()
    assert (after.model, after.documents) == ("model-b", 300)
    assert after.version != before.version
    assert ids(index.search(Query(vector(1_000_007), "model-b", "image", 1))) == ["doc-00007"]
    assert ids(index.search(near(7, limit=1))) == ["doc-00007"]
    with pytest.raises(VersionMismatchError, match="model-b"):
        index.upsert([entry(301)], MODEL)
    assert index.rebuild("model-b", DIM, embed) == 0
    assert index.rebuild(MODEL, DIM, embed) == 0
    assert index.state().model == MODEL
    index.upsert([entry(301)], MODEL)


def test_searches_and_writes_go_on_while_it_is_rebuilt(index):
    index.upsert([entry(n) for n in range(200)], MODEL)
    failed, found, stop = [], [], threading.Event()

    def search():
        while not stop.is_set():
            try:
                found.append(index.search(near(5, limit=1))[0].id)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                failed.append(error)

    def embed_slowly(documents):
        if not index.get("doc-09000"):
            index.upsert([entry(9_000)], MODEL)
            index.delete(["doc-00199"])
        return embed(documents)

    thread = threading.Thread(target=search)
    thread.start()
    index.rebuild("model-b", DIM, embed_slowly)
    stop.set()
    thread.join()

    assert failed == []
    assert set(found) == {"doc-00005"}
    assert ids(index.search(Query(vector(1_009_000), "model-b", "image", 1))) == ["doc-09000"]
    assert index.state().vectors == {"image": 200}


def test_a_rebuild_that_broke_off_changes_nothing_and_is_taken_up(index):
    index.upsert([entry(n) for n in range(300)], MODEL)
    embedded = []

    def break_off(documents):
        if embedded:
            raise RuntimeError("the power went")
        embedded.extend(documents)
        return embed(documents)

    with pytest.raises(RuntimeError):
        index.rebuild("model-b", DIM, break_off)
    assert index.state().model == MODEL
    with pytest.raises(VersionMismatchError):
        index.search(Query(vector(1), "model-b", "image"))

    assert index.rebuild("model-b", DIM, embed) == 300 - len(embedded)
    assert index.state().model == "model-b"


def test_a_snapshot_brings_everything_back(index, tmp_path):
    index.upsert([entry(n, "image", "sound") for n in range(20)], MODEL)
    before = index.state()
    index.snapshot(tmp_path / "kept.snapshot")
    index.delete([f"doc-{n:05d}" for n in range(10)])
    index.upsert([entry(99)], MODEL)
    index.search(near(99))

    index.restore(tmp_path / "kept.snapshot")

    assert index.state().documents == 20
    assert index.state().vectors == before.vectors
    assert index.search(near(3, limit=1))[0].id == "doc-00003"
    assert "doc-00099" not in ids(index.search(near(99)))
    assert index.get("doc-00003", media=True) == entry(3).document
    index.upsert([entry(50)], MODEL)
    assert index.search(near(50, limit=1))[0].id == "doc-00050"


@pytest.mark.parametrize("damage", ["missing", "text", "cut", "another"])
def test_what_is_no_snapshot_is_refused_and_nothing_is_lost(index, tmp_path, damage):
    index.upsert([entry(n) for n in range(300)], MODEL)
    path = tmp_path / "kept.snapshot"
    index.snapshot(path)
    if damage == "missing":
        path.unlink()
    elif damage == "text":
        path.write_text("not a database")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        import sqlite3  # noqa: PLC0415

        path.unlink()
        sqlite3.connect(path).execute("CREATE TABLE t (x)").connection.close()

    with pytest.raises(IndexCorruptError):
        index.restore(path)

    assert index.state().documents == 300


def test_recall_is_measured_against_exact_search(index):
    index.upsert([entry(n) for n in range(400)], MODEL)

    found = measure_recall(index, MODEL, "image", 10)

    assert found.searches == 10
    assert found.recall >= 0.9
    assert measure_recall(index, MODEL, "text", 10).searches == 0


def test_many_writers_lose_nothing(index):
    def write(start):
        for n in range(start, start + 20):
            index.upsert([entry(n)], MODEL)

    threads = [threading.Thread(target=write, args=(100 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert index.state().documents == 80
    assert len(index.search(near(1, limit=100, exact=True))) == 80
