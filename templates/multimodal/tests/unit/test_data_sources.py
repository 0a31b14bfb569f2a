"""How tables, folders and tar files are read, before anything in them is looked at."""

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_data import caption, good_files, good_rows, picture, shard_files, write_folder, write_tar

from portfolio_project.data.dataset import DatasetError
from portfolio_project.data.own import open_source
from portfolio_project.preprocess import Limits

LIMITS = Limits(max_bytes=1_000_000)


def records(given: Path | str) -> list:
    return list(open_source(str(given), LIMITS).records)


def test_a_table_may_have_a_mark_at_its_start_other_columns_and_breaks_in_a_field(tmp_path):
    (tmp_path / "a.png").write_bytes(picture(0))
    text = '\ufeffid,file_name,text\n7,a.png,"one, two\u2028\nthree"\n'
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8")
    [record] = records(tmp_path)
    assert record.told == {"image": "a.png", "caption": "one, two\u2028\nthree"}
    assert record.facets == {"id": "7"}
    assert record.image == tmp_path / "a.png"


def test_lines_of_json_are_a_table_too_and_a_bad_line_is_refused_alone(tmp_path):
    (tmp_path / "a.png").write_bytes(picture(0))
    rows = ['{"image": "a.png", "caption": "x"}', "", "{broken", "[1]", '{"image": 3}', "[" * 9_999]
    (tmp_path / "mine.jsonl").write_text("\n".join(rows))
    found = records(tmp_path / "mine.jsonl")
    assert [record.line for record in found] == [1, 3, 4, 5, 6]
    faults = ["", *["the row is no object"] * 2, "image: give the name of a file"]
    assert [record.fault for record in found] == [*faults, "the row is no object"]


@pytest.mark.parametrize(
    "name",
    ["../outside.png", "/etc/hostname", "pictures/../../outside.png", "link.png", "way/o.png"],
)
def test_a_table_cannot_reach_out_of_its_folder(tmp_path, name):
    (tmp_path / "outside.png").write_bytes(picture(0))
    folder = tmp_path / "mine"
    (folder / "pictures").mkdir(parents=True)
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "way").symlink_to(tmp_path)
    write_folder(folder, [{"image": name, "caption": "x"}], {})
    [record] = records(folder)
    assert record.image is None
    assert record.fault == "image: the file lies outside of the folder"


@pytest.mark.parametrize("name", ["none.png", "pictures", "a\0b.png", "x" * 5_000, "~/a.png"])
def test_a_name_of_no_file_is_refused(tmp_path, name):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "t.jsonl").write_text(json.dumps({"image": name, "caption": "x"}))
    [record] = records(tmp_path)
    assert record.fault in {"image: there is no such file", "image: this is no name of a file"}


def test_a_text_beside_each_picture_does_as_well(tmp_path):
    files = {
        "cats/a.jpg": picture(0, form="JPEG"),
        "cats/a.txt": "a cat é".encode(),
        "b.PNG": picture(1),
        "b.txt": b"\xff\xfe not utf-8",
        "c.png": picture(2),
        "readme.md": b"#",
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    b, c, a = sorted(records(tmp_path), key=lambda record: str(record.told["image"]))
    assert (a.told["caption"], a.image, a.fault) == ("a cat é", tmp_path / "cats/a.jpg", "")
    assert b.fault == "caption: its file is no UTF-8 text"
    assert c.told["caption"] == ""


@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
def test_tar_shards_are_read_in_order_without_unpacking(tmp_path, ending):
    for number in range(2):
        write_tar(tmp_path / f"s-{number}{ending}", shard_files(range(number * 3, number * 3 + 3)))
    for source in (tmp_path, tmp_path / f"s-*{ending}"):
        found = records(source)
        assert [record.told["caption"] for record in found] == [caption(i) for i in range(6)]
        assert [record.image for record in found] == [picture(i) for i in range(6)]
        assert all(record.sound for record in found)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"s-0{ending}", f"s-1{ending}"]


def test_a_shard_may_tell_of_a_sample_in_json(tmp_path):
    told = {
        "caption": "x",
        "split": "test",
        "place": " by the\nsea",
        "size": [1],
        "long": "x" * 999,
    }
    files = {"a.b/001.jpg": b"1", "a.b/001.json": json.dumps(told).encode(), "002.json": b"[1]"}
    one, two = records(write_tar(tmp_path / "s.tar", files))
    assert one.told == {"image": "a.b/001", "caption": "x", "split": "test"}
    assert one.facets == {"place": "by the sea"}
    assert two.fault == "its text or JSON cannot be read"


def test_odd_members_of_a_tar_do_no_harm(tmp_path):
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind, size in (
            ("../../escape.png", tarfile.REGTYPE, 10),
            ("0001.png", tarfile.SYMTYPE, 0),
            ("0002", tarfile.REGTYPE, 1),
            ("0003.png", tarfile.REGTYPE, 2_000_000),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, size, "/etc/hostname"
            archive.addfile(member, io.BytesIO(bytes(size)))
    escape, large = records(path)
    assert escape.image == bytes(10)
    assert large.fault == "0003.png is larger than a file may be"
    assert not (tmp_path.parent.parent / "escape.png").exists()


def test_a_damaged_shard_gives_what_comes_before_the_damage(tmp_path):
    whole = write_tar(tmp_path / "s.tar", shard_files(range(4))).read_bytes()
    (tmp_path / "s.tar").write_bytes(whole[: len(whole) // 2])
    *good, last = records(tmp_path)
    assert [record.told["caption"] for record in good] == [caption(i) for i in range(len(good))]
    assert good
    assert last.fault.startswith("the tar file is damaged from here on")


@settings(max_examples=25)
@given(st.binary(max_size=2_000), st.booleans())
def test_a_file_that_is_no_tar_is_refused_and_not_more(tmp_path_factory, data, has_head):
    path = tmp_path_factory.getbasetemp() / f"{os.getpid()}.tar"
    head = write_tar(path, shard_files([0])).read_bytes()[:700] if has_head else b""
    path.write_bytes(head + data)
    for record in records(path):
        assert record.fault or record.image is None or data


def _file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _two_tables(folder: Path) -> Path:
    _file(folder / "a.csv", b"image,caption\n")
    _file(folder / "b.jsonl", b"")
    return folder


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: "none", "there are no data at none: give a folder of pictures"),
        (lambda _: "https://x.example/a.tar", "is not fetched: download it"),
        (lambda folder: folder, "has no captions: give a captions.csv"),
        (lambda folder: _file(folder / "a.csv", b"name,text\n"), "there is no column 'image'"),
        (
            lambda folder: _file(folder / "a.csv", b"image;caption\n"),
            "image;caption; it needs",
        ),
        (lambda _: " ", "the source has no name"),
        (lambda folder: _file(folder / "a.csv", b"\xff\xfe\0"), "is no UTF-8 text"),
        (lambda folder: _file(folder / "a.pdf", b"%PDF"), "there are no data at"),
        (_two_tables, "has several tables (a.csv, b.jsonl)"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(tmp_path, make, words):
    with pytest.raises(DatasetError) as told:
        records(make(tmp_path))
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_spaces_in_the_head_and_a_suffix_in_capitals_are_no_matter(tmp_path):
    write_folder(tmp_path, good_rows(3), good_files(3))
    text = (tmp_path / "captions.csv").read_text().replace("image,caption", "image, caption", 1)
    (tmp_path / "captions.csv").unlink()
    (tmp_path / "CAPTIONS.CSV").write_text(text)
    assert [one.told["caption"] for one in records(tmp_path)] == [caption(n) for n in range(3)]


def test_a_good_folder_gives_every_row(tmp_path):
    found = records(write_folder(tmp_path, good_rows(5), good_files(5)))
    assert [record.fault for record in found] == [""] * 5
    assert [record.read for record in found] == [1, 2, 3, 4, 5]
