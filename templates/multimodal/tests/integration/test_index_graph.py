"""The approximate half of the embedded index: as good as exact, and never in its way."""

import threading

import numpy as np
import pytest
from engines import MODEL, embed, empty_index, entry, vector

from portfolio_project.index import EmbeddedIndex, Query, measure_recall

GRAPH_FROM = 200


@pytest.fixture
def index(tmp_path):
    with empty_index("embedded", tmp_path, "", graph_from=GRAPH_FROM) as made:
        yield made


def near(number, **options):
    return Query(vector(number), MODEL, "image", **options)


def grown(index, count=600):
    index.upsert([entry(n) for n in range(count)], MODEL)
    index.search(near(0))
    index.settle()
    return index


def test_the_graph_finds_what_exact_search_finds(index):
    assert measure_recall(grown(index), MODEL, "image", 40).recall >= 0.99


def test_what_came_after_the_graph_is_found_at_once(index):
    grown(index)
    index.upsert([entry(5_000)], MODEL)

    assert index.search(near(5_000, limit=1))[0].id == "doc-05000"


def test_what_is_gone_is_not_found_through_the_graph(index):
    grown(index)
    nearest = [hit.id for hit in index.search(near(8, limit=10))]
    index.delete(nearest)

    again = [hit.id for hit in index.search(near(8, limit=10))]

    assert len(again) == 10
    assert not set(nearest) & set(again)


@pytest.mark.parametrize("filters", [{"colour": "red"}, {"colour": "red", "parity": "1"}])
def test_a_filter_gets_its_full_number_of_hits(index, filters):
    grown(index)

    hits = index.search(near(9, limit=50, filters=filters))
    exact = index.search(near(9, limit=50, filters=filters, exact=True))

    assert len(hits) == 50
    assert len({hit.id for hit in hits} & {hit.id for hit in exact}) >= 48


def test_a_saved_graph_is_taken_up_and_a_damaged_one_is_made_again(index, tmp_path):
    grown(index)
    saved = list((tmp_path / "index" / "graphs").glob("*.usearch"))
    assert len(saved) == 1
    for damage in (None, b"nonsense"):
        if damage:
            saved[0].write_bytes(damage)
        again = EmbeddedIndex(tmp_path / "index", graph_from=GRAPH_FROM)
        assert again.search(near(5, limit=1))[0].id == "doc-00005"
        again.settle()
        again.close()
    assert next((tmp_path / "index" / "graphs").glob("*.usearch")).stat().st_size > 1_000


def test_two_processes_see_each_others_writes(index, tmp_path):
    other = EmbeddedIndex(tmp_path / "index", graph_from=GRAPH_FROM)
    grown(index)
    assert other.search(near(3, limit=1))[0].id == "doc-00003"

    other.delete(["doc-00003"])
    other.upsert([entry(7_000)], MODEL)
    assert index.search(near(3, limit=1))[0].id != "doc-00003"
    assert index.search(near(7_000, limit=1))[0].id == "doc-07000"

    index.snapshot(tmp_path / "kept")
    index.upsert([entry(8_000)], MODEL)
    other.search(near(8_000))
    index.restore(tmp_path / "kept")
    assert other.search(near(8_000, limit=1))[0].id != "doc-08000"
    other.close()


def test_searches_answer_while_the_graph_is_built(index):
    index.upsert([entry(n) for n in range(1_500)], MODEL)
    index.search(near(0))
    wrong = []

    def ask(number):
        if index.search(near(number, limit=1))[0].id != f"doc-{number:05d}":
            wrong.append(number)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(0, 1_500, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_model_of_another_width_gets_a_generation_of_its_own(index):
    index.upsert([entry(n) for n in range(300)], MODEL)

    def embed_wide(documents):
        return [{"image": np.pad(v["image"], (0, 16))} for v in embed(documents)]

    index.rebuild("wide", 32, embed_wide)

    found = index.search(Query(vector(1, 32), "wide", "image"))
    assert len(found) == 10
    assert index.state().dim == 32
