"""An explanation points at what the answer rests on."""

import numpy as np
import pytest

from portfolio_project.api.map import project
from portfolio_project.explanation import GRID, weigh_regions, weigh_words
from portfolio_project.facets import FACETS, WORLD, facets_of
from portfolio_project.world import sample


class Looks:
    """Sees how red the top left quarter is, and whether the word `red` is there."""

    def image(self, pixels):
        quarter = pixels[:, :32, :32, 0].mean(axis=(1, 2)) / 255
        return np.stack([quarter, 1 - quarter], axis=1).astype(np.float32)

    def text(self, texts):
        said = np.array(["red" in one.split() for one in texts], np.float32)
        return np.stack([said, 1 - said], axis=1)


RED = np.array([1, 0], np.float32)


def test_the_region_that_matters_is_warm_and_the_rest_is_not():
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[8:24, 8:24, 0] = 255

    weights = weigh_regions(Looks(), pixels, RED)

    assert weights.shape == (GRID, GRID)
    assert weights[:3, :3].min() > 0
    assert np.abs(weights[4:, 4:]).max() == 0


def test_the_word_that_matters_carries_all():
    found = {one.word: one.weight for one in weigh_words(Looks(), "a red circle", RED)}

    assert found == {"a": 0, "red": 1, "circle": 0}


def test_facets_and_attributes_are_the_same_told_twice():
    for number in range(20):
        attributes = sample(0, "test", number).attributes
        flat = facets_of(attributes)
        assert set(flat) == set(FACETS)
        assert WORLD.row(flat) == attributes.row()
        assert WORLD.told(attributes.row()) == flat
        assert WORLD.row({**flat, "relation": "inside of"}) is None
        del flat["background"]
        assert WORLD.row(flat) is None


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_the_map_has_a_place_for_each_within_its_bounds(count):
    vectors = np.random.default_rng(0).standard_normal((count, 8)).astype(np.float32)

    places, share = project(vectors)

    assert places.shape == (count, 2)
    assert 0 <= share <= 1
    assert count == 0 or np.abs(places).max() <= 1
