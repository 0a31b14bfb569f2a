"""Attributes of one's own data: found at ingest, learnt, exported, searched by, and refused."""

import json

import numpy as np
import pytest
from own_data import good_files, good_rows, picture, write_folder, write_tar
from starlette.testclient import TestClient

from portfolio_project import fitting, indexing, ingest, train
from portfolio_project.api import create_app
from portfolio_project.columns import Columns
from portfolio_project.config import load_config
from portfolio_project.data.dataset import DatasetError, read_split
from portfolio_project.embedder import Embedder, UnknownAttributes
from portfolio_project.evaluation.measure import measure
from portfolio_project.evaluation.retrieval import ranks
from portfolio_project.index import EmbeddedIndex
from portfolio_project.preprocess import Limits
from portfolio_project.provenance import DeadLetters, Registry, read_run
from portfolio_project.serving import load_settings
from portfolio_project.settings import Settings

TINY = load_config("tiny")
COUNT = 60
SHADES, NUMBERS = ("dark", "light"), ("0", "1", "2", "3")


def config_of(*columns):
    changed = {"modalities": ("image", "text", "attributes"), "attributes": columns}
    return TINY.model_copy(update={"model": TINY.model.model_copy(update=changed)})


CONFIG = config_of("shade", "number")


def rows_with_attributes(count=COUNT):
    return [
        row | {"shade": SHADES[i % 2], "number": NUMBERS[i % 4], "id": str(i)}
        for i, row in enumerate(good_rows(count))
    ]


def take_in(given, folder, config=CONFIG):
    return ingest.ingest_own(str(given), config, folder, Limits())


def letters(folder):
    return {letter.line: letter.reason for letter in DeadLetters(folder / "dead-letters.jsonl")}


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """A data folder with own data that have attributes, a model that learnt them, and an index."""
    folder = tmp_path_factory.mktemp("own") / "var"
    source = write_folder(folder.parent / "mine", rows_with_attributes(), good_files(COUNT))
    take_in(source, folder / "data")
    fitting.produce(folder / "data", folder / "models" / "tiny", CONFIG, lambda *_: None)
    registry = Registry(folder / "registry")
    # Sixty pictures need not be enough for the gate.
    train.register(registry, folder / "models" / "tiny", lambda *_: ())
    index = EmbeddedIndex(folder / "index")
    settings = load_settings(Settings, data_dir=folder)
    indexing.build(settings, index, indexing.default_splits(settings.dataset_dir), 0)
    index.close()
    return folder


@pytest.fixture
def client(learnt):
    settings = load_settings(Settings, data_dir=learnt, rate_limit="100000/second")
    with TestClient(create_app(settings)) as opened:
        yield opened


def ask(client, values, **options):
    query = [{"part": {"kind": "attributes", "values": values}}]
    return client.post("/v1/search", json={"query": query, **options})


def test_ingest_finds_the_categories_and_keeps_them_with_the_data(learnt):
    found = Columns.of({"shade": SHADES, "number": NUMBERS})
    for split in ("train", "validation", "test"):
        data = read_split(learnt / "data" / split)
        assert data.columns == found
        assert data.modalities() == ("image", "text", "attributes")
        for row, facets in zip(data.attributes.tolist(), data.facets, strict=True):
            assert data.columns.told(row).items() <= facets.items()
    manifest = read_run(learnt / "data" / "run.json")
    assert manifest.config["attributes"] == {"number": list(NUMBERS), "shade": list(SHADES)}
    assert "train/columns.json" in manifest.outputs


def test_the_exported_model_knows_its_columns_and_embeds_what_they_can_say(learnt):
    embedder = Embedder.of(Registry(learnt / "registry").current())
    assert embedder.columns.allowed() == {"shade": list(SHADES), "number": list(NUMBERS)}
    told = [{"shade": shade, "number": number} for shade in SHADES for number in NUMBERS]
    vectors = embedder.attributes(told)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)
    assert len(np.unique(vectors.round(4), axis=0)) == len(told)
    with pytest.raises(UnknownAttributes, match="no 'grey'; shade is one of dark, light"):
        embedder.attributes([{"shade": "grey", "number": "0"}])


def test_documents_are_found_by_what_their_attributes_say(client):
    assert client.get("/v1/index").json()["vectors"]["attributes"] == COUNT

    hits = ask(client, {"shade": "light", "number": "3"}, target="attributes", limit=5).json()

    for hit in hits["hits"]:
        assert hit["score"] == pytest.approx(1, abs=1e-3)
        assert (hit["attributes"]["shade"], hit["attributes"]["number"]) == ("light", "3")


def test_attributes_find_pictures_and_filters_still_narrow(client):
    values = {"shade": "dark", "number": "2"}
    hits = ask(client, values, filters={"shade": "light"}, limit=20).json()["hits"]

    assert hits
    assert {hit["attributes"]["shade"] for hit in hits} == {"light"}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"shade": "grey", "number": "1"}, "no 'grey'; shade is one of dark, light"),
        ({"shade": "dark"}, "number is missing; number is one of 0, 1, 2, 3"),
        ({"shade": "dark", "number": "1", "id": "1"}, "there is no 'id', only shade, number"),
        ({}, "shade is missing"),
    ],
)
def test_what_the_model_never_learnt_is_refused_and_what_it_knows_is_named(client, values, says):
    answer = ask(client, values)

    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"] == "urn:problem:unknown-attributes"
    assert says in problem["detail"]
    assert problem["attributes"] == {"shade": list(SHADES), "number": list(NUMBERS)}


def test_a_scene_of_the_world_is_no_row_of_this_model(client):
    scene = {
        "first": {"colour": "red", "shape": "circle"},
        "second": {"colour": "blue", "shape": "star"},
    }
    part = {"kind": "attributes", "scene": scene}
    answer = client.post("/v1/search", json={"query": [{"part": part}]})

    assert answer.json()["type"] == "urn:problem:unknown-attributes"


def test_a_document_that_says_all_attributes_can_be_found_by_them(client):
    new = {"id": "mine", "attributes": {"shade": "dark", "number": "1"}, "caption": "mine"}
    added = client.post("/v1/documents", json=new).json()
    part = client.post("/v1/documents", json={**new, "id": "less", "attributes": {"shade": "dark"}})
    client.delete("/v1/documents/mine")
    client.delete("/v1/documents/less")

    assert added["modalities"] == ["attributes", "text"]
    assert part.json()["modalities"] == ["text"]


def test_samples_that_nothing_tells_apart_count_as_one_answer(learnt):
    embedder = Embedder.of(Registry(learnt / "registry").current())
    report = measure(embedder, embedder, learnt / "data").report
    by_direction = {row["direction"]: row for row in report["retrieval"]}

    assert len(by_direction) == 6
    assert report["zero_shot"] == []
    assert by_direction["attributes → image"]["chance"] > report["chance_recall_at_1"]
    assert "chance" not in by_direction["text → image"]
    queries, kinds = np.eye(3, dtype=np.float32)[[0, 0, 2]], np.array([7, 7, 8])
    assert ranks(queries, queries).tolist() == [1, 1, 0]
    assert ranks(queries, queries, kinds).tolist() == [0, 0, 0]


def test_a_sample_without_an_attribute_is_refused_alone(tmp_path):
    rows = rows_with_attributes(40)
    rows[3]["shade"] = " "
    take_in(write_folder(tmp_path / "mine", rows, good_files(40)), tmp_path / "data")

    assert letters(tmp_path / "data") == {5: "attributes: shade is missing or empty"}


def test_what_training_never_saw_is_not_tested(tmp_path):
    rows = [row | {"split": "test" if i < 9 else ""} for i, row in enumerate(good_rows(60))]
    rows = [row | {"shade": "odd" if i == 2 else SHADES[i % 2]} for i, row in enumerate(rows)]
    folder = write_folder(tmp_path / "mine", rows, good_files(60))
    take_in(folder, tmp_path / "data", config_of("shade"))

    reason = "attributes: in the split train there is no 'odd'; shade is one of dark, light"
    assert letters(tmp_path / "data") == {4: reason}


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ((), r'name the columns that they stand in, under \[model\]: attributes = \["\.\.\."\]'),
        (("id",), "the attribute id has .* values, and a column of categories at most 64"),
        (("shape",), "120 refused, which leaves the split train empty"),
    ],
)
def test_columns_that_cannot_be_learnt_are_told_in_one_line(tmp_path, columns, says):
    folder = write_folder(tmp_path / "mine", rows_with_attributes(120), good_files(120))
    with pytest.raises(DatasetError, match=says) as told:
        take_in(folder, tmp_path / "data", config_of(*columns))
    assert "\n" not in str(told.value)


def test_a_configuration_of_other_columns_asks_for_an_ingestion(learnt, tmp_path):
    with pytest.raises(DatasetError, match=r"have the attributes shade, number, and .* names id;"):
        fitting.produce(learnt / "data", tmp_path / "m", config_of("id"), lambda *_: None)


def test_shards_bring_attributes_in_their_json(tmp_path):
    files = {}
    for index, row in enumerate(rows_with_attributes(40)):
        told = {name: row[name] for name in ("caption", "shade", "number")}
        files |= {f"{index:03}.png": picture(index), f"{index:03}.json": json.dumps(told).encode()}
    done = take_in(write_tar(tmp_path / "mine.tar", files), tmp_path / "data")

    assert done.refused == 0
    assert read_split(tmp_path / "data" / "train").columns.names == ("shade", "number")


def test_a_data_set_of_hugging_face_brings_attributes_in_its_columns(tmp_path):
    datasets = pytest.importorskip("datasets", reason="the extra `huggingface` is not installed")
    datasets.disable_progress_bars()
    rows = rows_with_attributes(40)
    content = {
        "image": [{"bytes": picture(index), "path": None} for index in range(40)],
        "caption": [row["caption"] for row in rows],
        "shade": [SHADES.index(row["shade"]) for row in rows],
        "number": [int(row["number"]) for row in rows],
    }
    features = {
        "image": datasets.Image(),
        "caption": datasets.Value("string"),
        "shade": datasets.ClassLabel(names=list(SHADES)),
        "number": datasets.Value("int64"),
    }
    whole = datasets.Dataset.from_dict(content, features=datasets.Features(features))
    whole.save_to_disk(tmp_path / "saved")
    take_in(f"huggingface:{tmp_path / 'saved'}", tmp_path / "data")

    found = Columns.of({"shade": SHADES, "number": NUMBERS})
    assert read_split(tmp_path / "data" / "train").columns == found
