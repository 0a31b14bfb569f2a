"""A model's settings count as reviewed only as the reviewed commit names them."""

from importlib.resources import files

import pytest
from runs import make_run

from portfolio_project.config import config_names, is_named, load_config

PACKAGE = files("portfolio_project")


def on_disk(name):
    file = PACKAGE.joinpath(name)
    return file.read_text("utf-8") if file.is_file() else None


@pytest.fixture
def run_of(tmp_path):
    """A run with the settings of a configuration, some of them changed."""

    def make(name="default", **changes):
        config = load_config(name).model_dump(mode="json")
        for part, values in changes.items():
            config[part] = {**config[part], **values}
        return make_run(tmp_path)[1].model_copy(update={"config": config})

    return make


@pytest.mark.parametrize("name", config_names())
def test_every_named_configuration_is_one(run_of, name):
    assert is_named(run_of(name), on_disk)


def test_settings_are_named_as_the_commit_has_them(run_of):
    text = on_disk("configs/default.toml")
    changed = text.replace("[optimiser]", "[optimiser]\nwarmup = 7")
    slower = run_of(optimiser={"warmup": 7})
    assert not is_named(slower, on_disk)
    assert is_named(slower, lambda _: changed)
    assert not is_named(run_of(), lambda _: changed)


def test_what_a_configuration_is_based_on_is_read_there_too(run_of):
    def committed(name):
        text = on_disk(name)
        return text.replace("train = 256", "train = 512") if name.endswith("tiny.toml") else text

    assert not is_named(run_of("tiny"), committed)
    based = {
        "configs/default.toml": 'base = "tiny"',
        "configs/tiny.toml": on_disk("configs/tiny.toml"),
    }
    tiny = run_of("tiny")
    renamed = tiny.model_copy(update={"config": {**tiny.config, "name": "default"}})
    assert is_named(renamed, based.get)


def test_which_attributes_there_are_is_for_the_data_to_say(run_of):
    assert is_named(run_of(model={"attribute_sizes": [3, 4]}), on_disk)
    assert is_named(run_of(model={"auxiliary": []}), on_disk)
    assert not is_named(run_of(model={"auxiliary": ["sound"]}), on_disk)
    assert not is_named(run_of("no_attributes", model={"auxiliary": ["attributes"]}), on_disk)


@pytest.mark.parametrize("text", [None, "", "no TOML", "seed = -1", "[optimiser]\nspeed = 1"])
def test_what_the_commit_does_not_say_is_not_named(run_of, text):
    assert not is_named(run_of(), lambda _: text)
