"""The world: a pure function, every scene once, captions that tell the truth."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_project import world
from portfolio_project.data.generate import generate
from portfolio_project.vocabulary import words
from portfolio_project.world.attributes import HELD_OUT
from portfolio_project.world.captions import SYNONYMS

RELATIONS = {"left of", "right of", "above", "below"}
MEANS = {
    word: meaning for meaning, said in SYNONYMS.items() for word in said if meaning not in RELATIONS
}
indices = st.integers(0, 50_000)


def meanings(caption):
    """What the words for things and grounds mean, and how often."""
    return Counter(MEANS[word] for word in words(caption) if word in MEANS)


def pairs(attributes):
    return {(one.colour, one.shape) for one in (attributes.first, attributes.second)}


@given(indices, st.sampled_from(world.SPLITS))
def test_a_sample_does_not_depend_on_what_was_drawn_before(index, split):
    first = world.sample(3, split, index)
    world.sample(3, split, index + 1)
    again = world.sample(3, split, index)
    assert (first.image == again.image).all()
    assert (first.sound == again.sound).all()
    assert (first.caption, first.attributes) == (again.caption, again.attributes)


def test_any_number_of_processes_writes_the_same_bytes():
    together = generate(0, "train", 600)
    alone = [world.sample(0, "train", index) for index in (0, 499, 500, 599)]
    for row, one in zip((0, 499, 500, 599), alone, strict=True):
        assert (together.images[row] == one.image).all()
        assert together.captions[row] == one.caption
        assert world.from_row(tuple(together.attributes[row])) == one.attributes


def test_no_scene_comes_twice_and_none_is_in_two_splits():
    scenes = {split: [world.scene(0, split, i) for i in range(3_000)] for split in world.SPLITS}
    for split in ("train", "validation", "test", "held_out"):
        assert len(set(scenes[split])) == 3_000
    for split in world.SPLITS[1:]:
        assert not set(scenes["train"]) & set(scenes[split])


def test_only_the_held_out_split_shows_held_out_pairs():
    for split in world.SPLITS:
        for index in range(500):
            novel = pairs(world.scene(1, split, index)) & set(HELD_OUT)
            assert len(novel) == (split == "held_out")


def test_the_scenes_of_a_hard_group_differ_from_its_first_in_one_attribute():
    for group in range(100):
        first, *others = (world.scene(0, "hard", 4 * group + i) for i in range(4))
        for other in others:
            changed = np.array(first.row()) != np.array(other.row())
            assert other == first.exchanged() or changed.sum() == 1


@given(indices)
def test_a_caption_names_everything_that_is_there(index):
    sample = world.sample(0, "train", index)
    said = [MEANS[word] for word in words(sample.caption) if word in MEANS]
    things = (sample.attributes.first, sample.attributes.second)
    for thing in things:
        for value in (thing.colour, thing.shape, thing.texture, thing.size):
            assert value in said
    assert sample.attributes.background in said


@given(indices)
def test_each_hard_negative_is_false_and_almost_right(index):
    sample = world.sample(0, "train", index)
    told = world.hard_negatives(0, "train", index)
    assert set(told) == set(world.KINDS)
    mine = meanings(sample.caption)
    for kind, wrong in told.items():
        assert wrong != sample.caption
        lost = mine - meanings(wrong)
        assert lost.total() <= (0 if kind == "relation" else 1)


def test_the_two_things_do_not_touch_and_can_be_seen():
    for index in range(50):
        image = world.sample(0, "test", index).image.astype(int)
        ground = np.median(image.reshape(-1, 3), axis=0)
        seen = np.abs(image - ground).sum(2) > 60
        assert 60 < seen.sum() < 2_600


def test_equal_scenes_of_different_worlds_stand_at_different_places():
    assert world.scene(0, "train", 0) != world.scene(1, "train", 0)


def test_beyond_its_capacity_a_split_has_nothing():
    with pytest.raises(IndexError, match="there is no number"):
        world.scene(0, "test", world.capacity("test"))
