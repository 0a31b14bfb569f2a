"""What the door takes, and in which words it refuses the rest."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_data import noise, picture, sound
from PIL import Image

from portfolio_project.config import ModelConfig
from portfolio_project.data.door import Door, Refused, Taken
from portfolio_project.data.records import Record
from portfolio_project.preprocess import Limits

SEES = Door(ModelConfig(), Limits())
HEARS = Door(ModelConfig(modalities=("image", "text", "sound")), Limits(max_seconds=1))


def record(image: object = b"", caption: object = "a cat", **more: object) -> Record:
    told = {"caption": caption, **{k: v for k, v in more.items() if k == "split"}}
    return Record("captions.csv", 2, told, image or picture(0), more.get("sound"))


def saved(pixels: np.ndarray, form: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A small file that says in its head that its picture would not fit in memory."""
    file = bytearray(saved(noise(8)))
    file[16:24] = struct.pack(">II", width, height)
    file[29:33] = struct.pack(">I", zlib.crc32(file[12:29]))
    return bytes(file)


def test_a_picture_is_brought_to_the_side_of_the_model():
    taken = SEES.check(record(picture(0, side=150), "  two\n  words "))
    assert isinstance(taken, Taken)
    assert taken.image.shape == (64, 64, 3)
    assert (taken.caption, taken.split, taken.sound) == ("two words", "train", None)


def test_the_same_content_in_another_file_is_the_same_picture():
    as_png, as_bmp = (SEES.check(record(picture(1, form=form))) for form in ("PNG", "BMP"))
    assert as_png.picture == as_bmp.picture
    assert as_png.key == as_bmp.key
    assert as_png.key != SEES.check(record(picture(1), "a dog")).key


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (saved(noise(64), "JPEG")[:900], "image: the picture is damaged"),
        (saved(noise(64))[:-400], "image: the picture is damaged"),
        (b"GIF89a", "image: "),
        (b"<svg/>", "image: this is no picture"),
        (bomb(40_000, 40_000), "image: the picture has more than 25,000,000 pixels"),
        (saved(noise(4)), "too small to see anything"),
        (saved(noise(200)[:9]), "image: 200 x 9 is no shape"),
        (Path("none.png"), "image: there is no such file"),
        (Path(), "image: the file cannot be read"),
    ],
)
def test_a_picture_that_cannot_be_used_is_refused_with_the_reason(image, reason):
    refused = SEES.check(record(image))
    assert isinstance(refused, Refused)
    assert reason in refused.reason
    assert "\n" not in refused.reason


@pytest.mark.parametrize("caption", ["", "   ", "\n", None, "?!", "_"])
def test_a_sample_without_a_word_is_refused(caption):
    assert SEES.check(record(caption=caption)).reason.startswith("caption: ")


def test_a_file_that_is_too_large_is_not_even_read(tmp_path):
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(10**12)  # a sparse file: reading it would end the test run
    assert SEES.check(record(large)).reason == "image: the file has more than 10,000,000 bytes"


def test_a_split_that_there_is_not_is_refused():
    assert SEES.check(record(split="training")).reason.startswith("split: ")


def test_a_sound_is_asked_for_only_where_the_model_hears():
    assert isinstance(SEES.check(record(sound=b"noise")), Taken)
    assert HEARS.check(record(sound=sound(0))).sound.shape == (4_096,)
    assert HEARS.check(record()).reason == "sound: missing; this configuration hears"
    assert HEARS.check(record(sound=b"noise")).reason.startswith("sound: this is no sound")


@given(st.binary(max_size=300), st.text(max_size=20), st.sampled_from([b"", picture(0)[:60]]))
def test_whatever_comes_the_door_answers(data, caption, head):
    found = HEARS.check(record(head + data or b"x", caption, sound=data))
    assert isinstance(found, Refused)
    assert found.reason
