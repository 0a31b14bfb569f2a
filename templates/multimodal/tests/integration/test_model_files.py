"""The exported model: the same answers as torch, without torch."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from portfolio_project import world
from portfolio_project.config import load_config
from portfolio_project.data.dataset import read_split
from portfolio_project.embedder import BadModel, Embedder, UnknownModality
from portfolio_project.evaluation.quick import embed
from portfolio_project.export import sample_inputs, to_onnx
from portfolio_project.model import Encoder, Head, Towers
from portfolio_project.vocabulary import Vocabulary

TINY = load_config("tiny")


@pytest.fixture(scope="module")
def folder(trained):
    return trained / "models" / "tiny"


@pytest.fixture(scope="module")
def data(trained):
    return read_split(trained / "data" / "test")


@pytest.mark.parametrize("modality", TINY.model.modalities)
def test_onnx_answers_what_torch_answers(data, modality):
    torch.manual_seed(0)
    vocabulary = Vocabulary.of(data.captions)
    towers, head = Towers(TINY.model, len(vocabulary), vocabulary.length), Head(TINY.model)
    given = torch.from_numpy(sample_inputs(modality, TINY, vocabulary, data)[:8])
    for _ in range(3):  # running statistics that are not those of the start
        head({modality: towers({modality: given})[modality]})
    encoder = Encoder(towers, head, modality).eval()
    with torch.no_grad():
        expected = encoder(given).numpy()
    import onnxruntime  # noqa: PLC0415

    session = onnxruntime.InferenceSession(to_onnx(encoder, given))
    for rows in (1, 8):
        (found,) = session.run(None, {"input": given[:rows].numpy()})
        assert found == pytest.approx(expected[:rows], abs=1e-5)


def test_every_modality_gives_unit_vectors_of_one_space(folder, data):
    embedder = Embedder.load(folder)
    for modality in embedder.modalities:
        vectors = embed(embedder, data, modality, 8)
        assert vectors.shape == (8, embedder.dim)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)


def test_attributes_and_their_row_are_the_same(folder):
    embedder = Embedder.load(folder)
    scene = world.scene(0, "test", 3)
    assert (embedder.attributes([scene]) == embedder.rows(np.array([scene.row()]))).all()


def test_a_batch_gives_what_each_one_alone_gives(folder, data):
    embedder = Embedder.load(folder)
    together = embedder.text(data.captions[:5])
    alone = np.concatenate([embedder.text([text]) for text in data.captions[:5]])
    assert together == pytest.approx(alone, abs=1e-5)
    assert embedder.text([]).shape == (0, embedder.dim)


def test_a_text_needs_no_padding(folder):
    import onnxruntime  # noqa: PLC0415

    session = onnxruntime.InferenceSession(folder / "text.onnx")
    padded = Embedder.load(folder).vocabulary.encode(["red square", "a red circle above a star"])
    (expected,) = session.run(None, {"input": padded})
    (found,) = session.run(None, {"input": padded[:, :6]})
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_picture_of_another_size_is_brought_to_the_model_s(folder, data):
    large = np.asarray(data.images[:2]).repeat(3, axis=1).repeat(3, axis=2)
    embedder = Embedder.load(folder)
    near = (embedder.image(large) * embedder.image(np.asarray(data.images[:2]))).sum(1)
    assert (near > 0.95).all()


def test_eight_bit_vectors_point_nearly_where_the_exact_ones_do(folder, data):
    exact, rough = Embedder.load(folder), Embedder.load(folder, numbers="int8")
    for modality in exact.modalities:
        near = (embed(exact, data, modality, 32) * embed(rough, data, modality, 32)).sum(1)
        assert near.mean() > 0.95


def test_an_unknown_modality_and_a_damaged_model_are_named(folder, tmp_path):
    embedder = Embedder.load(folder)
    object.__setattr__(embedder, "_sessions", {})
    with pytest.raises(UnknownModality, match="knows no sound"):
        embedder.sound([np.zeros(4, np.float32)])
    with pytest.raises(BadModel, match="lacks a file"):
        Embedder.load(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(BadModel, match="damaged"):
        Embedder.load(tmp_path)


def test_embedding_needs_no_torch(folder):
    code = (
        "import sys; from pathlib import Path\n"
        "from portfolio_project.embedder import Embedder\n"
        "Embedder.load(Path(sys.argv[1])).text(['a red ring'])\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, timeout=60)
