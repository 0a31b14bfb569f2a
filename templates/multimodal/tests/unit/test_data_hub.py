"""Data sets of Hugging Face, read from this disk: columns are found, cells come undecoded."""

import sys

import pytest
from own_data import caption, picture, sound

from portfolio_project.data.dataset import DatasetError
from portfolio_project.data.hub import read_hub

datasets = pytest.importorskip("datasets", reason="the extra `huggingface` is not installed")
FEATURES = {"image": datasets.Image(), "caption": datasets.Value("string")}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch, tmp_path):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def made(rows: dict, features: dict) -> "datasets.Dataset":
    return datasets.Dataset.from_dict(rows, features=datasets.Features(features))


def pictures(*indices: int) -> list[dict]:
    return [{"bytes": picture(index), "path": None} for index in indices]


def test_a_saved_data_set_is_read_undecoded_with_its_splits(tmp_path):
    captions = [caption(index) for index in range(3)]
    rows = {"image": pictures(0, 1, 2), "caption": captions, "id": [1, 2, 3]}
    rows["kind"] = [1, 0, -1]
    more = {"id": datasets.Value("int64"), "kind": datasets.ClassLabel(names=["cat", "dog"])}
    whole = made(rows, FEATURES | more)
    splits = {"train": whole.select([0, 1]), "dev": whole.select([2])}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    source = read_hub(str(tmp_path / "saved"))
    found = list(source.records)
    assert [record.image for record in found] == [picture(index) for index in range(3)]
    assert [record.told["caption"] for record in found] == captions
    assert [record.told["split"] for record in found] == ["train", "train", "validation"]
    assert [record.read for record in found] == [1, 2, 3]
    assert source.size == 3
    facets = [{"id": "1", "kind": "dog"}, {"id": "2", "kind": "cat"}, {"id": "3"}]
    assert [record.facets for record in found] == facets


def test_several_captions_of_a_row_and_sounds_are_taken(tmp_path):
    features = {
        "photo": datasets.Image(),
        "sentence": datasets.List(datasets.Value("string")),
        "noise": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")},
    }
    rows = {
        "photo": pictures(0),
        "sentence": [["a", "b"]],
        "noise": [{"bytes": sound(0), "path": None}],
    }
    heard = made(rows, features).cast_column("noise", datasets.Audio(decode=False))
    heard.save_to_disk(tmp_path / "saved")
    first, second = read_hub(str(tmp_path / "saved")).records
    assert (first.told["caption"], second.told["caption"]) == ("a", "b")
    assert first.sound == second.sound == sound(0)


def test_a_folder_of_parquet_files_is_loaded_as_a_data_set(tmp_path):
    (tmp_path / "mine").mkdir()
    rows = {"image": pictures(0), "caption": ["a"]}
    made(rows, FEATURES).to_parquet(tmp_path / "mine" / "train.parquet")
    [record] = read_hub(str(tmp_path / "mine")).records
    assert record.image == picture(0)


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ({"caption": datasets.Value("string")}, "has no column that is an Image: caption"),
        ({"image": datasets.Image()}, "has no column that is a text called caption or text"),
    ],
)
def test_a_data_set_without_pictures_or_captions_is_refused(tmp_path, features, words):
    rows = {"image": pictures(0), "caption": ["a"]}
    made({name: rows[name] for name in features}, features).save_to_disk(tmp_path / "saved")
    with pytest.raises(DatasetError, match=words):
        read_hub(str(tmp_path / "saved"))


def test_a_name_that_nobody_has_is_told_in_a_line():
    with pytest.raises(DatasetError) as told:
        read_hub("nobody/nothing")
    assert str(told.value).startswith("huggingface:nobody/nothing cannot be loaded: ")
    assert "\n" not in str(told.value)


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DatasetError, match="needs the extra `huggingface`"):
        read_hub("nobody/nothing")
