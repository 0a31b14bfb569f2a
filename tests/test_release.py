"""The history of released trees: made once, never changed, the same wherever it is made."""

import pytest
from lifecycle_world import world

from scaffold import history, release, template
from scaffold.errors import ScaffoldError
from scaffold.objects import quarantine, tree_at
from scaffold.record import origin_of

__all__ = ["world"]


def again(world, name="again.bundle"):
    bundle = world.root / name
    release.release(template.available().values(), bundle)
    return bundle


def test_a_release_depends_on_the_trees_alone(world):
    assert history.releases(again(world)) == history.releases(world.bundle)
    assert list(history.releases(world.bundle)) == ["tiny/v0.1.0"]


def test_every_release_can_be_read_again(world):
    world.publish("0.2.0", files={"README.md": "second\n"})
    world.publish("0.10.0", files={"README.md": "third\n"})
    with quarantine() as git:
        history.fetch(git, world.bundle)
        found = {
            tag: tree_at(git, f"refs/tags/{tag}")["README.md"].data
            for tag in history.releases(world.bundle)
        }
        log = git("log", "--format=%s", "refs/tags/tiny/v0.10.0").stdout.decode().split()
    assert found["tiny/v0.2.0"] == b"second\n"
    assert found["tiny/v0.10.0"] == b"third\n"
    assert log == ["tiny/v0.10.0", "tiny/v0.2.0", "tiny/v0.1.0"]


def test_a_released_version_never_changes(world):
    before = world.bundle.read_bytes()
    world.publish("0.1.0", released=False, files={"README.md": "changed\n"})
    with pytest.raises(ScaffoldError, match="has changed since"):
        release.release(template.available().values(), world.bundle)
    assert world.bundle.read_bytes() == before


def test_versions_only_go_up(world):
    world.publish("0.0.9", released=False, files={"README.md": "changed\n"})
    with pytest.raises(ScaffoldError, match="above"):
        release.release(template.available().values(), world.bundle)


def test_a_checkout_is_told_from_the_release_of_the_same_version(world):
    released = origin_of(history.present(template.available()["tiny"])[1])
    world.publish("0.1.0", released=False, files={"README.md": "changed\n"})
    present = history.present(template.available()["tiny"])
    assert not history.same(released, present[0])
    assert history.tree_of_origin(released, present)["README.md"].data != b"changed\n"


def test_a_history_that_is_no_bundle_holds_nothing(world):
    world.bundle.write_bytes(b"not a bundle")
    assert history.releases() == {}
