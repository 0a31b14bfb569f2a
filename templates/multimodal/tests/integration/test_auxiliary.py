"""Auxiliary modalities teach where the data have them, and leave no trace in the model."""

from dataclasses import replace

import pytest
from safetensors.torch import load_file

from portfolio_project.config import TrainConfig, load_config
from portfolio_project.data.dataset import read_split
from portfolio_project.embedder import Embedder
from portfolio_project.export import export
from portfolio_project.ingest import fitted_to
from portfolio_project.training.trainer import fit
from portfolio_project.vocabulary import Vocabulary

TINY = load_config("tiny")


def config_of(auxiliary, pairs=(), **model):
    values = TINY.model_dump(mode="json")
    values["model"] |= {"modalities": ("image", "text"), "auxiliary": auxiliary, **model}
    values["optimiser"] |= {"steps": 4, "batch": 16, "pairs": pairs}
    return TrainConfig.model_validate(values)


PLAIN = config_of(())
TAUGHT = config_of(("attributes",))


@pytest.fixture(scope="module")
def data(trained):
    return read_split(trained / "data" / "train")


@pytest.fixture(scope="module")
def written(data, tmp_path_factory):
    """Train a configuration on data and return the folder of the model."""

    def write(config, given=data):
        folder = tmp_path_factory.mktemp("model")
        vocabulary = Vocabulary.of(given.captions)
        config = fitted_to(given, config)
        export(fit(given, config, vocabulary), config, vocabulary, given, folder)
        return folder

    return write


def test_the_model_is_that_of_its_own_modalities_alone(written):
    folder = written(TAUGHT)
    assert Embedder.load(folder).modalities == ("image", "text")
    assert not [name for name in load_file(folder / "model.safetensors") if "attributes" in name]
    assert not list(folder.glob("attributes*"))


def test_attributes_teach_the_others(written):
    plain, taught = (load_file(written(one) / "model.safetensors") for one in (PLAIN, TAUGHT))
    assert plain.keys() == taught.keys()
    assert not any(plain[name].equal(taught[name]) for name in plain if name.endswith("out.weight"))


def test_without_the_data_it_is_as_if_they_had_not_been_named(written, data):
    bare = replace(data, attributes=None)
    paired = config_of(("attributes",), [["image", "text"], ["attributes", "text"]])
    plain = written(PLAIN, bare) / "model.safetensors"
    for config in (TAUGHT, paired):
        assert (written(config, bare) / "model.safetensors").read_bytes() == plain.read_bytes()


def test_the_configuration_of_a_run_names_those_that_taught(data):
    assert fitted_to(data, TAUGHT).model.auxiliary == ("attributes",)
    assert fitted_to(replace(data, attributes=None), TAUGHT).model.auxiliary == ()


def test_what_is_to_be_kept_is_not_lost_for_teaching_too(written):
    both = config_of(("attributes",), modalities=("image", "text", "attributes"))
    assert Embedder.load(written(both)).modalities == ("image", "text", "attributes")
