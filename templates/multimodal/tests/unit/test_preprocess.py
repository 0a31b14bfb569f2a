"""Files to inputs: what is taken, what is refused and why."""

import io
import re
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from portfolio_project.preprocess import (
    BadMedia,
    Limits,
    SpectrogramParameters,
    decode_image,
    decode_sound,
    fit_image,
    resample,
    spectrogram,
)

LIMITS = Limits(max_bytes=200_000, max_pixels=1_000_000, max_seconds=2)
STATUS = Path("/proc/self/status")
PARAMETERS = SpectrogramParameters()


def png(image: Image.Image, **options) -> bytes:
    held = io.BytesIO()
    image.save(held, "PNG", **options)
    return held.getvalue()


def wav(samples: np.ndarray, rate: int = 8_000) -> bytes:
    held = io.BytesIO()
    soundfile.write(held, samples, rate, format="WAV")
    return held.getvalue()


def jpeg(image: Image.Image, **options) -> bytes:
    held = io.BytesIO()
    image.save(held, "JPEG", **options)
    return held.getvalue()


def scene(width: int, height: int) -> Image.Image:
    """A picture that is different everywhere, without a noise that a JPEG would lose."""
    few = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    return Image.fromarray(few).resize((width, height), Image.Resampling.BICUBIC)


def test_a_picture_comes_out_as_it_went_in():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    assert (decode_image(png(Image.fromarray(pixels)), 20, LIMITS) == pixels).all()


def test_a_picture_of_any_shape_comes_out_as_its_middle_square():
    pixels = np.asarray(scene(90, 50))
    found = decode_image(png(Image.fromarray(pixels)), 16, LIMITS)
    assert (found == fit_image(pixels, 16)).all()


@pytest.mark.parametrize("size", [(1_200, 800), (600, 900), (300, 290), (65, 64), (20, 30)])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_photograph_looks_as_if_every_pixel_had_been_decoded(size, progressive):
    data = jpeg(scene(*size), quality=90, progressive=progressive)
    whole = np.asarray(Image.open(io.BytesIO(data)))
    found = decode_image(data, 64, LIMITS).astype(int)
    assert np.abs(found - fit_image(whole, 64)).max() <= 4


def test_a_photograph_taken_upright_is_shown_upright():
    lying = scene(900, 600)
    marks = Image.Exif()
    marks[ExifTags.Base.Orientation] = 6  # to be turned by a quarter, clockwise
    found = decode_image(jpeg(lying, exif=marks), 64, LIMITS).astype(int)
    upright = decode_image(jpeg(lying.transpose(Image.Transpose.ROTATE_270)), 64, LIMITS)
    assert np.abs(found - upright).mean() < 2


def test_a_photograph_that_was_cut_off_is_refused():
    data = jpeg(scene(900, 600))
    with pytest.raises(BadMedia, match="damaged"):
        decode_image(data[: len(data) // 2], 64, LIMITS)


def test_transparency_becomes_white_and_grey_becomes_three_colours():
    clear = decode_image(png(Image.new("RGBA", (16, 16), (255, 0, 0, 0))), 16, LIMITS)
    assert (clear == 255).all()
    assert decode_image(png(Image.new("L", (16, 16), 7)), 16, LIMITS).shape == (16, 16, 3)


def test_grey_of_16_bits_keeps_its_shades():
    for shade in (1_000, 30_000, 65_535):
        grey = Image.fromarray(np.full((16, 16), shade, np.uint16))
        assert (decode_image(png(grey), 16, LIMITS) == shade >> 8).all()


def test_transparency_is_scaled_as_it_is_seen():
    dots = np.zeros((32, 32, 4), np.uint8)
    dots[::2, ::2] = (0, 0, 0, 255)  # a quarter of each patch is black, the rest clear
    found = decode_image(png(Image.fromarray(dots)), 16, LIMITS).astype(int)
    assert np.abs(found[2:-2, 2:-2] - 191).max() <= 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"not a picture", "no picture"),
        (b"x" * 200_001, "more than 200,000 bytes"),
        (png(Image.new("RGB", (64, 64)))[:60], "damaged"),
        (png(Image.new("1", (4_000, 4_000))), "more than 1,000,000 pixels"),
        (png(Image.new("RGB", (3, 300))), "too small"),
    ],
)
def test_a_bad_picture_is_refused_with_the_reason(data, said):
    with pytest.raises(BadMedia, match=said):
        decode_image(data, 16, LIMITS)


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="the most memory that was used is read in /proc")
def test_large_pictures_that_come_together_do_not_fill_the_memory(tmp_path):
    Image.new("RGBA", (4_990, 4_990), (1, 2, 3, 9)).save(tmp_path / "large.png")
    code = (
        "import sys; from concurrent.futures import ThreadPoolExecutor\n"
        "from pathlib import Path\n"
        "from portfolio_project.preprocess import Limits, decode_image\n"
        "data = Path(sys.argv[1]).read_bytes()\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    list(pool.map(lambda _: decode_image(data, 64, Limits()), range(8)))\n"
        f"print(Path({str(STATUS)!r}).read_text())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "large.png")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    # Not the resource module: what it tells began with the memory of the process that started this.
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", done.stdout)
    assert int(kilobytes) < 700_000  # eight times what one takes would be 1,600 MB


def test_many_silent_channels_are_not_all_in_memory():
    held = io.BytesIO()
    soundfile.write(held, np.zeros((80_000, 200), "int16"), 8_000, format="WAV", subtype="PCM_U8")
    data = held.getvalue()
    tracemalloc.start()
    try:
        found = decode_sound(data, Limits(max_bytes=20_000_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) == 80_000
    assert peak < 40_000_000  # all of it would be 64 MB


def test_a_strip_is_refused_where_the_middle_would_not_show_it():
    strip = png(Image.new("RGB", (300, 30)))
    assert decode_image(strip, 16, LIMITS).shape == (16, 16, 3)
    with pytest.raises(BadMedia, match="300 x 30 is no shape"):
        decode_image(strip, 16, replace(LIMITS, max_stretch=8))


@given(st.binary(max_size=400))
def test_no_bytes_whatever_break_the_decoders(data):
    told = []
    for decode in (lambda file, limits: decode_image(file, 8, limits), decode_sound):
        for given_data in (data, png(Image.new("RGB", (9, 9)))[:40] + data):
            try:
                decode(given_data, LIMITS)
            except BadMedia as error:
                told.append(error.reason)
    assert all(reason and "\n" not in reason for reason in told)


def test_a_picture_is_cut_to_its_middle_square():
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 20:60] = 200
    assert (fit_image(pixels, 16)[:, 1:-1] == 200).all()


def test_a_sound_is_one_channel_at_the_wanted_rate():
    stereo = np.stack([np.full(4_000, 0.5), np.full(4_000, -0.1)], axis=1)
    found = decode_sound(wav(stereo, 16_000), LIMITS)
    assert found.shape == (2_000,)
    assert found[500:1_500] == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"noise", "no sound"),
        (wav(np.zeros(24_000)), "longer than 2 seconds"),
        (wav(np.zeros(0)), "empty"),
    ],
)
def test_a_bad_sound_is_refused_with_the_reason(data, said):
    with pytest.raises(BadMedia, match=said):
        decode_sound(data, LIMITS)


@pytest.mark.parametrize("rate", [4_000, 16_000, 44_100])
def test_a_tone_keeps_its_pitch_when_the_rate_changes(rate):
    time = np.arange(rate) / rate
    found = resample(np.sin(2 * np.pi * 440 * time).astype(np.float32), rate, 8_000)
    assert np.abs(np.fft.rfft(found)).argmax() == 440
    assert np.abs(found).max() == pytest.approx(1, abs=0.05)


def test_a_higher_tone_stands_higher_in_the_spectrogram():
    time = np.arange(PARAMETERS.length) / PARAMETERS.sample_rate
    tones = [np.sin(2 * np.pi * pitch * time).astype(np.float32) for pitch in (220, 880, 3_000)]
    shown = spectrogram(tones, PARAMETERS)
    assert shown.shape == (3, PARAMETERS.bands, PARAMETERS.frames)
    loudest = shown.mean(axis=2).argmax(axis=1)
    assert loudest[0] < loudest[1] < loudest[2]
    assert np.isfinite(spectrogram([np.zeros(10, np.float32)], PARAMETERS)).all()
