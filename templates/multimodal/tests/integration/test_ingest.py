"""From a folder of one's own to splits on disk: whole, sorted, without leaks, twice the same."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from own_data import (
    caption,
    good_files,
    good_rows,
    noise,
    picture,
    shard_files,
    sound,
    write_folder,
    write_tar,
)

from portfolio_project import cli, ingest
from portfolio_project.config import load_config
from portfolio_project.data.dataset import DatasetError, read_split
from portfolio_project.data.staging import replacing
from portfolio_project.preprocess import Limits
from portfolio_project.provenance import DeadLetters, read_run

DEFAULT = load_config("default")
SPLITS = ("train", "validation", "test")


def take_in(given: Path, folder: Path, config=DEFAULT) -> ingest.Ingested:
    return ingest.ingest_own(str(given), config, folder, Limits())


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in {".npy", ".json"} and "run" not in path.name
    }


def letters(folder: Path) -> dict[int, str]:
    return {letter.line: letter.reason for letter in DeadLetters(folder / "dead-letters.jsonl")}


def samples(folder: Path) -> dict[str, set[tuple[str, bytes]]]:
    found = {}
    for split in SPLITS:
        data = read_split(folder / split)
        pairs = zip(data.captions, data.images, strict=True)
        found[split] = {(text, image.tobytes()) for text, image in pairs}
    return found


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run a command in `tmp_path`; returns exit code, stdout and stderr."""

    def run(*arguments: str):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["it", *arguments])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        return ending.value.code or 0, *capsys.readouterr()

    return run


def test_what_is_good_is_taken_and_what_is_bad_is_told(tmp_path):
    rows = good_rows(40)
    bad = [
        {"image": "pictures/torn.jpg", "caption": "torn"},
        {"image": "pictures/none.png", "caption": "none"},
        {"image": "../secret.png", "caption": "secret"},
        {"image": "pictures/1.png", "caption": " "},
        {"image": "pictures/again.png", "caption": caption(2)},
        {"image": "pictures/flat.png", "caption": "flat"},
    ]
    files = good_files(40) | {
        "pictures/torn.jpg": picture(0, form="JPEG")[:500],
        "pictures/again.png": picture(2),
        "pictures/flat.png": b"",
    }
    done = take_in(write_folder(tmp_path / "mine", rows + bad, files), tmp_path / "data")
    assert sum(done.splits.values()) == 40
    assert done.refused == len(bad)
    told = letters(tmp_path / "data")
    assert sorted(told) == list(range(42, 48))
    assert "the picture is damaged" in told[42]
    assert told[46] == "a duplicate of pictures/2.png (captions.csv, 4)"
    manifest = read_run(tmp_path / "data" / "run.json")
    assert manifest.metrics["refused"] == len(bad)
    assert set(manifest.inputs) == {"captions.csv"}
    assert "dead-letters.jsonl" in manifest.outputs


def test_order_source_and_workers_change_no_byte(tmp_path, monkeypatch):
    rows, files = good_rows(40), good_files(40)
    take_in(write_folder(tmp_path / "there", rows, files), tmp_path / "one")
    take_in(write_folder(tmp_path / "back", rows[::-1], files), tmp_path / "two")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    take_in(write_tar(tmp_path / "all.tar", shard_files(range(40))), tmp_path / "three")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "three")


def test_a_picture_stays_in_its_split_when_others_join(tmp_path):
    take_in(write_folder(tmp_path / "few", good_rows(40), good_files(40)), tmp_path / "one")
    take_in(write_folder(tmp_path / "many", good_rows(80), good_files(80)), tmp_path / "two")
    few, many = samples(tmp_path / "one"), samples(tmp_path / "two")
    assert all(few[split] <= many[split] for split in SPLITS)


def test_splits_that_a_table_names_are_kept_and_the_others_filled(tmp_path):
    rows = [row | {"split": "test" if i < 10 else ""} for i, row in enumerate(good_rows(60))]
    take_in(write_folder(tmp_path / "mine", rows, good_files(60)), tmp_path / "data")
    assert set(read_split(tmp_path / "data" / "test").captions) == {caption(i) for i in range(10)}
    assert len(read_split(tmp_path / "data" / "validation")) > 0


def test_no_picture_is_in_two_splits_also_when_the_table_says_so(tmp_path):
    rows = [row | {"split": "test" if i < 10 else "train"} for i, row in enumerate(good_rows(60))]
    rows += [{"image": "pictures/3.png", "caption": "again", "split": "train"}]
    take_in(write_folder(tmp_path / "mine", rows, good_files(60)), tmp_path / "data")
    assert letters(tmp_path / "data") == {62: "the same picture is in the split test"}
    assert read_run(tmp_path / "data" / "run.json").metrics["leaking"] == 1


def test_a_picture_saved_again_does_not_leak_from_train_into_test(tmp_path):
    rows = [row | {"split": "test" if i < 10 else "train"} for i, row in enumerate(good_rows(60))]
    rows += [{"image": "pictures/again.jpg", "caption": "again", "split": "test"}]
    files = good_files(60) | {"pictures/again.jpg": picture(20, side=128, form="JPEG")}
    take_in(write_folder(tmp_path / "mine", rows, files), tmp_path / "data")
    reason = "nearly the same picture as pictures/20.png (captions.csv, 22), in the split train"
    assert letters(tmp_path / "data") == {62: reason}
    metrics = read_run(tmp_path / "data" / "run.json").metrics
    assert (metrics["leaking"], metrics["near_pictures_test"]) == (1, 0)


def test_several_captions_of_a_picture_are_all_trained_on_and_one_is_tested(tmp_path):
    rows = good_rows(40)
    rows += [row | {"caption": f"also {row['caption']}"} for row in rows]
    done = take_in(write_folder(tmp_path / "mine", rows, good_files(40)), tmp_path / "data")
    found = samples(tmp_path / "data")
    pictures = {split: {image for _, image in pairs} for split, pairs in found.items()}
    assert len(found["train"]) == 2 * len(pictures["train"])
    assert len(found["test"]) == len(pictures["test"])
    assert not pictures["train"] & (pictures["test"] | pictures["validation"])
    left_out = read_run(tmp_path / "data" / "run.json").metrics["further_captions"]
    assert left_out + sum(done.splits.values()) == 80


def test_sounds_are_kept_for_a_model_that_hears(tmp_path):
    three = load_config("three")
    hears = three.model_copy(
        update={"model": three.model.model_copy(update={"modalities": ("image", "text", "sound")})}
    )
    rows = [row | {"sound": f"{i}.wav" if i else ""} for i, row in enumerate(good_rows(40))]
    files = good_files(40) | {f"{i}.wav": sound(i) for i in range(40)}
    folder = write_folder(tmp_path / "mine", rows, files)
    take_in(folder, tmp_path / "data", hears)
    assert letters(tmp_path / "data") == {2: "sound: missing; this configuration hears"}
    assert read_split(tmp_path / "data" / "train").modalities() == ("image", "text", "sound")


def test_other_columns_are_kept_beside_their_pictures_whatever_the_order(tmp_path):
    rows = [row | {"number": str(i), "odd": "x" * (i % 2)} for i, row in enumerate(good_rows(40))]
    take_in(write_folder(tmp_path / "mine", rows, good_files(40)), tmp_path / "data")
    numbers = {caption(i): i for i in range(40)}
    for split in SPLITS:
        data = read_split(tmp_path / "data" / split)
        for told, facets in zip(data.captions, data.facets, strict=True):
            number = numbers[told]
            assert facets == {"number": str(number)} | ({"odd": "x"} if number % 2 else {})
    assert "test/facets.json" in read_run(tmp_path / "data" / "run.json").outputs


def test_too_few_pictures_leave_the_old_data_and_say_why(tmp_path):
    good = write_folder(tmp_path / "mine", good_rows(40), good_files(40))
    take_in(good, tmp_path / "data")
    before = bytes_of(tmp_path / "data")
    rows = [*good_rows(2), {"image": "pictures/none.png", "caption": "none"}]
    with pytest.raises(DatasetError) as told:
        take_in(write_folder(tmp_path / "few", rows, good_files(2)), tmp_path / "data")
    assert "2 samples were taken and 1 refused, which leaves the split" in str(told.value)
    assert (tmp_path / "refused-dead-letters.jsonl").read_text().count("\n") == 1
    assert bytes_of(tmp_path / "data") == before
    assert not list(tmp_path.glob("data.*w")) + list(tmp_path.glob("data.old"))


def test_two_cannot_write_the_same_data_at_once(tmp_path):
    with replacing(tmp_path / "data"):
        folder = write_folder(tmp_path / "mine", good_rows(2), good_files(2))
        with pytest.raises(DatasetError, match="another process is writing"):
            take_in(folder, tmp_path / "data")


def test_pictures_lie_on_disk_at_the_side_of_the_model_and_nothing_else_does(tmp_path):
    rows, files = good_rows(40), good_files(40)
    files["pictures/0.png"] = picture(0, side=600)
    take_in(write_folder(tmp_path / "mine", rows, files), tmp_path / "data")
    images = read_split(tmp_path / "data" / "train").images
    assert isinstance(images, np.memmap)
    assert images.shape[1:] == (64, 64, 3)
    assert not list((tmp_path / "data").glob("*.scratch"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none"], "there are no data at none"),
        (["https://x.example/a.tar"], "is not fetched: download it"),
        (["--config", "huge"], "there is no configuration 'huge'"),
        (["noise.png"], "there are no data at noise.png"),
        (["a", "b"], "unexpected extra argument"),
    ],
)
def test_bad_input_to_the_command_gets_one_line(tmp_path, command, arguments, words):
    (tmp_path / "noise.png").write_bytes(noise(8).tobytes())
    code, _, told = command("ingest", *arguments)
    assert code == 2
    assert words in told
    assert told.count("\n") == 1
    assert not (tmp_path / "var" / "data").exists()


def test_the_command_tells_what_came_of_it(tmp_path, command):
    rows = [*good_rows(40), {"image": "pictures/none.png", "caption": "none"}]
    write_folder(tmp_path / "mine", rows, good_files(40))
    code, said, told = command("ingest", "mine")
    assert (code, told) == (0, "")
    assert "1 refused; " in said
    counts = json.loads((tmp_path / "var" / "data" / "run.json").read_bytes())["metrics"]
    for split in SPLITS:
        assert f"{counts[f'samples_{split}']:.0f} {split}" in said
