"""Towers that others trained, by way of a small trunk that stands where a library's would."""

import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from runs import make_run
from safetensors.torch import load_file
from torch import nn
from toy_towers import MEAN, MERGES, STD, TINY, Eye, config_of, lend

from portfolio_project import config, fitting, train
from portfolio_project.byte_pairs import BytePairs, read_vocabulary
from portfolio_project.config import ConfigError, load_config
from portfolio_project.data.dataset import DatasetError, read_split
from portfolio_project.embedder import Embedder
from portfolio_project.model import Encoder, Head, Towers, libraries
from portfolio_project.model.libraries import PretrainedError, Trunk
from portfolio_project.vocabulary import VocabularyError


@pytest.fixture
def toys(monkeypatch):
    lend(monkeypatch)


@pytest.fixture
def made(toys, trained, tmp_path):
    """Train on the little world with towers of one's choice; returns the model's folder."""

    def make(**model):
        folder = tmp_path / "models" / "toy"
        fitting.produce(trained / "data", folder, config_of(**model), lambda *_: None)
        return folder

    return make


def in_another_process(folder, call):
    code = (
        "import json, sys; from pathlib import Path; import numpy as np\n"
        "from portfolio_project.embedder import Embedder\n"
        f"vectors = Embedder.load(Path(sys.argv[1])).{call}\n"
        "assert 'torch' not in sys.modules\n"
        "print(json.dumps(vectors.tolist()))"
    )
    command = [sys.executable, "-", str(folder)]
    done = subprocess.run(command, input=code.encode(), check=True, capture_output=True, timeout=60)
    return np.array(json.loads(done.stdout))


def encoder_of(folder, modality, **model):
    """The trained tower, from the weights that were kept."""
    vocabulary = read_vocabulary((folder / "vocabulary.json").read_bytes())
    config = config_of(**model).model
    towers, head = Towers(config, len(vocabulary), vocabulary.length), Head(config)
    weights = load_file(folder / "model.safetensors")
    for name, module in (("towers", towers), ("head", head)):
        start = f"{name}."
        mine = {key.removeprefix(start): w for key, w in weights.items() if key.startswith(start)}
        module.load_state_dict(mine)
    return Encoder(towers, head, modality).eval()


def test_a_frozen_trunk_stays_as_it_came_and_the_projection_learns(made):
    folder = made(image_tower="toy:eye")
    weights = load_file(folder / "model.safetensors")
    for name, value in Eye().state_dict().items():
        assert torch.equal(weights[f"towers.towers.image.trunk.{name}"], value), name
    torch.manual_seed(TINY.seed)
    assert weights["towers.towers.image.out.bias"].abs().max() > 0
    losses = json.loads((folder / "history.json").read_bytes())["loss"]
    assert losses[-1] < losses[0]


def test_what_the_trunk_wants_travels_with_the_model(made, trained):
    folder = made(image_tower="toy:eye")
    said = Embedder.load(folder).spec.pretrained["image"]
    assert (said.name, said.licence, said.side) == ("toy:eye", "mit", 32)
    assert (said.mean, said.std) == (pytest.approx(MEAN), pytest.approx(STD))
    assert re.fullmatch("[0-9a-f]{64}", said.weights)

    pixels = np.array(read_split(trained / "data" / "test").images[:3])
    served = in_another_process(folder, f"image(np.array({pixels.tolist()}, np.uint8))")
    encoder = encoder_of(folder, "image", image_tower="toy:eye")
    with torch.no_grad():
        assert served == pytest.approx(encoder(torch.from_numpy(pixels)).numpy(), abs=1e-4)
        small = nn.functional.interpolate(
            torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255, (32, 32), mode="bilinear"
        )
        mean, std = (torch.tensor(one)[:, None, None] for one in (MEAN, STD))
        by_hand = Eye().eval()((small - mean) / std)
    assert encoder.tower.features(torch.from_numpy(pixels)) == pytest.approx(by_hand, abs=1e-5)


def test_a_pretrained_text_tower_reads_by_its_own_pieces_also_without_torch(made):
    folder = made(text_tower="toy:ear")
    vocabulary = read_vocabulary((folder / "vocabulary.json").read_bytes())
    assert list(vocabulary.known) == MERGES
    texts = ["a red circle", "Red\n  CIRCLE!", "", "é"]
    served = in_another_process(folder, f"text({texts})")
    encoder = encoder_of(folder, "text", text_tower="toy:ear")
    with torch.no_grad():
        expected = encoder(torch.from_numpy(vocabulary.encode(texts))).numpy()
    assert served == pytest.approx(expected, abs=1e-4)


def test_a_run_from_before_the_rate_of_trunks_still_counts_as_named(tmp_path):
    def on_disk(name):
        return files("portfolio_project").joinpath(name).read_text("utf-8")

    values = load_config("pretrained").model_dump(mode="json")
    del values["optimiser"]["trunk_rate"]
    run = make_run(tmp_path)[1].model_copy(update={"config": values})
    assert config.is_named(run, on_disk)


def test_a_vocabulary_of_merges_reads_back_and_numbers_as_clip_does():
    made = BytePairs.fitted(MERGES, ["red car", "a red red"], 77)
    again = read_vocabulary(made.to_json())
    assert (len(again), again.length) == (512 + len(MERGES) + 2, made.length)
    (row,) = again.encode(["Red 42!"])
    # The mark of start, "red" whole, a number for each digit and sign, and the mark of end.
    assert row[:2].tolist() == [len(again) - 2, 513]
    assert row.tolist().count(len(again) - 1) == 1
    (cut,) = again.encode(["red " * 200])
    assert (len(cut), cut[-1]) == (made.length, len(again) - 1)
    for bad in (b"{", b'{"merges": 3}', b'{"merges": []}'):
        with pytest.raises(VocabularyError, match=r"vocabulary\.json is damaged"):
            read_vocabulary(bad)


@pytest.mark.parametrize(
    ("tower", "says"),
    [
        ({"image_tower": "jax:vit"}, "'jax:vit' is not known; give own, timm:NAME or open_clip"),
        ({"text_tower": "timm:vit"}, "text_tower = 'timm:vit' is not known; give own, open_clip"),
        ({"image_tower": "timm:vit"}, r"timm:vit needs the extra .* \(timm is missing\); docs/tr"),
        ({"text_tower": "open_clip:a/b"}, r"needs the extra `pretrained` \(open_clip is missing\)"),
        ({"image_tower": "lost:x"}, r"lost:x cannot be loaded \(no route to the hub\)\. Its weig"),
        ({"image_tower": "maps:x"}, "maps:x does not give one vector an input; choose another"),
    ],
)
def test_a_tower_that_cannot_be_had_is_told_in_one_line(monkeypatch, tower, says):
    def lost(_name, _weights):
        raise OSError("no route\nto the hub")

    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.setitem(sys.modules, "open_clip", None)
    monkeypatch.setitem(libraries.IMAGE, "lost", lost)
    monkeypatch.setitem(libraries.IMAGE, "maps", lambda *_: Trunk(nn.Identity(), 8, MEAN, STD))
    with pytest.raises(PretrainedError, match=says) as told:
        Towers(config_of(**tower).model, 10, 8)
    assert "\n" not in str(told.value)


def test_the_command_says_what_to_install(trained, tmp_path, monkeypatch):
    (tmp_path / "timm.py").write_text("raise ModuleNotFoundError('none', name='timm')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    config = config_of(image_tower="timm:resnet18.a1_in1k")
    with pytest.raises(
        train.TrainingError, match=r"tiny could not be trained: timm:.* says how to "
    ):
        train.produce(trained / "data", tmp_path / "model", config)


def test_own_towers_want_pictures_of_their_side(trained, tmp_path):
    with pytest.raises(DatasetError, match=r"pictures of 64 x 64 pixels, .* looks at 32 x 32; ing"):
        fitting.produce(trained / "data", tmp_path, config_of(image_side=32), lambda *_: None)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ('image_tower = "resnet18"', "model.image_tower: "),
        ("finetune = 2", "model.finetune: "),
    ],
)
def test_a_configuration_that_cannot_be_is_told_in_one_line(monkeypatch, tmp_path, model, says):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "mine.toml").write_text(f"[model]\n{model}\n")
    monkeypatch.setattr(config, "files", lambda _package: tmp_path)
    with pytest.raises(ConfigError, match=re.escape(says)) as told:
        load_config("mine")
    assert "\n" not in str(told.value)


def test_the_named_configuration_holds_both_kinds_of_towers():
    config = load_config("pretrained")
    assert config.model.image_tower.startswith("timm:")
    assert config.model.text_tower.startswith("open_clip:")
    assert not config.model.finetune


def test_the_torchvision_of_the_extra_is_that_of_the_pinned_torch():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    (torch_minor,) = re.findall(r'"torch==2\.(\d+)\.\d+"', text)
    (vision_minor,) = re.findall(r'"torchvision==0\.(\d+)\.\d+"', text)
    assert int(vision_minor) == int(torch_minor) + 15  # both rise by one with each release
