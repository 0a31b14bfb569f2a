"""What is ingested is what the index holds, beside what others put there."""

import shutil

import pytest
from own_data import good_files, good_rows, write_folder

from portfolio_project import indexing, ingest
from portfolio_project.config import load_config
from portfolio_project.index import Document, EmbeddedIndex, Entry
from portfolio_project.preprocess import Limits

TINY = load_config("tiny")
SEES = TINY.model_copy(
    update={"model": TINY.model.model_copy(update={"modalities": ("image", "text")})}
)


@pytest.fixture
def index(workspace):
    made = EmbeddedIndex(workspace / "index")
    yield made
    made.close()


def held(index):
    return {one.id: one.caption for one in index.page("", 1_000)}


def test_other_data_take_the_place_of_those_before_and_of_nothing_else(
    index, workspace, make_settings, tmp_path
):
    model = index.state().model
    assert len(held(index)) == 64
    theirs = Document("theirs", "put here by the API")
    vectors = {"image": index.vector("test-00003", "image", model)}
    index.upsert([Entry(theirs, vectors)], model)

    shutil.rmtree(workspace / "data")
    source = write_folder(tmp_path / "mine", good_rows(40), good_files(40))
    ingest.ingest_own(str(source), SEES, workspace / "data", Limits())
    lines = list(indexing.run(make_settings(), index, [], 0))

    found = held(index)
    assert found.pop("theirs") == theirs.caption
    assert sorted(found.values()) == sorted(row["caption"] for row in good_rows(40))
    assert lines[0].startswith("64 documents of data that are no longer in ")


def test_the_same_data_again_change_nothing(index, make_settings):
    before = held(index)
    (line,) = indexing.run(make_settings(), index, [], 0)
    assert held(index) == before
    assert line.startswith("64 documents of test indexed; the index holds 64")
