"""timm and open_clip themselves: trained on, exported, served, and equal to what they say.

Random weights in a file stand for those that would be fetched; all else is the real thing.
"""

import importlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from portfolio_project import fitting
from portfolio_project.byte_pairs import BytePairs
from portfolio_project.config import TrainConfig, load_config
from portfolio_project.data.dataset import read_split
from portfolio_project.embedder import Embedder
from portfolio_project.evaluation.measure import measure
from portfolio_project.model.libraries import (
    IMAGE,
    MERGES,
    TEXT,
    PretrainedError,
    ask,
)
from portfolio_project.model.pretrained import text_tower

TINY = load_config("tiny")
SMALL_CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
TEXTS = [
    "a red circle above a star",
    "It's a dog's life, they'll say: don't!",
    "Z\u00fcrich, se\u00f1or; 1234 \u00bd \u00b2",
    "e\u0301te\u0301 \u2018curly\u2019 \u201cquotes\u201d &amp; \U0001f680 \u65e5\u672c\u8a9e",
    "  spaces\t\nand   more ",
    "",
    "word " * 100,
]


@pytest.fixture(scope="module", autouse=True)
def libraries():
    """Both libraries, or a word why this file is skipped."""
    try:
        return importlib.import_module("timm"), importlib.import_module("open_clip")
    except (ImportError, RuntimeError) as error:  # a torchvision that is not torch's raises one
        pytest.skip(f"the extra `pretrained` is not installed: {error}")


@pytest.fixture(scope="module")
def files(libraries, tmp_path_factory):
    """Files of weights: of a small vision transformer of timm, and of a small CLIP."""
    timm, open_clip = libraries
    folder = tmp_path_factory.mktemp("weights")
    (folder / "small-clip.json").write_text(json.dumps(SMALL_CLIP))
    open_clip.add_model_config(folder / "small-clip.json")
    torch.manual_seed(0)
    torch.save(timm.create_model("test_vit.r160_in1k").state_dict(), folder / "vit.pth")
    torch.save(open_clip.create_model("small-clip").state_dict(), folder / "clip.pt")
    return folder


def config_of(files, *, image, text):
    model = {"modalities": ("image", "text"), "image_tower": image, "text_tower": text}
    model["image_weights"] = str(files / ("vit.pth" if image.startswith("timm") else "clip.pt"))
    model["text_weights"] = str(files / "clip.pt")
    values = TINY.model_dump()
    values["model"] |= model
    return TrainConfig.model_validate(values)


@pytest.mark.parametrize("image", ["timm:test_vit.r160_in1k", "open_clip:small-clip"])
def test_they_are_trained_on_exported_and_served_without_them(files, trained, tmp_path, image):
    config = config_of(files, image=image, text="open_clip:small-clip")
    fitting.produce(trained / "data", tmp_path / "model", config, lambda *_: None)
    losses = json.loads((tmp_path / "model" / "history.json").read_bytes())["loss"]
    assert losses[-1] < losses[0]

    embedder = Embedder.load(tmp_path / "model")
    said = embedder.spec.pretrained
    assert said["image"].side == (160 if image.startswith("timm") else 32)
    assert said["text"].name == "open_clip:small-clip"
    small = Embedder.load(tmp_path / "model", numbers="int8")
    report = measure(embedder, small, trained / "data").report
    assert report["int8"]["cosine_to_float_image"] > 0.9
    assert report["int8"]["cosine_to_float_text"] > 0.9
    pixels = np.asarray(read_split(trained / "data" / "test").images[:2])
    code = (
        "import json, sys; from pathlib import Path; import numpy as np\n"
        "from portfolio_project.embedder import Embedder\n"
        "served = Embedder.load(Path(sys.argv[1]))\n"
        f"texts = served.text({TEXTS})\n"
        f"pictures = served.image(np.array({pixels.tolist()}, np.uint8))\n"
        "assert not {'torch', 'timm', 'open_clip', 'ftfy', 'regex'} & sys.modules.keys()\n"
        "print(json.dumps([texts.tolist(), pictures.tolist()]))"
    )
    command = [sys.executable, "-", str(tmp_path / "model")]
    done = subprocess.run(command, input=code.encode(), check=True, capture_output=True, timeout=60)
    texts, pictures = json.loads(done.stdout)
    assert np.array(texts) == pytest.approx(embedder.text(TEXTS), abs=1e-5)
    assert np.array(pictures) == pytest.approx(embedder.image(pixels), abs=1e-5)


def test_texts_are_numbered_as_open_clip_numbers_them(libraries, files):
    _, open_clip = libraries
    merges, most = ask(MERGES, "text", "open_clip:small-clip")
    mine = BytePairs(merges, most)
    theirs = open_clip.get_tokenizer("small-clip")
    assert len(mine) == theirs.vocab_size
    assert mine.encode(TEXTS).tolist() == theirs(TEXTS).tolist()


def test_features_are_those_of_open_clip_also_where_texts_are_cut_shorter(libraries, files):
    _, open_clip = libraries
    clip = open_clip.create_model("small-clip", str(files / "clip.pt")).eval()
    config = config_of(files, image="open_clip:small-clip", text="open_clip:small-clip").model
    texts = TEXTS[:2]
    vocabulary = BytePairs.fitted(*ask(MERGES, "text", config.text_tower)[:1], texts, 77)
    tower = text_tower(config, vocabulary.length)
    assert vocabulary.length < 30
    with torch.no_grad():
        expected = clip.encode_text(open_clip.get_tokenizer("small-clip")(texts))
        found = tower.features(torch.from_numpy(vocabulary.encode(texts)))
        assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-5)
        seen = torch.rand(2, 3, 32, 32)
        trunk = ask(IMAGE, "image", config.image_tower, config.image_weights)
        assert trunk.network(seen).numpy() == pytest.approx(
            clip.encode_image(seen).numpy(), abs=1e-5
        )
    assert (trunk.side, len(trunk.mean), len(trunk.std)) == (32, 3, 3)


def test_a_trunk_of_timm_has_the_weights_of_the_file(libraries, files):
    timm, _ = libraries
    trunk = ask(IMAGE, "image", "timm:test_vit.r160_in1k", str(files / "vit.pth"))
    whole = timm.create_model("test_vit.r160_in1k", checkpoint_path=str(files / "vit.pth")).eval()
    seen = torch.rand(2, 3, 160, 160)
    with torch.no_grad():
        expected = whole.forward_head(whole.forward_features(seen), pre_logits=True)
        assert trunk.network.eval()(seen).numpy() == pytest.approx(expected.numpy(), abs=1e-5)
    assert trunk.side == 160


@pytest.mark.parametrize(
    ("loaders", "tower", "says"),
    [
        (IMAGE, "timm:no_such_net", "timm:no_such_net cannot be loaded"),
        (TEXT, "open_clip:ViT-B-32", "names no weights; give open_clip:ViT-B-32/WEIGHTS"),
        (TEXT, "open_clip:ViT-B-32/none", "open_clip:ViT-B-32/none cannot be loaded"),
        (MERGES, "open_clip:none/none", "open_clip has no 'none'"),
        (MERGES, "open_clip:ViT-B-16-SigLIP/webli", "reads by other rules than CLIP's byte pairs"),
    ],
)
def test_what_they_do_not_have_is_told_in_one_line(loaders, tower, says):
    with pytest.raises(PretrainedError) as told:
        ask(loaders, "text", tower)
    assert says in str(told.value)
    assert "\n" not in str(told.value)
