"""Towers that others trained, by way of a small trunk that stands where a library's would."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from portfolio_project import config, fitting, train
from portfolio_project.byte_pairs import BytePairs, read_vocabulary
from portfolio_project.config import ConfigError, TrainConfig, load_config
from portfolio_project.data.dataset import DatasetError, read_split
from portfolio_project.embedder import Embedder
from portfolio_project.model import Encoder, Head, Towers, libraries
from portfolio_project.model.libraries import PretrainedError, Trunk
from portfolio_project.training.trainer import fit
from portfolio_project.vocabulary import Vocabulary, VocabularyError

TINY = load_config("tiny")
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
MERGES = ["r e", "re d</w>", "c i", "a r"]


class Eye(nn.Module):
    """Features of pictures, with statistics that would run if nobody held them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.see = nn.Conv2d(3, 12, 8, stride=8)
        self.settle = nn.BatchNorm2d(12)

    def forward(self, seen):
        return self.settle(self.see(seen)).relu().amax((2, 3))


class Ear(nn.Module):
    """Features of numbers of words; as CLIP's, it knows the longest text by its mask."""

    def __init__(self, words):
        super().__init__()
        torch.manual_seed(6)
        self.words = nn.Embedding(words, 10)
        self.attn_mask = torch.ones(77, 77).tril()

    def forward(self, numbers):
        mixed = self.attn_mask @ self.words(numbers)
        return mixed[torch.arange(numbers.shape[0]), numbers.argmax(1)]


@pytest.fixture
def toys(monkeypatch):
    """A library `toy`, which gives an eye for pictures of 32 x 32 pixels and an ear."""
    words = len(BytePairs(MERGES, 4))
    see = Trunk(Eye(), 32, MEAN, STD, "mit")
    monkeypatch.setitem(libraries.IMAGE, "toy", lambda _name, _weights: see)
    monkeypatch.setitem(libraries.TEXT, "toy", lambda _name, _weights: Trunk(Ear(words)))
    monkeypatch.setitem(libraries.MERGES, "toy", lambda _name, _weights: (MERGES, 77))


def config_of(**model):
    values = TINY.model_dump()
    values["model"] |= {"modalities": ("image", "text"), **model}
    return TrainConfig.model_validate(values)


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


def test_a_trunk_that_is_finetuned_moves_and_its_statistics_do_not(made):
    weights = load_file(made(image_tower="toy:eye", finetune=True) / "model.safetensors")
    before = Eye().state_dict()
    start = "towers.towers.image.trunk."
    assert not torch.equal(weights[f"{start}see.weight"], before["see.weight"])
    for name in ("settle.running_mean", "settle.running_var"):
        assert torch.equal(weights[start + name], before[name])


def test_a_trunk_that_is_finetuned_has_a_small_rate_of_its_own(toys, trained):
    data = read_split(trained / "data" / "train")
    config = config_of(image_tower="toy:eye", finetune=True)
    vocabulary = Vocabulary.of(data.captions)
    torch.manual_seed(config.seed)
    start = Towers(config.model, len(vocabulary), vocabulary.length).towers["image"].out.weight
    tower = fit(data, config, vocabulary, until=4).towers.towers["image"]
    rate = config.optimiser.trunk_rate
    assert 0 < (tower.trunk.see.weight - Eye().see.weight).abs().max() <= 4 * rate
    assert (tower.out.weight - start).abs().max() > 100 * rate


def rows_seen(monkeypatch, network):
    """How many inputs go through a trunk from now on, call by call."""
    seen: list[int] = []
    through = network.forward

    def counted(self, given):
        seen.append(len(given))
        return through(self, given)

    monkeypatch.setattr(network, "forward", counted)
    return seen


@pytest.mark.parametrize(("tower", "network"), [("image_tower", Eye), ("text_tower", Ear)])
def test_a_frozen_trunk_looks_at_each_input_once(toys, trained, monkeypatch, tower, network):
    data = read_split(trained / "data" / "train")
    config = config_of(**{tower: "toy:one"})
    vocabulary = (
        Vocabulary.of(data.captions) if network is Eye else BytePairs.fitted(MERGES, [], 77)
    )
    texts = [*data.captions, *(text for row in data.negatives for text in row)]
    distinct = len(np.unique(vocabulary.encode(texts), axis=0))
    seen = rows_seen(monkeypatch, network)
    told: list[tuple[str, int, int]] = []
    fit(data, config, vocabulary, looked=lambda *one: told.append(one))
    count = len(data) if network is Eye else distinct
    assert sum(seen) == 1 + count  # one more tells how wide the features are
    assert told[-1] == (tower.partition("_")[0], count, count)


def test_what_was_looked_at_before_is_what_a_step_would_see(toys, trained):
    data = read_split(trained / "data" / "train")
    vocabulary = Vocabulary.of(data.captions)
    config = config_of(image_tower="toy:eye")
    once = config.optimiser.model_copy(update={"steps": len(data) // config.optimiser.batch})
    fresh = fit(data, config.model_copy(update={"optimiser": once}), vocabulary, until=1)
    kept = fit(data, config, vocabulary, until=1)
    assert kept.losses == pytest.approx(fresh.losses, rel=1e-5)


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


def test_a_training_on_a_frozen_trunk_goes_on_where_it_was_stopped(toys, trained, tmp_path):
    data = read_split(trained / "data" / "train")
    config, vocabulary = config_of(image_tower="toy:eye"), Vocabulary.of(data.captions)
    whole = fit(data, config, vocabulary)
    fit(data, config, vocabulary, checkpoints=tmp_path, until=10)
    resumed = fit(data, config, vocabulary, checkpoints=tmp_path)
    assert resumed.losses == whole.losses
    weights = whole.towers.state_dict()
    for name, value in resumed.towers.state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_the_torchvision_of_the_extra_is_that_of_the_pinned_torch():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    (torch_minor,) = re.findall(r'"torch==2\.(\d+)\.\d+"', text)
    (vision_minor,) = re.findall(r'"torchvision==0\.(\d+)\.\d+"', text)
    assert int(vision_minor) == int(torch_minor) + 15  # both rise by one with each release
