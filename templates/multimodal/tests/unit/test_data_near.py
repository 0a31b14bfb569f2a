"""Pictures that were only saved again are found; those that show something else are not."""

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from portfolio_project.data.near import near_matches
from portfolio_project.world import sample

PICTURES = np.stack([sample(3, "train", index).image for index in range(300)])


def saved_again(pixels: np.ndarray, quality: int, side: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).resize((side, side)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).resize(pixels.shape[:2]))


def test_no_two_different_scenes_are_near():
    others = np.stack([sample(3, "test", index).image for index in range(300)])
    assert (near_matches(others, PICTURES) == -1).all()


@settings(max_examples=25)
@given(
    st.integers(0, len(PICTURES) - 1),
    st.integers(80, 95),
    st.sampled_from([48, 64, 96, 128]),
    st.integers(-5, 5),
)
def test_a_picture_saved_again_scaled_or_made_lighter_is_near(index, quality, side, lighter):
    again = saved_again(PICTURES[index], quality, side).astype(np.int64) + lighter
    again = np.clip(again, 0, 255).astype(np.uint8)
    assert near_matches(again[None], PICTURES).tolist() == [index]


def test_another_colour_is_another_picture():
    plain = np.full((3, 64, 64, 3), 255, np.uint8)
    plain[0, 20:40, 20:40] = (220, 30, 30)
    plain[1, 20:40, 20:40] = (30, 30, 220)
    plain[2, 20:40, 20:40] = (220, 30, 30)
    assert near_matches(plain[:2], plain[2:]).tolist() == [0, -1]


def test_nothing_is_near_to_nothing():
    assert near_matches(PICTURES[:0], PICTURES).tolist() == []
    assert near_matches(PICTURES[:2], PICTURES[:0]).tolist() == [-1, -1]
